# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences computed from the numbers: what the scores say, and what they must not be read as."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imug_metrics._numbers import number
from imug_metrics.report.comparison import MetricComparison, compare_models
from imug_metrics.report.estimates import FEW_DIALOGUES, Estimate, as_float, estimate, span
from imug_metrics.report.failures import FailureFigure, failure_figures
from imug_metrics.report.judging import PAIRS
from imug_metrics.report.marks import marks, slope_marks
from imug_metrics.report.metric_specs import (
    ALIGNMENT_GAP,
    COPY_RATE,
    EXPOSURE,
    MetricSpec,
    copies,
    copy_rate,
    horizon,
    is_missing,
    known_metrics,
    shown_metrics,
)

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

_OFFICIAL = {official: strict for _, strict, official in PAIRS}
_FORMAT_GAP = 0.05
_MOVES = (
    ("loss", True, True, "loses"),
    ("loss", False, False, "rises by"),
    ("gain", True, False, "gains"),
    ("gain", False, True, "falls by"),
)
"""The tone, whether higher is better, whether the slope falls, and the verb."""
_ORDER = ("warn", "lead", "loss", "gain", "calm", "note")


@dataclass(frozen=True)
class Finding:
    """One sentence about one model (or about all, where ``model`` is empty).

    ``tone``: "warn" (a number that misleads), "lead" (ahead of every other model), "loss" (decay), "gain" (a rise),
    "calm" (no change seen), "note".
    The sentence continues the model's name: "`fading` loses ...".
    """

    tone: str
    model: str
    text: str


def find(
    models: Sequence[ModelScores],
    judges: Mapping[str, Mapping[str, Any]] | None = None,
    compared: Sequence[MetricComparison] | None = None,
    failures: Sequence[FailureFigure] | None = None,
) -> list[Finding]:
    """All findings, the misleading numbers first.

    Args:
        models: scores of at least one model.
        judges: by model, what is known of its judge: `answers` and `failures` by kind.
        compared: the models in pairs; None: they are compared here.
        failures: what goes wrong, by figure; None: it is found here.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> slope = {"turn_alignment": 0.5, "turn_alignment_slope": -0.08,
        ...          "turn_alignment_slope_lower": -0.1, "turn_alignment_slope_upper": -0.06}
        >>> finding, = find([ModelScores("fading", slope, [])])
        >>> finding.text
        'loses 0.080 of alignment per turn (95 % interval −0.100 to −0.060).'
    """
    findings: list[Finding] = []
    for look in (_copying, _left_out, _guessing, _decay, _history, _format, _missing, _few):
        findings.extend(look(models))
    findings.extend(_best(models, compare_models(models) if compared is None else compared))
    findings.extend(_failing(models, failure_figures(models) if failures is None else failures))
    findings.extend(_failed_judgements(judges or {}))
    return sorted(findings, key=lambda finding: _ORDER.index(finding.tone))


def _copying(models: Sequence[ModelScores]) -> Iterator[Finding]:
    highest = max((as_float(m.scores.get("turn_consistency")) for m in models), key=_nan_last)
    for model in filter(copies, models):
        rate, consistency = copy_rate(model), as_float(model.scores.get("turn_consistency"))
        rank = " (the highest)" if consistency == highest and len(models) > 1 else ""
        shown = f"copy rate {number(rate)}, so its consistency of {number(consistency)}{rank}"
        yield Finding(
            "warn",
            model.model,
            f"repeats its own images: {shown} is not identity kept but nothing new drawn.",
        )


def _failing(models: Sequence[ModelScores], failures: Sequence[FailureFigure]) -> Iterator[Finding]:
    """Where one model is worse than every other one."""
    for figure in failures:
        told = figure.failure.key == COPY_RATE and figure.worst is not None and copies(models[figure.worst])
        if figure.worst is not None and not told:
            own = figure.estimates[figure.worst].value
            others = [found.value for place, found in enumerate(figure.estimates) if place != figure.worst]
            ends = " to ".join(dict.fromkeys(number(end, 3) for end in (min(others), max(others))))
            shown = f" ({figure.failure.key} {number(own, 3)} against {ends})"
            agree = all(figure.failure.worse * (own - other) > 0 for other in others)  # also beyond shared records
            text = f"{figure.failure.symptom}, more than every other model{shown if agree else ''}."
            yield Finding("loss", models[figure.worst].model, text)


