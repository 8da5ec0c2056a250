# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics verdicts`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    verdicts = Command(
        commands,
        "verdicts",
        "read a log of verdicts: does permissiveness creep in?",
        "From a log of a model's or a judge's verdicts on work, one a turn: how much passes, with the truth how "
        "rightly, and whether wrong work is accepted more from turn to turn, with 95 % intervals by dialogue. Several "
        "files add up.",
        WITH_OUT,
    )
    verdicts.files("FILE", "JSON lines, CSV, TSV or a workbook, one verdict a row", "+")
    text = (
        "which column holds what: dialogue, turn, verdict, truth, text (said with the verdict), prompt, model "
        "(default: found by usual names)"
    )
    verdicts.options.add_argument("--columns", action="append", metavar="FIELD=COLUMN,...", help=text)
    verdicts.decimal("--threshold", "X", "verdicts are numbers, which accept from X on (default: words, or 1 and 0)")
    verdicts.decimal("--truth-threshold", "X", "the same of the truth")
    verdicts.folder("--out", "where report.html, verdicts.json and problems.jsonl go (default: print only)")
