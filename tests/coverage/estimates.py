# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Estimates with their intervals in many simulated data sets at once, by the metrics that users call.

A metric takes all runs in one update; its sums by dialogue are then added up by run, and its own rules make an interval
of each run's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics import ExposureBias, MetricAgreement, PairedGain, TurnDecay, TurnOfFlip
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.stats import Interval, median_slope, packed_moments, pair_slopes, unpack_moments
from imug_metrics.stats.intervals import REASONS
from imug_metrics.stats.prediction_powered import prediction_powered_mean
from tests.coverage.data import EVEN, Lengths, Records, Scores, partly, records, uniform

DECAY = 0.5
"""Planted: of its mean a score loses this share over 30 turns."""
_SHARED = 0.7  # of records on which two arms, or a judge and people, have their luck in common


class Cell(NamedTuple):
    """One kind of data set."""

    lengths: Lengths
    dialogues: int
    scores: Scores
    correlation: float


class Found(NamedTuple):
    """Intervals of one estimate in every run, `[R]`, its true value, and the range that bounds must not leave."""

    estimate: str
    truth: Tensor | float
    bounds: Interval
    low: float
    high: float


Estimator = Callable[[Cell, int, torch.Generator], Iterator[Found]]


def by_run(metric: DialogueMetric, rows: Records, *columns: Tensor, **more: Tensor) -> dict[str, tuple[Interval, Any]]:
    """Each estimate of a metric with its intervals in every run, and its range."""
    kept: list[Tensor] = []
    metric._accumulate = lambda vectors, batch: kept.append(vectors)  # type: ignore[method-assign]
    metric.update(*columns, dialogue=rows.dialogue, turn=rows.turn, **more)
    [vectors] = kept
    ratios = len(metric._ratio_names)
    vectors = vectors.view(rows.runs, rows.dialogues, -1)
    packed = torch.vmap(lambda of_run: packed_moments(of_run, ratios))(vectors)
    metric.moments.copy_(packed.sum(0))
    names = metric._estimate_names()
    spreads = torch.vmap(lambda of_run: metric._with_spreads(names, of_run))(unpack_moments(packed))
    found = zip(*(part.unbind(1) for part in metric._bounded(names, *spreads)))
    return {name: (Interval(*parts), metric._range(name)) for name, parts in zip(names, found)}


