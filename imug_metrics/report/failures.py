# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The failures of long dialogues by name, each with the figure that measures it, and which model stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import torch
from torch import Tensor

from imug_metrics.metrics.options import LEAST_COVERAGE
from imug_metrics.report.comparison import compare_models
from imug_metrics.report.estimates import Estimate, as_float, estimate
from imug_metrics.report.metric_specs import MetricSpec, copy_rate
from imug_metrics.stats.comparison import PairedDifference, independent_differences
from imug_metrics.stats.intervals import EQUAL, student_quantile
from imug_metrics.stats.multiple_comparisons import holm_families
from imug_metrics.suite.carried import COST

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


class Failure(NamedTuple):
    """A failure of long dialogues, and the figure that tells it.

    Attributes:
        symptom: what goes wrong, after the name of a model.
        key: of the figure among the scores.
        worse: 1 where a higher figure is worse, -1 where a lower one is.
        needs: what has to be there for the figure.
        healthy: the figure of a model without the failure; NaN where none is known, as where tasks decide.
        item: column of the rows of which the figure is the mean, or with `slope` the change per turn; empty where it is
            neither.
        slope: see `item`.
        hidden_by_copies: an image that repeats an earlier one looks healthy in it.
    """

    symptom: str
    key: str
    worse: int
    needs: str
    healthy: float = math.nan
    item: str = ""
    slope: bool = False
    hidden_by_copies: bool = False


MANY_COPIES = 0.2
"""Share of copies above which a model is no measure of failures that copies hide."""

_KEYED = "text turns whose key names options"
_SWITCHED = f"{_KEYED}, and changes of modality at turns that differ between dialogues"
_PROMPTED = "image turns, and an encoder that embeds prompts"

FAILURES: tuple[Failure, ...] = (
    Failure(
        "answers in the wrong modality",
        "modality_compliance",
        -1,
        "outputs of text and image turns",
        item="modality_compliance",
    ),
    Failure("loses score right after a switch of modality", "switch_cost", -1, _SWITCHED, 0.0),
    Failure(
        "forgets what was asked earlier",
        "context_forgetting",
        1,
        _PROMPTED,
        item="context_forgetting",
        hidden_by_copies=True,
    ),
    Failure(
        "follows only the latest prompt",
        "recency_reliance",
        1,
        _PROMPTED,
        item="recency_reliance",
        hidden_by_copies=True,
    ),
    Failure("invents objects", "object_hallucination", 1, "records with `objects` and `target_objects`"),
    Failure("drifts in style", "style_drift", 1, "image turns", item="style_drift", hidden_by_copies=True),
    Failure("loses diversity", "turn_diversity", -1, "image turns of dialogues", 0.0, hidden_by_copies=True),
    Failure("repeats its images", "copy_guard", 1, "image turns", item="copy"),
    Failure("answers worse from turn to turn", "turn_decay", -1, _KEYED, 0.0, "answer_strict", slope=True),
    Failure("builds on its own errors", "exposure_bias", 1, "a second run, `--reference-history`", 0.0),
)
"""In the order in which they are shown; behind them stand the costs that records carry, see `failures_of`."""


@dataclass(frozen=True)
class FailureFigure:
    """One failure's figure of every model.

    Attributes:
        failure: which.
        estimates: by model, with interval.
        p: by pair of models, in the order of `itertools.combinations`, two-sided p-values adjusted for all pairs and
            all failures; NaN where two cannot be compared.
        paired: whether models are compared on the records that both have, but for two that differ by the same in every
            dialogue; else by their own errors alone.
        worst: the place of the model that is worse than every other one; None where none is for certain.
    """

    failure: Failure
    estimates: tuple[Estimate, ...]
    p: tuple[float, ...]
    paired: bool
    worst: int | None

    def fails(self, place: int) -> bool:
        """Whether a model's interval lies wholly on the worse side of what a model without the failure has."""
        found, failure = self.estimates[place], self.failure
        return found.varies and (found.lower > failure.healthy if failure.worse > 0 else found.upper < failure.healthy)


