# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What each number means, and when it misleads."""

from __future__ import annotations

from typing import NamedTuple

from imug_metrics.report.estimates import FEW_DIALOGUES
from imug_metrics.report.metric_specs import MetricSpec, compares_histories
from imug_metrics.report.sections.section import Report, Section, fragment


class Note(NamedTuple):
    """What a number is called, how it is read, what it means, and when it says something else."""

    label: str
    reading: str
    meaning: str
    misleads: str


SLOPES = Note(
    "Change per turn",
    "",
    "Slope within dialogues; its interval treats dialogues, not turns, as independent.",
    "An interval that covers zero does not show that nothing is lost, only that this many dialogues cannot tell. The "
    "slope is a straight line: a score that holds and then collapses is seen better in the curve. Below "
    f"{FEW_DIALOGUES} dialogues the interval is approximate.",
)
EXCESS = Note(
    "Excess error",
    "",
    "Accumulated error on the own history over that on the reference history, minus 1, in per cent (Arora et al., "
    "arXiv 2204.01171, moved from tokens to turns), for answers whose key does not hang on the history.",
    "A ratio: large and uncertain where the reference run hardly errs, undefined where it does not err at all. Read "
    "the gap then. Alignment has no value that means “all right”, so of images only the gap is given.",
)
INTERVALS = Note(
    "Intervals",
    "",
    "95 % each, by dialogue, not adjusted for the number of models and metrics: of twenty unchanging scores one is "
    "expected to look changed. Where too few dialogues carry a number, or none varies, there is no interval and the "
    "reason stands in its place.",
    "Two intervals side by side do not compare two models: see who differs from whom.",
)


def notes(report: Report) -> Section:
    """The section of notes."""
    found = [_note(view) for view in report.metrics]
    found.append(SLOPES)
    if any(map(compares_histories, report.models)):
        found.append(EXCESS)
    listed = fragment("notes.html", notes=[*found, INTERVALS])
    return Section("notes", "What each number means, and when it misleads", parts=[listed])


def _note(view: MetricSpec) -> Note:
    return Note(view.label, ", ".join(filter(None, (view.range, view.direction))), view.meaning, view.misleads)