def shares(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """Means, points of the curve, slopes, retention and rate of scores that do not change."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    mean = torch.full_like(rows.turn, cell.scores.mean, dtype=torch.float64)
    scores = cell.scores.draw(uniform(rows, cell.correlation, generator), mean)
    metric = TurnDecay(detail=True, score_range=(0, 1))
    found = by_run(metric, rows, scores)
    yield Found("mean", cell.scores.mean, *_parts(found["mean"]))
    yield Found("curve, turn 1", cell.scores.mean, *_parts(found["turn_1"]))
    last = _last_turn(rows, metric.max_turns)
    points = [found[f"turn_{k}"][0] for k in range(1, metric.max_turns + 1)]
    chosen = (torch.stack(parts, 1).gather(1, last[:, None] - 1)[:, 0] for parts in zip(*points))
    yield Found("curve, last turn of two dialogues", cell.scores.mean, Interval(*chosen), 0, 1)
    for name, truth in (("slope", 0.0), ("pooled", 0.0), ("retention", 1.0), ("rate", 0.0)):
        yield Found(_WORDS.get(name, name), truth, *_parts(found[name]))
    alike = by_run(TurnDecay(detail=True, score_range=(0, 1), average="dialogue", max_turns=1), rows, scores)
    yield Found("mean of dialogues", cell.scores.mean, *_parts(alike["mean"]))


def planted(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """Slopes of scores that fall by the same amount every turn, and the rate of scores that fall by the same share."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    numbers, start = uniform(rows, cell.correlation, generator), cell.scores.mean
    along = (rows.turn - 1).double()
    line = by_run(TurnDecay(detail=True), rows, cell.scores.draw(numbers, start * (1 - DECAY / 30 * along)))
    for name in ("slope", "pooled"):
        yield Found(f"{_WORDS[name]}, planted", -start * DECAY / 30, *_parts(line[name]))
    falling = by_run(TurnDecay(detail=True), rows, cell.scores.draw(numbers, start * torch.exp(-DECAY / 30 * along)))
    yield Found(f"{_WORDS['rate']}, planted", DECAY / 30, *_parts(falling["rate"]))


def gains(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """The gain over an arm of half the mean, and how many times as much it is; and the gain of nothing."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    mean = torch.full_like(rows.turn, cell.scores.mean, dtype=torch.float64)
    numbers = uniform(rows, cell.correlation, generator)
    scores = cell.scores.draw(numbers, mean)
    for name, factor in (("gain", 0.5), ("gain of nothing", 1.0)):
        other = cell.scores.draw(partly(numbers, _SHARED, generator), factor * mean)
        found = by_run(PairedGain(detail=True, score_range=(0, 1), max_turns=1), rows, scores, other)
        yield Found(name, (1 - factor) * cell.scores.mean, *_parts(found["mean"]))
        if factor < 1:
            yield Found("ratio of two means", 1 / factor, *_parts(found["ratio"]))


def survival(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """Shares that hold through turns 2 and 4, and the mean number of turns held, of the first two."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    p, shared = cell.scores.mean, cell.correlation**0.5
    mean = torch.full_like(rows.turn, p, dtype=torch.float64)
    holds = cell.scores.draw(uniform(rows, cell.correlation, generator), mean)

    def truth(turns: int) -> float:
        """All right: k of the turns have the number of the dialogue, and are as one."""
        ways = (math.comb(turns, k) * shared**k * (1 - shared) ** (turns - k) for k in range(turns + 1))
        return sum(way * p ** (turns - k + (k > 0)) for k, way in enumerate(ways))

    found = by_run(TurnOfFlip(detail=True, max_turns=4), rows, holds.long())
    for turn in (2, 4):
        yield Found(f"survival, turn {turn}", truth(turn), *_parts(found[f"survival_turn_{turn}"]))
    cut = by_run(TurnOfFlip(detail=True, max_turns=2), rows, holds.long())
    yield Found("turns held, of two", truth(1) + truth(2), *_parts(cut["restricted_mean"]))


def excess(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """What its own history adds to a model's errors by turn 2."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    error = 1 - cell.scores.mean
    more = error + 0.5 * min(error, 1 - error)
    numbers = uniform(rows, cell.correlation, generator)
    reference = torch.full_like(rows.turn, 1 - error, dtype=torch.float64)
    own = cell.scores.draw(partly(numbers, _SHARED, generator), torch.full_like(reference, 1 - more))
    metric = ExposureBias(horizon=2, detail=True, max_turns=2)
    found = by_run(metric, rows, own, cell.scores.draw(numbers, reference))
    yield Found("exposure bias, turn 2", 100 * (more / error - 1), *_parts(found["excess"]))


def median_slopes(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """Theil and Sen's slope, of graded scores alone: that of right-or-wrong ones is 0 whatever happens."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    along = (rows.turn - 1).double()
    numbers, start = uniform(rows, cell.correlation, generator), cell.scores.mean
    falls = start * (1 - DECAY / 30 * along)
    cases = {"median slope": (torch.full_like(falls, start), 0.0)}
    if cell.scores is EVEN:  # only about a symmetric spread is the median of slopes that of the means
        cases["median slope, planted"] = (falls, -start * DECAY / 30)
    for name, (mean, truth) in cases.items():
        scores = cell.scores.draw(numbers, mean)
        ends = rows.run.bincount(minlength=runs).cumsum(0).tolist()
        bounds = [_median(rows, scores, slice(a, b)) for a, b in zip([0, *ends[:-1]], ends)]
        value, lower, upper = (torch.stack(part) for part in zip(*bounds))
        reason = torch.where(lower.isnan(), REASONS.index("fewer than 2 effective dialogues carry it"), 0)
        yield Found(name, truth, Interval(value, value, lower, upper, reason), -torch.inf, torch.inf)


def powered_means(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """What people would say of all, half of whose dialogues they have seen, with the help of a judge."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    numbers = uniform(rows, cell.correlation, generator)
    mean = torch.full_like(rows.turn, cell.scores.mean, dtype=torch.float64)
    people, judge = (cell.scores.draw(u, mean) for u in (numbers, partly(numbers, _SHARED, generator)))
    order = torch.rand(runs, rows.dialogues, generator=generator).argsort(1).flatten()
    people = people.masked_fill(order[rows.dialogue] >= rows.dialogues // 2, torch.nan)
    ends = rows.run.bincount(minlength=runs).cumsum(0).tolist()
    found = [
        prediction_powered_mean(judge[a:b], people[a:b], rows.dialogue[a:b]) for a, b in zip([0, *ends[:-1]], ends)
    ]
    value, lower, upper = (
        torch.tensor([getattr(one, name) for one in found], dtype=torch.float64) for name in ("value", "lower", "upper")
    )
    few = torch.tensor([one.dialogues for one in found]) < 2
    reason = torch.where(lower.isnan(), torch.where(few, 2, 3), 0)
    yield Found("prediction-powered mean", cell.scores.mean, Interval(value, value, lower, upper, reason), -1e9, 1e9)


def correlations(cell: Cell, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """Pearson's r of normal scores of a metric and of people; on the scale of its bounds."""
    rows = records(cell.lengths, cell.dialogues, runs, generator)
    for r in (0.0, 0.5, 0.9):
        x, noise = (_normal(rows, cell.correlation, generator) for _ in range(2))
        metric = MetricAgreement(detail=True, max_turns=1)
        metric._keep_rows = lambda *_: None  # type: ignore[method-assign]
        found = by_run(metric, rows, x, r * x + (1 - r * r) ** 0.5 * noise)
        yield Found(f"Pearson's r, {r:g}", torch.tensor(r).double().atanh(), *_parts(found["pearson"]))


def between(groups: int, runs: int, generator: torch.Generator) -> Iterator[Found]:
    """Pearson's r of the means of groups that have nothing to do with each other."""
    rows = Records(torch.arange(runs * groups), torch.ones(runs * groups, dtype=torch.long), runs, groups)
    x, y = (torch.randn(runs * groups, generator=generator, dtype=torch.float64) for _ in range(2))
    labels = tuple(f"g{place}" for place in range(groups))
    metric = MetricAgreement(labels, detail=True, max_turns=1)
    metric._keep_rows = lambda *_: None  # type: ignore[method-assign]
    own, _ = by_run(metric, rows, x, y, group=(torch.arange(runs * groups) % groups).double())["between"]
    ends = metric._between_groups({"metric_agreement_between": own.value})
    lower, upper, reason = (ends[f"metric_agreement_between_{end}"] for end in ("lower", "upper", "reason"))
    bounds = Interval(own.value, own.error, lower, upper, reason.expand_as(own.reason))
    yield Found(f"r between {groups} groups", 0.0, bounds, -torch.inf, torch.inf)


_WORDS = {"slope": "slope", "pooled": "pooled slope", "rate": "rate of the half-life"}


def _parts(found: tuple[Interval, Sequence[float]]) -> tuple[Interval, float, float]:
    return found[0], *found[1]


def _last_turn(rows: Records, most: int) -> Tensor:
    """The last turn of each run that two dialogues or more have, at most the last point of the curve."""
    count = torch.zeros(rows.runs, most, dtype=torch.long)
    inside = rows.turn <= most
    count.view(-1).index_add_(0, (rows.run * most + rows.turn - 1)[inside], torch.ones_like(rows.turn)[inside])
    return ((count >= 2) * torch.arange(1, most + 1)).amax(1)


def _median(rows: Records, scores: Tensor, here: slice) -> tuple[Tensor, Tensor, Tensor]:
    dialogue = rows.dialogue[here] - rows.dialogue[here.start]
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), dialogue.bincount().cumsum(0)])
    pairs = list(pair_slopes(rows.turn[here].double(), scores[here], offsets))
    owner = [found.segments[:, None].expand_as(found.slopes).flatten() for found in pairs]
    return median_slope(torch.cat([found.slopes.flatten() for found in pairs]), torch.cat(owner))


def _normal(rows: Records, correlation: float, generator: torch.Generator) -> Tensor:
    shared, own = (
        torch.randn(count, generator=generator, dtype=torch.float64)
        for count in (rows.runs * rows.dialogues, len(rows.turn))
    )
    return correlation**0.5 * shared[rows.dialogue] + (1 - correlation) ** 0.5 * own
