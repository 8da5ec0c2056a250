# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How many dialogues a comparison of two models needs, from the results of a finished run or from assumptions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch

from imug_metrics._numbers import number
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.item_scores import ItemScores, metric_spec, read_item_scores
from imug_metrics.evaluation.settings import join_names
from imug_metrics.report.estimates import FEW_DIALOGUES
from imug_metrics.report.metric_specs import MetricSpec
from imug_metrics.report.tables.cells import count_cell
from imug_metrics.report.tables.table import Cell, Mark, Table
from imug_metrics.stats.cluster_robust import packed_moments, ratio_spread, unpack_moments
from imug_metrics.stats.planning import assumed_spread, design_effect, dialogues_needed, smallest_difference

BETWEEN = 0.5
"""Correlation of two models' means of a dialogue, where only one model was scored or none."""

_SAME = 1e-9  # an error below it is that of rounding: the scores do not differ from dialogue to dialogue
_HEADER = ("\nPair", "\nDialogues", "\nRecords", "Smallest\ndetectable", "Dialogues\nneeded")


@dataclass(frozen=True)
class PlannedPair:
    """What a comparison of two models can show, and what it needs.

    Attributes:
        models: both; one, where the other is assumed to be like it; none, where all is assumed.
        dialogues: with scores of both; 0 where all is assumed.
        records: with scores of both.
        estimate: mean over these records of the first model's score minus the second's; NaN without a second.
        error: its standard error, robust by dialogue; NaN below two dialogues.
        spread: standard deviation of one dialogue's difference, `error * sqrt(dialogues)`.
        smallest: smallest detectable difference of these dialogues (MDE); NaN where nothing is known of the spread.
        needed: dialogues that the wanted difference needs, of the same mix; None where `smallest` is NaN.
    """

    models: tuple[str, ...]
    dialogues: int
    records: int
    estimate: float
    error: float
    spread: float
    smallest: float
    needed: int | None


@dataclass(frozen=True)
class ComparisonPlan:
    """What `plan_comparison` and `plan_assumed` find out.

    Attributes:
        pairs: of models.
        difference: the true difference that is to be found.
        level: probability with which the intervals of all comparisons cover together.
        power: wanted probability of finding the difference.
        comparisons: number of comparisons made at once, among which `1 - level` is divided.
        notes: what was assumed, and what to be careful about.
    """

    pairs: tuple[PlannedPair, ...]
    difference: float
    level: float
    power: float
    comparisons: int
    notes: tuple[str, ...] = ()

    def tables(self) -> list[Table]:
        """One table, a pair a row."""
        together = f" for {self.comparisons} comparisons together (Bonferroni)" if self.comparisons > 1 else ""
        test = f"two-sided paired t-test by dialogue, level {100 * self.level:g} %{together}"
        title = f"To find a difference of {self.difference:g} with power {100 * self.power:g} %"
        return [Table(_HEADER, [[_row(pair) for pair in self.pairs]], title, (test, *self.notes), name="plan")]

    def table(self) -> str:
        """The table as text."""
        return "\n\n".join(map(str, self.tables()))


@dataclass(frozen=True)
class _Aim:
    """What is wanted of every pair; checked."""

    difference: float
    level: float
    power: float
    comparisons: int
    repeats: int
    repeat_variance: float

    def __post_init__(self) -> None:
        if not 0 < self.difference < math.inf:
            raise ArgumentError("difference", f"expected a positive number, got {self.difference}")
        if not 0 < self.level < 1:
            raise ArgumentError("level", f"expected a number above 0 and below 1, got {self.level}")
        if self.comparisons < 1:
            raise ArgumentError("comparisons", f"expected a number from 1, got {self.comparisons}")
        chance = (1 - self.level) / self.comparisons
        if not chance < self.power < 1:
            raise ArgumentError("power", f"expected a number above {chance:g} and below 1, got {self.power}")
        if self.repeats < 1:
            raise ArgumentError("repeats", f"expected a number from 1, got {self.repeats}")
        if not 0 <= self.repeat_variance < math.inf:
            raise ArgumentError("repeat_variance", f"expected a number from 0, got {self.repeat_variance}")
        if self.repeats > 1 and self.repeat_variance == 0:
            raise ArgumentError("repeats", "expected with a repeat variance, without which they change nothing")

    def needed(self, spread: float) -> int:
        if 2 * self.repeat_variance > spread**2:
            most = f"at most half the variance of a dialogue's difference, {spread**2 / 2:.4g}"
            raise ArgumentError("repeat_variance", f"expected {most}, got {self.repeat_variance}")
        drawn = 2 * self.repeat_variance  # by either model
        try:
            return dialogues_needed(
                self.difference, spread, self.level, self.power, self.comparisons, drawn, self.repeats
            )
        except ValueError as error:  # all but the number of dialogues is known to be in range
            raise ArgumentError("difference", f"expected one that fewer dialogues can show: {error}") from error


