# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics repeats`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import COMPARE_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
    repeats = Command(
        commands,
        "repeats",
        "say how much of a score is the luck of a run",
        "From repeated runs of the same models on the same turns: means over the runs with intervals that hold the "
        "luck of the runs, how much of the variance is of dialogues, records and runs, and what more runs would bring.",
        COMPARE_CODES,
    )
    text = "folders that `imug-metrics score` has written, one a run"
    repeats.parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help=text)
    repeats.names("--metric", "KEY", "metrics to look at (default: all that were scored)")
    repeats.names("--model", "NAME", "models to look at (default: all that every run holds)")
    repeats.folder("--out", "where repeats.json goes (default: print only)")
