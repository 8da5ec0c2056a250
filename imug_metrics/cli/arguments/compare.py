# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import COMPARE_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
    compare = Command(
        commands,
        "compare",
        "say which models differ from each other",
        "Compare every two models that were scored, paired by dialogue and turn: difference, interval and p-value that "
        "hold for all pairs at once, the smallest difference that would have been seen, and the ranks that each model "
        "can have.",
        COMPARE_CODES,
    )
    text = "folders that `imug-metrics score` or `demo` has written"
    compare.parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help=text)
    compare.names("--metric", "KEY", "metrics to compare, such as turn_alignment (default: all that were scored)")
    compare.names("--model", "NAME", "models to compare (default: all)")
    compare.switch("--slopes", "compare the changes per turn as well")
    compare.switch("--repeats", "the folders are repeated runs of the same models: compare their means over the runs")
    compare.decimal("--level", "L", "probability with which all intervals of a metric cover", 0.95)
    compare.decimal("--power", "P", "of the smallest difference that is told", 0.8)
    compare.folder("--out", "where comparison.json goes (default: print only)")