def plan_comparison(
    results: Path | str,
    difference: float,
    *,
    metric: str = "answer_accuracy",
    models: Sequence[str] = (),
    power: float = 0.8,
    level: float = 0.95,
    comparisons: int | None = None,
    between: float | None = None,
    repeats: int = 1,
    repeat_variance: float = 0.0,
) -> ComparisonPlan:
    """What the models of a finished run can be told apart by, and how many dialogues a difference would need.

    Each two models are compared on the records that both have a score for: the difference is the sum of the records'
    differences over their number, its error is robust by dialogue (`ratio_spread`). With `G'` dialogues of the same mix
    instead of `G` it is `error * sqrt(G / G')`.

    Args:
        results: folder that `imug-metrics score --out` has written.
        difference: the true difference that is to be found, in the unit of the metric, above 0.
        metric: key of a metric with scores of single records, such as "answer_accuracy" or "turn_alignment".
        models: those to compare; none: all. With one, a second like it is assumed.
        power: wanted probability of finding the difference.
        level: probability with which the intervals of all comparisons cover together.
        comparisons: number of comparisons made at once; None: the pairs of these models.
        between: with one model only, the correlation of its means of a dialogue with those of the other, from -1 and
            below 1; None: 0.5.
        repeats: how often each dialogue will be repeated and averaged. The results are of one repeat.
        repeat_variance: variance of one model's mean of a dialogue from repeat to repeat.

    Returns:
        A row for each pair, in the order of the models. Pairs with fewer than two dialogues in common, or whose
        difference is the same in every dialogue, are undefined.

    Raises:
        ArgumentError: if an argument is not as expected, or there is no score of the metric.
    """
    spec = metric_spec(metric)
    scores = _chosen(read_item_scores(Path(results), spec), models, spec)
    pairs = list(combinations(scores, 2))
    if between is not None and pairs:
        raise ArgumentError("between", f"expected with one model only; the results tell it of {len(scores)}")
    if spec.is_share and difference > 1:
        raise ArgumentError("difference", f"expected at most 1, as {metric} is a share, got {difference}")
    count = max(len(pairs), 1) if comparisons is None else comparisons
    aim = _Aim(difference, level, power, count, repeats, repeat_variance)
    if pairs:
        planned = [_planned(pair, _differences(*(scores[model] for model in pair)), aim) for pair in pairs]
        assumed = []
    else:
        [(model, own)] = scores.items()
        correlation = _correlation(between)
        planned = [_planned((model,), own, aim, math.sqrt(2 * (1 - correlation)))]
        assumed = [f"assumed: a second model that varies alike, correlation between models {correlation:g}"]
    notes = (f"{spec.label}: {metric}", *assumed, *_repeats_note(aim), *_cautions(planned))
    return ComparisonPlan(tuple(planned), difference, level, power, count, notes)


def plan_assumed(
    p: float,
    correlation: float,
    turns: float,
    difference: float,
    *,
    between: float | None = None,
    power: float = 0.8,
    level: float = 0.95,
    comparisons: int | None = None,
    repeats: int = 1,
    repeat_variance: float = 0.0,
) -> ComparisonPlan:
    """How many dialogues a comparison of two models needs, before anything was scored.

    Args:
        p: assumed share of right answers, above 0 and below 1.
        correlation: assumed intra-cluster correlation (ICC) of the scores of one dialogue, up to 1.
        turns: scored turns a dialogue, from 1.
        difference: the true difference that is to be found, above 0 and up to 1.
        between: assumed correlation of the two models' means of a dialogue, from -1 and below 1; None: 0.5.
        power, level, comparisons, repeats, repeat_variance: as for `plan_comparison`.

    Raises:
        ArgumentError: if an argument is not as expected.

    Example:
        >>> [pair] = plan_assumed(p=0.7, correlation=0.2, turns=5, difference=0.05).pairs
        >>> pair.needed
        240
    """
    if not 0 < p < 1:
        raise ArgumentError("p", f"expected a number above 0 and below 1, got {p}")
    if not 1 <= turns < math.inf:
        raise ArgumentError("turns", f"expected a number from 1, got {turns}")
    if not (correlation <= 1 and 1 + (turns - 1) * correlation > 0):
        raise ArgumentError("correlation", f"expected a number above -1 / (turns - 1) and up to 1, got {correlation}")
    aim = _Aim(difference, level, power, 1 if comparisons is None else comparisons, repeats, repeat_variance)
    if difference > 1:
        raise ArgumentError("difference", f"expected at most 1, as p is a share, got {difference}")
    shared = _correlation(between)
    spread = assumed_spread(p, correlation, turns, shared)
    pair = PlannedPair((), 0, 0, math.nan, math.nan, spread, math.nan, aim.needed(spread))
    note = (
        f"assumed: p {p:g}, {turns:g} turns a dialogue, intra-cluster correlation (ICC) {correlation:g}, "
        f"design effect {design_effect(correlation, turns):.3g}, correlation between models {shared:g}"
    )
    return ComparisonPlan((pair,), difference, level, power, aim.comparisons, (note, *_repeats_note(aim)))