def failure_figures(models: Sequence[ModelScores], level: float = 0.95) -> list[FailureFigure]:
    """Every failure that at least one model could be judged by, and which model stands out.

    A model stands out in a failure where its figure is worse than that of every other model, by p-values below
    `1 - level` that are adjusted for all pairs of models and (Holm's rule) for all failures. Failures that copies hide
    are compared without the images that repeat an earlier one, and models that repeat many are no measure of them.
    Figures that are means or slopes of rows are compared on the records that both models have; the others, of which
    nothing is known by dialogue, and those that differ by the same in every dialogue, by their own errors alone
    (`imug_metrics.stats.comparison.independent_differences`), which is wider. Models that share too few dialogues
    are not compared.

    Args:
        models: scores of at least one model.
        level: of the intervals of the scores.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> def made(name, value):
        ...     ends = {"": value, "_lower": value - 0.02, "_upper": value + 0.02, "_dialogues": 40}
        ...     return ModelScores(name, {f"object_hallucination{end}": found for end, found in ends.items()}, [])
        >>> [figure] = failure_figures([made("steady", 0.1), made("dreamy", 0.3), made("dull", 0.1)])
        >>> figure.failure.symptom, figure.worst
        ('invents objects', 1)
    """
    known = [each for each in failures_of(models) if any(found.known for found in _of(models, each))]
    if len(models) < 2:
        return [FailureFigure(each, _of(models, each), (), False, None) for each in known]
    pairs = list(combinations(range(len(models)), 2))
    paired = _paired(models, known, level)
    compared = [_with_unpaired(paired.get(each.key), _unpaired(models, each, pairs, level)) for each in known]
    repeating = [copy_rate(model) > MANY_COPIES for model in models]
    adjusted = holm_families([p for _, p in compared])
    return [
        FailureFigure(each, _of(models, each), tuple(p.tolist()), each.key in paired, worst)
        for each, (away, _), p in zip(known, compared, adjusted, strict=True)
        for beaten in [repeating if each.hidden_by_copies else [False] * len(models)]
        for worst in [_worst(away * each.worse, p, pairs, beaten, level)]
    ]


def failures_of(models: Sequence[ModelScores]) -> list[Failure]:
    """The failures of all models, and one for each kind of cost that records carry: outputs get slower or longer."""
    keys = {key for model in models for key in model.scores}
    names = sorted(key[len(COST) : -len("_sum")] for key in keys if key.startswith(COST) and key.endswith("_sum"))
    found = [(name, growth) for name in names if (growth := f"{COST}{name}_growth") in keys]
    growing = [(name, key, f"the cost {name}, above 0 at first turns") for name, key in found]
    return [*FAILURES, *(Failure(f"costs ever more {name}", key, 1, needs, 0.0) for name, key, needs in growing)]


def _of(models: Sequence[ModelScores], failure: Failure) -> tuple[Estimate, ...]:
    return tuple(estimate(model.scores, failure.key) for model in models)


_Compared: TypeAlias = tuple[Tensor, Tensor]
"""By pair, the first model's figure less the second's, and p-values that are adjusted for all pairs."""


def _with_unpaired(paired: Sequence[PairedDifference] | None, unpaired: _Compared) -> _Compared:
    """The paired comparison; the other one for two models that differ by the same in every dialogue they share.

    Such a difference has no error, but a model that always fails beside one that never does is no matter of chance.
    """
    if paired is None:
        return unpaired
    equal = torch.tensor([pair.reason == EQUAL and pair.value != 0 for pair in paired])
    away, p = (torch.tensor(each, dtype=torch.float64) for each in zip(*((pair.value, pair.p) for pair in paired)))
    return torch.where(equal, unpaired[0], away), torch.where(equal, unpaired[1], p)


