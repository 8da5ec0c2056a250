# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An environment for each harness, of pinned versions that exist together, with the wheel of this project."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HARNESSES = Path(__file__).parent / "harnesses"


def clean_variables() -> dict[str, str]:
    """The variables of this process without those that would let an environment see another."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def make_environment(folder: Path, wheel: Path, requirements: Path | None = None) -> float:
    """Make a virtual environment; gives the seconds that it took.

    Args:
        folder: where it goes; what was there is replaced.
        wheel: of this project.
        requirements: what the harness needs; `constraints.txt` beside it holds every version that was seen together.
    """
    begin = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, env=clean_variables())
    torch = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch=="))
    install(folder, torch)  # first and alone: asked for by another package, the newest one brings gigabytes of CUDA
    if requirements is None:
        install(folder, torch, str(wheel), "-c", str(ROOT / "constraints.txt"))
    else:
        pinned = requirements.with_name("constraints.txt")
        install(folder, torch, str(wheel), "-r", str(requirements), "-c", str(pinned))
    return time.monotonic() - begin


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def install(folder: Path, *packages: str) -> None:
    """Install packages into an environment, with what pip is told of them."""
    command = [python_of(folder), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages]
    subprocess.run(list(map(str, command)), check=True, env=clean_variables())
