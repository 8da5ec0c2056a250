# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A small benchmark of rendered scenes in the official layout, with the outputs of three simulated models."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from imug_metrics.demo.dialogues import make_dialogues
from imug_metrics.demo.models import MODELS
from imug_metrics.demo.writer import write_benchmark, write_outputs

__all__ = ["DemoPaths", "write_demo_benchmark"]

_MARKER = "demo.json"


@dataclass(frozen=True)
class DemoPaths:
    """Where the demo's parts are: the benchmark's folder, the outputs' folder, and the names of the models in it."""

    benchmark: Path
    outputs: Path
    models: tuple[str, ...]


def write_demo_benchmark(root: Path | str, *, dialogues: int = 60, seed: int = 0) -> DemoPaths:
    """Write the demo benchmark and what three simulated models answered.

    - ``steady`` draws and answers with a small error rate that does not depend on the turn.
    - ``fading`` errs more with every turn, and its images grow blurred and noisy.
    - ``copying`` draws its first image and returns it at every later turn; it answers as ``steady`` does.

    Each lacks a few outputs. All images are drawings of coloured shapes made here; no model is run.

    Args:
        root: the folder; ``benchmark/`` and ``outputs/`` in it are replaced if an earlier demo wrote them.
        dialogues: number of dialogues, >= 1.
        seed: the same seed gives the same files, byte for byte.

    Returns:
        The paths to hand to the scorer.

    Raises:
        ValueError: ``dialogues`` is below 1.
        FileExistsError: ``root`` holds a benchmark or outputs that are not a demo's.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = write_demo_benchmark(folder, dialogues=2)
        ...     print(paths.models, sorted(p.name for p in paths.benchmark.iterdir()))
        ('steady', 'fading', 'copying') ['config', 'data']
    """
    if dialogues < 1:
        raise ValueError(f"Expected argument `dialogues` to be >= 1, got {dialogues}.")
    paths = DemoPaths(Path(root) / "benchmark", Path(root) / "outputs", tuple(model.name for model in MODELS))
    _clear(Path(root), paths)
    made = make_dialogues(dialogues, seed)
    write_benchmark(made, paths.benchmark)
    for model in MODELS:
        write_outputs(model, made, paths.outputs / model.name, seed)
    return paths


def _clear(root: Path, paths: DemoPaths) -> None:
    """Remove an earlier demo, and refuse to touch anything else."""
    marker = root / _MARKER
    for folder in (paths.benchmark, paths.outputs):
        if folder.exists():
            if not marker.is_file():
                raise FileExistsError(f"{folder} exists and was not written by the demo: choose another folder.")
            shutil.rmtree(folder)
    root.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"written_by": "imug_metrics.demo"}) + "\n", encoding="utf-8")
