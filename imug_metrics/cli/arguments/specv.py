# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics specv`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    specv = Command(
        commands,
        "specv",
        "score judged answers to SpecV: released scores, and strict ones",
        "Score the answers of a judge to the checklists of SpecV as its released scripts do, number for number, and by "
        "weights with 95 % intervals by task, and say where both differ. To ask judges of your own: `imug-metrics "
        "judge --specv DIR`.",
        WITH_OUT,
    )
    specv.folder("--checkout", "the repository, with eval_data and eval_checklist", required=True)
    specv.folder("--results", "holds TRACK/results/MODEL/DIMENSION/ID.json (default: eval of the checkout)")
    specv.names("--track", "TRACK", "tracks to score (default: all that have results)")
    specv.names("--model", "NAME", "models to show (default: all)")
    specv.folder("--out", "where report.html, specv.json, problems.jsonl and the released files go")