def _chosen(scores: Mapping[str, ItemScores], models: Sequence[str], spec: MetricSpec) -> dict[str, ItemScores]:
    for model in models:
        if model not in scores:
            raise ArgumentError("models", f"expected models of the results ({join_names(list(scores))}), got {model!r}")
    found = {model: scores[model] for model in dict.fromkeys(models or scores)}
    if not any(found.values()):
        raise ArgumentError("metric", f"expected one that was scored; the results hold no {spec.key} of these models")
    return found


def _correlation(between: float | None) -> float:
    if between is not None and not -1 <= between < 1:
        raise ArgumentError("between", f"expected a number from -1 and below 1, got {between}")
    return BETWEEN if between is None else between


def _differences(first: ItemScores, second: ItemScores) -> ItemScores:
    return {place: value - second[place] for place, value in first.items() if place in second}


def _planned(models: tuple[str, ...], values: ItemScores, aim: _Aim, factor: float = 1.0) -> PlannedPair:
    """What the scores or differences of records say; `factor` makes the spread of a difference of that of one model."""
    sums: dict[str, list[float]] = {}
    for (dialogue, _), value in values.items():
        entry = sums.setdefault(dialogue, [0.0, 0.0])
        entry[0] += value
        entry[1] += 1
    vectors = torch.tensor(list(sums.values()), dtype=torch.float64).reshape(-1, 2)
    value, squared = (float(x) for x in ratio_spread(unpack_moments(packed_moments(vectors)), 1))
    dialogues = len(sums)
    error = math.nan if dialogues < 2 else factor * math.sqrt(max(squared, 0) * dialogues / (dialogues - 1))
    estimate = value if len(models) == 2 else math.nan
    spread = error * math.sqrt(dialogues)
    if not error > _SAME:
        return PlannedPair(models, dialogues, len(values), estimate, error, spread, math.nan, None)
    smallest = smallest_difference(error, dialogues, aim.level, aim.power, aim.comparisons)
    return PlannedPair(models, dialogues, len(values), estimate, error, spread, smallest, aim.needed(spread))


def _repeats_note(aim: _Aim) -> list[str]:
    if aim.repeats == 1:
        return []
    return [
        f"needed: each dialogue {aim.repeats} times, averaged; variance from repeat to repeat {aim.repeat_variance:g}"
    ]


def _cautions(pairs: Sequence[PlannedPair]) -> list[str]:
    notes = []
    if any(pair.needed is None for pair in pairs):
        notes.append("–  fewer than two dialogues that both have scores in, or no spread from dialogue to dialogue")
    if any(pair.needed is not None and pair.dialogues < FEW_DIALOGUES for pair in pairs):
        notes.append(
            f"!  fewer than {FEW_DIALOGUES} dialogues: their spread is itself uncertain, and so is what is needed"
        )
    return notes


def _row(pair: PlannedPair) -> list[Cell]:
    name = (
        " vs ".join(pair.models if len(pair.models) == 2 else (*pair.models, "another")) if pair.models else "assumed"
    )
    few = 0 < pair.dialogues < FEW_DIALOGUES and pair.needed is not None
    told = (Mark("!", "few", f"fewer than {FEW_DIALOGUES} dialogues"),) if few else ()
    needed = count_cell(math.nan if pair.needed is None else pair.needed)._replace(marks=told)
    counts = [count_cell(count if pair.models else math.nan) for count in (pair.dialogues, pair.records)]
    return [Cell(name, "bold"), *counts, Cell(number(pair.smallest, 3), value=pair.smallest), needed]
