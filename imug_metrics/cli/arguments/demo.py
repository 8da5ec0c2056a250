# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.command import Command


def add(commands: Any) -> None:
    """Add the command and its options."""
    demo = Command(
        commands,
        "demo",
        "write a small benchmark of rendered scenes and score three simulated models",
        "Write a small benchmark of rendered scenes with the outputs of three simulated models and score them.",
    )
    demo.folder("--out", "where everything goes (default: imug-demo)")
    demo.parser.set_defaults(out=Path("imug-demo"))
    demo.number("--dialogues", "N", "number of dialogues", 60)
    demo.number("--seed", "S", "of the scenes and of the simulated models", 0)
