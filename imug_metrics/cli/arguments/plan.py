# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import PLAN_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
    plan = Command(
        commands,
        "plan",
        "how many dialogues a comparison of two models needs",
        "How many dialogues, of which each model answers all, a comparison of two models needs to find a difference "
        "with the given power, and which difference the dialogues there are can show. From the results of a finished "
        "run, whose spread from dialogue to dialogue is known, or from assumptions.",
        PLAN_CODES,
    )
    plan.decimal("--difference", "D", "the true difference that is to be found", required=True)
    plan.decimal("--power", "P", "probability of finding it", 0.8)
    plan.decimal("--level", "L", "probability with which the intervals of all comparisons cover together", 0.95)
    plan.number("--comparisons", "K", "number of comparisons at once (default: the pairs of the models, or 1)")
    plan.number("--repeats", "K", "how often each dialogue will be repeated and averaged", 1)
    plan.decimal("--repeat-variance", "V", "variance of a model's mean of a dialogue from repeat to repeat", 0.0)
    plan.decimal("--between", "R", "correlation of two models' means of a dialogue, where it is assumed (default: 0.5)")
    plan.group("from results", "what `imug-metrics score` has written")
    plan.options.add_argument("--from", dest="results", type=Path, metavar="DIR", help="the folder of its --out")
    plan.text("--metric", "KEY", "such as point_score or turn_alignment (default: answer_accuracy)")
    plan.names("--model", "NAME", "models to compare (default: all)")
    plan.group("from assumptions", "of a metric that is a share")
    plan.decimal("--p", "P", "share of right answers")
    plan.decimal("--correlation", "R", "intra-cluster correlation (ICC) of the scores of one dialogue")
    plan.decimal("--turns", "M", "scored turns a dialogue")
