# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of protocols and of judges: rules that differ, what people and repeated questions say of a judge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imug_metrics._numbers import number
from imug_metrics.report.estimates import Estimate, as_float, estimate, span

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

PAIRS = (
    ("Answers", "answer_accuracy", "answer_accuracy_imug"),
    ("Judged points", "point_score", "point_score_imug"),
)
"""What is scored under both protocols: the strict score, then the official one."""


@dataclass(frozen=True)
class RuleRow:
    """One rule in which the protocols differ.

    Attributes:
        name, official, strict, why: in words.
        counts: by model, how many turns it touches; a model is absent where that cannot be counted.
    """

    name: str
    official: str
    strict: str
    why: str
    counts: Mapping[str, int] = field(default_factory=dict)


def is_grouped(key: str) -> bool:
    """Whether a score belongs to one class or domain.

    Example:
        >>> is_grouped("answer_accuracy[class=Hybrid]_lower"), is_grouped("answer_accuracy_lower")
        (True, False)
    """
    return "[class=" in key or "[domain=" in key


def shown_pairs(models: Sequence[ModelScores]) -> list[tuple[str, str, str]]:
    """Those of `PAIRS` that a model has a value for under either protocol."""
    return [pair for pair in PAIRS if any(estimate(model.scores, key).known for model in models for key in pair[1:])]


def people_text(scores: Mapping[str, Any]) -> str:
    """What people's points come to, alone and with the judge's help; empty where people scored no images.

    Args:
        scores: of one model, with `point_score_human` and `point_score_powered`.
    """
    alone, powered = estimate(scores, "point_score_human"), estimate(scores, "point_score_powered")
    if not alone.known:
        return ""
    labelled = as_float(scores.get("point_score_powered_labelled"))
    counts = f"{number(labelled, 0)} of {number(as_float(scores.get('point_score_powered_records')), 0)}"
    ratio = as_float(scores.get("point_score_powered_variance_ratio"))
    worth = "The judge does not help: people's scores stand alone."
    if 0 < ratio < 1:
        more = number(labelled / ratio, 0)
        worth = f"With the judge's help {number(labelled, 0)} images scored by people count as much as {more}."
    both = f"People alone: {_with_span(alone)}; with the judge's help: {_with_span(powered)}"
    return f"{both}, {counts} images scored by people. {worth}"


def differences_text(differences: Mapping[str, Mapping[str, Any]]) -> str:
    """How much higher people score a model than others; empty where there is nothing to compare.

    Example:
        >>> differences_text({"other": {"difference": -0.1, "difference_lower": -0.2, "difference_upper": 0.02}})
        'People score it −0.10 (−0.20 to 0.02) against other.'
    """
    found = {model: estimate(values, "difference") for model, values in differences.items()}
    return " ".join(
        f"People score it {_with_span(value, signed=True)} against {model}." for model, value in found.items()
    )


def repeats_text(repeats: Mapping[str, Any]) -> str:
    """What asking the judge again is worth; empty where it was asked once.

    Args:
        repeats: `width`, the interval's relative width by number of repeats, and `share`, the part of the mean's
            variance that is the judge's noise.
    """
    if not repeats:
        return ""
    share = as_float(repeats["share"])
    if math.isnan(share):
        return "Too few repeats, or images a dialogue, to tell the judge's noise from the rest."
    three, never = (number(100 * (1 - as_float(repeats["width"][count])), 0) for count in ("3", "inf"))
    noise = f"The judge's noise is {number(100 * share, 0)} % of the mean's variance"
    return f"{noise}: asking 3 times shortens the interval by {three} %, a judge without noise by {never} %."


def judge_words(judge: Mapping[str, Any] | None) -> list[str]:
    """How far a judge can be believed, in sentences; none where it was not asked.

    Args:
        judge: `failures` by kind, and `agreement` by what was judged.

    Example:
        >>> judge_words({"failures": {"image: json": 2}})
        ['2 judgements failed and are left out. It was asked once and held against nobody: ask again, or people.']
        >>> judge_words({"agreement": {"points": {"alpha": 0.9, "alpha_lower": 0.8, "alpha_upper": 0.95}}})
        ['It agrees with itself when asked again: α 0.90 (0.80 to 0.95) of points.']
    """
    if judge is None:
        return []
    failed = sum(judge.get("failures", {}).values())
    lost = f"{failed:,} judgements failed and are left out. " if failed else ""
    said = []
    for kind, values in judge.get("agreement", {}).items():
        alpha, people = estimate(values, "alpha"), estimate(values, "human_pearson")
        if alpha.known:
            words = "agrees with itself" if alpha.value >= 0.4 else "agrees little with itself"
            said.append(f"It {words} when asked again: α {_with_span(alpha)} of {kind}.")
        if people.known:
            said.append(f"It follows people with r {_with_span(people)} of {kind}.")
    if not said:
        said = ["It was asked once and held against nobody: ask again, or people."]
    return [f"{lost}{said[0]}", *said[1:]]


def _with_span(found: Estimate, *, signed: bool = False) -> str:
    value, bounds = number(found.value, signed=signed), span(found)
    return f"{value} ({bounds})" if bounds else value
