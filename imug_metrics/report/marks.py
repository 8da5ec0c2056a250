# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What must be known of a number before it is believed: outputs left out of it, the level of chance, copied images."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch

from imug_metrics._numbers import number
from imug_metrics.functional.answers.choice_score import choice_mask
from imug_metrics.reading.options import DEFAULT_OPTIONS
from imug_metrics.report.estimates import as_float, estimate, mean
from imug_metrics.report.metric_specs import CHANCE, METRICS, MetricSpec, copies
from imug_metrics.report.tables.cells import is_covered
from imug_metrics.report.tables.table import Mark

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


_GUESSING = {
    "turn_retrieval": "guessing among the prompts",
    "answer_accuracy": "always the same letter",
    "answer_accuracy_imug": "always the same letter",
}
"""By metric of which the level of chance can be known, what comes to it."""


def coverage(model: ModelScores, view: MetricSpec) -> float:
    """Share of the expected outputs that a metric could score; NaN where it has none."""
    return as_float(model.scores.get(f"{view.key}_coverage"))


def lowest_coverage(model: ModelScores, metrics: Sequence[MetricSpec]) -> float:
    """The coverage of the least covered of the metrics; NaN where none has one."""
    shares = [coverage(model, view) for view in metrics]
    return min((share for share in shares if not math.isnan(share)), default=math.nan)


def counts_from_0(view: MetricSpec) -> bool:
    """Whether an absent output can count 0: only in a mean whose higher end is better is that the worst."""
    return view.is_mean and view.higher_is_better is not False


def absent_is_zero(model: ModelScores, view: MetricSpec) -> bool:
    """Whether a score counts absent outputs as 0 already: its mean is over more records than have one."""
    return as_float(model.scores.get(f"{view.key}_n")) > _scored(model, view) > 0


def without_absent(model: ModelScores, view: MetricSpec) -> float:
    """The score of the outputs that are there, whatever the run counted absent ones as."""
    score = as_float(model.scores.get(view.key))
    if not absent_is_zero(model, view):
        return score
    return score * as_float(model.scores.get(f"{view.key}_n")) / _scored(model, view)


def with_absent_as_zero(model: ModelScores, view: MetricSpec) -> float:
    """The score under `missing="zero"`: of a run that left absent outputs out the mean times the share it is over."""
    score = as_float(model.scores.get(view.key))
    return score if absent_is_zero(model, view) else score * coverage(model, view)


def _scored(model: ModelScores, view: MetricSpec) -> int:
    return model.counts.get(view.item, 0)


def chance(model: ModelScores, view: MetricSpec) -> float:
    """What a score comes to by chance; NaN where that is not known.

    Of retrieval it is 1 over the prompts of the dialogue. Of answers it is what the best constant answer would score:
    always the same letter, whatever is asked.
    """
    if view.key == "turn_retrieval":
        return as_float(model.scores.get(CHANCE))
    if view.key not in _GUESSING:
        return math.nan
    keys = Counter(item.get("target") for item in model.items if item.get(view.item) is not None)
    if not keys or None in keys:
        return math.nan
    letters = choice_mask([str(key) for key in keys])[:, None] >> torch.arange(len(DEFAULT_OPTIONS)) & 1
    if not letters.any():  # keys of words: nobody knows what guessing brings
        return math.nan
    weights = torch.tensor([*keys.values()], dtype=torch.float64)
    shares = letters / letters.sum(1, keepdim=True).clamp_min(1)
    return float((weights @ shares.double()).max() / weights.sum())


def mean_chance(models: Iterable[ModelScores], view: MetricSpec) -> float:
    """One level of chance to draw for several models: the mean of theirs; NaN where none is known."""
    return mean(chance(model, view) for model in models)


def marks(model: ModelScores, view: MetricSpec) -> list[Mark]:
    """All that must be known of a model's score under a metric; empty where it can be read as it is.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> scores = {"turn_alignment": 0.9, "turn_alignment_coverage": 0.5}
        >>> [mark] = marks(ModelScores("skips", scores, []), METRICS[4])
        >>> mark.kind, mark.text
        ('coverage', '50 % of the outputs were scored; with the others as 0 it is 0.45')
    """
    found = []
    share, score = coverage(model, view), estimate(model.scores, view.key)
    zeroed = with_absent_as_zero(model, view)
    # Few may be missing and still decide: exactly those that it would have got wrong.
    decides = counts_from_0(view) and score.bounded and share < 1 and zeroed < score.lower
    if score.known and (decides or not is_covered(share)):
        zero, there = number(zeroed), number(without_absent(model, view))
        rest = f", the others count 0; without them it is {there}"
        if not absent_is_zero(model, view):
            rest = f"; with the others as 0 it is {zero}" if counts_from_0(view) else ""
        found.append(Mark("!", "coverage", f"{math.floor(100 * share)} % of the outputs were scored{rest}"))
    guessed = chance(model, view)
    if score.bounded and score.lower <= guessed:
        found.append(Mark("≈", "chance", f"not above chance: {_GUESSING[view.key]} scores {number(guessed)}"))
    if view.key == "turn_consistency" and copies(model):
        found.append(Mark("=", "copies", "it repeats its own images, so that this is not identity kept"))
    return found


def slope_marks(model: ModelScores, view: MetricSpec) -> list[Mark]:
    """What must be known of a score's change per turn: what must be of the score, and whether images follow prompts.

    Alignment has no level of chance, but images that fit no prompt better than another have none to lose or gain.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> scores = {"turn_retrieval": 0.4, "turn_retrieval_lower": 0.2, "turn_retrieval_upper": 0.6}
        >>> model = ModelScores("any", scores | {"turn_retrieval_chance": 0.35}, [])
        >>> [mark.text for mark in slope_marks(model, METRICS[4])]
        ['its retrieval is not above chance: guessing among the prompts scores 0.35']
    """
    found = marks(model, view)
    if view.key == "turn_alignment":
        retrieval = next(spec for spec in METRICS if spec.key == "turn_retrieval")
        guessed = [mark for mark in marks(model, retrieval) if mark.kind == "chance"]
        found += [mark._replace(text=f"its retrieval is {mark.text}") for mark in guessed]
    return found