def _paired(
    models: Sequence[ModelScores], failures: Sequence[Failure], level: float
) -> dict[str, Sequence[PairedDifference]]:
    """Compared on the records that both models have, by key; those are left out whose column a model's rows lack."""
    having = [each for each in failures if each.item and all(model.counts.get(each.item) for model in models)]
    models = [_without_copies(model) for model in models]
    found: dict[str, Sequence[PairedDifference]] = {}
    for slope in (False, True):
        of = [each for each in having if each.slope is slope]
        views = [MetricSpec(each.key, each.item, "", False, each.key, each.key, "", "") for each in of]
        for metric in compare_models(models, views, slopes=slope, level=level) if views else []:
            if metric.slope is slope:
                found[metric.view.key] = metric.differences
    return found


def _without_copies(model: ModelScores) -> ModelScores:
    """The model without what repeated images would hide."""
    hidden = {each.item: None for each in FAILURES if each.item and each.hidden_by_copies}
    return replace(model, items=[{**row, **hidden} if as_float(row.get("copy")) > 0 else row for row in model.items])


def _unpaired(
    models: Sequence[ModelScores], failure: Failure, pairs: Sequence[tuple[int, int]], level: float
) -> _Compared:
    """Compared by the models' own errors, which are taken back from the widths of their intervals."""
    found = [(each.value, each.lower, each.upper) for each in _of(models, failure)]
    value, lower, upper = torch.tensor(found, dtype=torch.float64).unbind(1)
    clusters = torch.tensor([_dialogues(model, failure.key) for model in models], dtype=torch.float64)
    half = torch.maximum(upper - value, value - lower)  # the longer side: ends of the range may have cut the other
    error = half / student_quantile(clusters, level)
    joint = independent_differences(value, error.masked_fill(error == 0, torch.nan), clusters, pairs, level)
    first, second = torch.tensor(pairs).unbind(1)
    comparable = _share_dialogues(models, pairs)
    if failure.hidden_by_copies and failure.item:  # whose figures are of all images, copies among them
        comparable &= torch.tensor([not any(copy_rate(models[place]) > 0 for place in pair) for pair in pairs])
    return value[first] - value[second], joint.p.masked_fill(~comparable, torch.nan)


def _share_dialogues(models: Sequence[ModelScores], pairs: Sequence[tuple[int, int]]) -> Tensor:
    """Bool by pair, False for two models whose rows are of other dialogues: these may be harder, and tell nothing."""
    dialogues = [{str(row["dialogue"]) for row in model.items} for model in models]
    sides = ((dialogues[i], dialogues[j]) for i, j in pairs)
    return torch.tensor([not a or not b or len(a & b) >= LEAST_COVERAGE * max(len(a), len(b)) for a, b in sides])


def _dialogues(model: ModelScores, key: str) -> float:
    """Dialogues behind a figure: of its metric, or where that does not tell, of the rows."""
    known = _of_metric(model, key, "dialogues")
    seen = len({row["dialogue"] for row in model.items})
    return known if known > 0 else float(seen) if seen else _most_dialogues(model)


def figure_coverage(model: ModelScores, key: str) -> float:
    """Share of the outputs that a figure could be told from; NaN where its metric does not say."""
    return _of_metric(model, key, "coverage")


def _of_metric(model: ModelScores, key: str, name: str) -> float:
    """What the metric of a figure says of itself, NaN where it does not."""
    return as_float(model.scores.get(f"{key.removesuffix('_growth')}_{name}"))


def _most_dialogues(model: ModelScores) -> float:
    """Dialogues of the metric that has the most, as of merged states, which have no rows."""
    counts = (as_float(value) for key, value in model.scores.items() if key.endswith("_dialogues"))
    return max((count for count in counts if not math.isnan(count)), default=math.nan)


def _worst(
    worse_by: Tensor, p: Tensor, pairs: Sequence[tuple[int, int]], left_out: Sequence[bool], level: float
) -> int | None:
    """The place of the model that is worse than every other one for certain; those left out are no measure."""
    measured = [place for place, out in enumerate(left_out) if not out]
    behind = dict.fromkeys(measured, 0)
    for (first, second), by, chance in zip(pairs, worse_by.tolist(), p.tolist(), strict=True):
        if chance < 1 - level and {first, second} <= behind.keys():
            behind[first if by > 0 else second] += 1
    return next((place for place, count in behind.items() if len(measured) > 1 and count == len(measured) - 1), None)