def _failed_judgements(judges: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for model, judge in judges.items():
        failed = sum(judge.get("failures", {}).values())
        if failed:
            text = f"lacks {failed} judgements that failed: its points and dynamic keys rest on the others."
            yield Finding("warn", model, text)


def _judged(models: Sequence[ModelScores]) -> list[MetricSpec]:
    """All metrics that say which end is better; an official score goes without saying where the strict one is told."""
    directed = [view for view in shown_metrics(models) if view.higher_is_better is not None]
    keys = {view.key for view in directed}
    return [view for view in directed if _OFFICIAL.get(view.key) not in keys]


def _decay(models: Sequence[ModelScores]) -> Iterator[Finding]:
    judged = _judged(models)
    for model in models:
        told = [view for view in judged if not {mark.kind for mark in slope_marks(model, view)} & {"chance", "copies"}]
        slopes = {view: estimate(model.scores, f"{view.key}_slope") for view in told}  # guessing has none to lose
        moving = {view: slope for view, slope in slopes.items() if slope.falls or slope.rises}
        for tone, higher, falls, verb in _MOVES:
            found = {
                view: slope
                for view, slope in moving.items()
                if view.higher_is_better is higher and slope.falls is falls
            }
            if found:
                yield Finding(tone, model.model, f"{verb} {_changes(found)}.")
        level = {view: slope for view, slope in slopes.items() if slope.varies and view not in moving}
        for higher, what, worse in ((True, "decay", "loss"), (False, "rise", "rise")):
            found = {view: slope for view, slope in level.items() if view.higher_is_better is higher}
            if found:
                yield Finding("calm", model.model, _level(found, what, worse))


def _history(models: Sequence[ModelScores]) -> Iterator[Finding]:
    for model in models:
        excess, gap = estimate(model.scores, EXPOSURE), estimate(model.scores, f"{EXPOSURE}_mean")
        drawn = estimate(model.scores, ALIGNMENT_GAP)
        than, by = "on its own history than on the reference history", f"by turn {horizon(model)}"
        if excess.direction:
            size = f"{number(abs(excess.value), 0)} % {'more' if excess.direction > 0 else 'less'} error {by}"
            text = f"piles up {size} {than} (95 % interval {span(excess, 0)})."
            yield Finding("loss" if excess.direction > 0 else "gain", model.model, text)
        elif excess.varies:
            most = f"Up to {number(max(0.0, excess.upper), 0)} % more error {by} remains possible."
            yield Finding("calm", model.model, f"shows no cost of its own history: its interval covers 0. {most}")
        elif gap.direction > 0 and not excess.known:  # the reference run made no error to be a multiple of
            text = f"answers {number(gap.value, 3)} worse {than} (95 % interval {span(gap, 3)})."
            yield Finding("loss", model.model, text)
        if drawn.direction > 0:
            text = f"draws images that fit {number(drawn.value, 3)} worse {than} (95 % interval {span(drawn, 3)})."
            yield Finding("loss", model.model, text)


def _changes(slopes: dict[MetricSpec, Estimate]) -> str:
    parts: list[str] = []
    for view, slope in slopes.items():
        interval = "95 % interval " if not parts else ""
        parts.append(f"{number(abs(slope.value), 3)} of {view.noun} per turn ({interval}{span(slope, 3)})")
    return _join(parts)


def _level(slopes: dict[MetricSpec, Estimate], what: str, worse: str) -> str:
    nouns = _join([view.noun for view in slopes])
    covers = "its interval covers" if len(slopes) == 1 else "the intervals cover"
    worst = [slope.upper if view.higher_is_better is False else -slope.lower for view, slope in slopes.items()]
    losses = _join([number(max(0.0, loss), 3) for loss in worst])
    return f"shows no {what} in {nouns}: {covers} 0. A {worse} of up to {losses} per turn remains possible."


def _format(models: Sequence[ModelScores]) -> Iterator[Finding]:
    gaps = []
    for model in models:
        strict, official = (as_float(model.scores.get(f"answer_accuracy{end}")) for end in ("", "_imug"))
        if strict - official > _FORMAT_GAP:
            gaps.append(f"{model.model} {number(strict)} against {number(official)}")
    if gaps:
        why = "The official rule weighs a reply down for anything around its letters: that is format, not knowledge."
        yield Finding("note", "", f"The strict reading and the official rule differ: {_join(gaps)}. {why}")


def _missing(models: Sequence[ModelScores]) -> Iterator[Finding]:
    lacks = []
    for model in models:
        parts = []
        for modality, noun in (("image", "images"), ("text", "answers")):
            asked = [item for item in model.items if item.get("modality") == modality]
            absent = sum(map(is_missing, asked))
            if absent:
                parts.append(f"{absent} of {len(asked)} {noun}")
        if parts:
            lacks.append(f"{model.model} {_join(parts)}")
    if lacks:
        yield Finding("note", "", f"Missing outputs: {'; '.join(lacks)}. See coverage for what that does to the means.")


def _few(models: Sequence[ModelScores]) -> Iterator[Finding]:
    few = []
    for model in models:
        counts = [as_float(model.scores.get(f"{view.key}_dialogues")) for view in known_metrics([model])]
        fewest = min((count for count in counts if count > 0), default=math.nan)
        if fewest < FEW_DIALOGUES:
            few.append(f"{model.model} {fewest:.0f}")
    if few:
        cause = f"fewer than {FEW_DIALOGUES} dialogues carry some of the scores ({', '.join(few)})"
        yield Finding("note", "", f"Approximate: {cause}, too few for the intervals to be taken at their word.")


def _best(models: Sequence[ModelScores], compared: Sequence[MetricComparison]) -> Iterator[Finding]:
    """A leader is named only where it is ahead of everyone for all pairs at once, and never without its marks."""
    leads: dict[str, list[str]] = {}
    judged = _judged(models)
    for metric in compared:
        if metric.leader is None or metric.view not in judged:
            continue
        model = models[metric.leader]
        noun = f"{metric.view.noun} ({number(as_float(model.scores.get(metric.view.key)))})"
        found = marks(model, metric.view)
        if any(mark.kind == "copies" for mark in found):  # which is told already
            continue
        told = [mark.text for mark in found]
        if told:
            best = "lowest" if metric.view.higher_is_better is False else "highest"
            yield Finding("warn", model.model, f"has the {best} {noun}, but {_join(told)}.")
        else:
            low = "a low " if metric.view.higher_is_better is False else ""
            leads.setdefault(model.model, []).append(f"{low}{noun}")
    for name, nouns in leads.items():
        yield Finding("lead", name, f"leads in {_join(nouns)}: ahead of every other model on the same dialogues.")


def _left_out(models: Sequence[ModelScores]) -> Iterator[Finding]:
    judged = _judged(models)
    for model in models:
        found = [(view, mark) for view in judged for mark in marks(model, view) if mark.kind == "coverage"]
        if found:
            shares = [f"{view.noun}: {mark.text}" for view, mark in found]
            yield Finding("warn", model.model, f"left outputs out. Of its {'; '.join(shares)}.")


def _guessing(models: Sequence[ModelScores]) -> Iterator[Finding]:
    judged = _judged(models)
    for model in models:
        found = [
            f"{view.noun} ({mark.text})" for view in judged for mark in marks(model, view) if mark.kind == "chance"
        ]
        if found:
            yield Finding("warn", model.model, f"cannot be told from guessing in {_join(found)}.")


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _nan_last(value: float) -> float:
    return -math.inf if math.isnan(value) else value
