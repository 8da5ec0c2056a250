# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues turn by turn, all models under one another: where they went wrong, where they differ, typical, best."""

from __future__ import annotations

from imug_metrics.report.cut import length_for
from imug_metrics.report.dialogues.selection import ChosenDialogue, chosen_dialogues
from imug_metrics.report.dialogues.strips import MOST_MODELS, MOST_TURNS, Strip, strip
from imug_metrics.report.metric_specs import row_metrics
from imug_metrics.report.sections.section import Report, Section, fragment

ABOUT = "What was asked stands once on top, below it what each model gave and how it scored."
_WORST = {
    "answers": """The worst have the most wrong answers; among equals what else went wrong counts (answers that could
not be read, absent outputs, images that fit another prompt of the dialogue strictly better), then the mean of all
scores, each in standard deviations on its better side.""",
    "faults": """The worst have the most turns at which something went wrong (absent outputs, images that fit another
prompt of the dialogue strictly better); among equals the mean of all scores counts, each in standard deviations on its
better side.""",
    "scores": """The worst have the lowest mean of all scores, each in standard deviations on its better side.""",
}
"""By what there is to judge dialogues by, what makes the worst."""

_TEXTS = 200_000  # characters of prompts and replies in all strips


def dialogues(report: Report) -> Section | None:
    """The section of film strips."""
    groups = chosen_dialogues(report.dialogues)
    if not groups:
        return None
    cells = sum(_cells(one) for group in groups for one in group.dialogues)
    length = length_for(cells, _TEXTS, 40, 280)
    shown = [
        {
            "title": group.title,
            "spotless": [report.models[model].model for model in group.spotless],
            "strips": [(_strip(report, one, length), one.reasons) for one in group.dialogues],
        }
        for group in groups
    ]
    names = [model.model for model in report.models]
    judged = "faults" if any(one.is_judged for one in report.dialogues) else "scores"
    about = f"{ABOUT} {_WORST['answers' if report.judges_answers else judged]}"
    return Section("dialogues", "Dialogues, turn by turn", about, [fragment("strips.html", groups=shown, names=names)])


def _cells(one: ChosenDialogue) -> int:
    turns = min(MOST_TURNS, max(len(scored.rows) for scored in one.scored))
    return turns * (1 + min(MOST_MODELS, len(one.scored)))


def _strip(report: Report, one: ChosenDialogue, length: int) -> Strip:
    concerned = {reason.model for reason in one.reasons if reason.model is not None}
    linked = {found.place for found in report.listed}
    metrics = row_metrics(report.metrics)
    return strip(one.scored, report.models, metrics, report.shelf, first=concerned, linked=linked, length=length)
