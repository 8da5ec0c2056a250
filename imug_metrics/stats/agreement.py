# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far raters agree: Krippendorff's alpha, a judge's own spread over repeats, and a judge beside people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from imug_metrics.stats.bootstrap import percentile_interval, poisson_weights
from imug_metrics.stats.cluster_robust import component_weights, packed_moments, ratio_spread, unpack_moments
from imug_metrics.stats.correlation import fisher_z
from imug_metrics.stats.intervals import interval
from imug_metrics.stats.running_sums import running_sums

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(values: Tensor, level: Level = "interval") -> Tensor:
    """Krippendorff's alpha: 1 minus observed disagreement over that of values paired at random. Higher is better.

    With `m_u` values in unit `u` and `n` in all units that hold at least two,

        alpha = 1 - (n - 1) sum_u [sum_{i,j in u} d(i, j) / (m_u - 1)] / sum_{i,j} d(i, j)

    where `d` is 0 or 1 for equal or unequal values (nominal), the squared difference (interval), or the squared
    difference of mid-ranks (ordinal), which equals the usual definition by cumulated frequencies (Krippendorff, Content
    Analysis, 2004, chapter 11).

    Args:
        values: `[raters, units]`; NaN where a rater did not rate a unit.
        level: of measurement.

    Returns:
        float64 scalar of at most 1; 0 is chance. NaN where no unit has two values, or all values are equal.

    Raises:
        ValueError: if `values` is not two-dimensional, holds an infinity, or `level` is unknown.

    Example:
        >>> values = torch.tensor([[1.0, 2.0, 3.0, 3.0], [1.0, 2.0, 3.0, 2.0]])
        >>> [round(krippendorff_alpha(values, level).item(), 3) for level in ("nominal", "ordinal", "interval")]
        [0.667, 0.79, 0.821]
    """
    ratings = _ratings(values, "values", level)
    return _alpha(ratings, level, torch.ones_like(ratings.values[0]))


def agreement(
    scores: Tensor,
    human: Tensor | None = None,
    *,
    level: Level = "interval",
    clusters: Tensor | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """How far a judge agrees with itself, and with people.

    Args:
        scores: `[repeats, units]`, the judge's; NaN where it gave none.
        human: `[units]` or `[raters, units]`, on the judge's scale; NaN where there is none.
        level: of measurement. On level `"nominal"` scores are labels: spread and correlations are NaN.
        clusters: int64 `[units]`, ids of what the bootstrap draws as a whole, for instance the dialogue of each unit;
            by default each unit by itself.
        replicates: of the bootstrap, at least 1.
        seed: of the bootstrap.

    Returns:
        Each estimate, and with `_lower` and `_upper` its 95 % percentile interval (`percentile_interval`, with as many
        clusters as there are), NaN where nothing varies. Over units with two repeats or more:

        - `alpha`: Krippendorff's alpha over the repeats
        - `spread`: mean over units of the standard deviation within the unit (divisor repeats - 1)
        - `identical`: share of units whose repeats are all equal
        - `units`: how many they are, without an interval

        and with `human`, over units that both have rated, the judge's mean over repeats beside the mean over people (on
        level `"nominal"` the first of each):

        - `human_alpha`, `human_pearson`, `human_spearman`, and `human_units`

    Raises:
        ValueError: if shapes do not match, a score is infinite, `level` is unknown or `replicates` less than 1.

    Example:
        >>> scores = torch.tensor([[5.0, 3.0, 1.0, 4.0], [5.0, 4.0, 1.0, 4.0]])
        >>> found = agreement(scores, human=torch.tensor([5.0, 3.0, 2.0, 5.0]))
        >>> {name: round(found[name], 3) for name in ("alpha", "spread", "identical", "human_pearson")}
        {'alpha': 0.951, 'spread': 0.177, 'identical': 0.75, 'human_pearson': 0.898}
    """
    if replicates < 1:
        raise ValueError(f"Expected argument `replicates` to be >= 1, got {replicates}.")
    ratings = _ratings(scores, "scores", level)
    units = ratings.values.shape[1]
    parts = [_own(ratings, level)]
    counts = {"units": float((ratings.present.sum(0) >= 2).sum())}
    if human is not None:
        people = _ratings(human[None] if human.ndim == 1 else human, "human", level)
        _check_length("human", people.values.shape[1], units)
        pair = _ratings(torch.stack([_central(ratings, level), _central(people, level)]), "human", level)
        parts.append(_beside_people(pair, level))
        counts["human_units"] = float(pair.present.all(0).sum())
    ids = torch.arange(units, device=scores.device) if clusters is None else clusters
    _check_length("clusters", len(ids), units)

    def estimates(weights: Tensor) -> dict[str, Tensor]:
        return {name: value for part in parts for name, value in part(weights).items()}

    found = _with_intervals(estimates, ids, replicates, seed)
    return found | _identical_bounds(ratings, ids) | counts


def _identical_bounds(ratings: _Ratings, ids: Tensor) -> dict[str, float]:
    """Bounds of the share of units whose repeats are equal; percentiles would meet where it is 0 or 1."""
    repeated = ratings.present.sum(0) >= 2
    lowest = ratings.codes.masked_fill(~ratings.present, ratings.levels).amin(0)
    equal = repeated & (lowest == ratings.codes.masked_fill(~ratings.present, -1).amax(0))
    rows, owner = torch.stack([equal, repeated], 1).double(), torch.unique(ids, return_inverse=True)[1]
    sums = rows.new_zeros(int(owner.max()) + 1 if len(owner) else 0, 2).index_add_(0, owner, rows)
    moments = unpack_moments(packed_moments(sums, 1))
    value, spread = ratio_spread(moments, 1)
    found = interval(value, spread, component_weights(moments, torch.tensor([1])), low=0.0, high=1.0)
    return {"identical_lower": float(found.lower), "identical_upper": float(found.upper)}


class _Ratings(NamedTuple):
    """Values `[raters, units]` (0 where absent), which are present, and the number of each among the sorted levels."""

    values: Tensor
    present: Tensor
    codes: Tensor
    levels: int


def _ratings(values: Tensor, argument: str, level: Level) -> _Ratings:
    if level not in get_args(Level):
        raise ValueError(f"Expected argument `level` to be one of {get_args(Level)}, got {level!r}.")
    if values.ndim != 2 or len(values) == 0:
        raise ValueError(f"Expected argument `{argument}` to have shape [raters, units], got {list(values.shape)}.")
    if values.isinf().any():
        raise ValueError(f"Expected argument `{argument}` to be finite or NaN, got an infinity.")
    present = ~values.isnan()
    values = values.double().masked_fill(~present, 0)
    levels, codes = torch.unique(values, return_inverse=True)
    return _Ratings(values, present, codes, len(levels))


def _check_length(argument: str, length: int, units: int) -> None:
    if length != units:
        raise ValueError(f"Expected argument `{argument}` to hold {units} units as `scores` does, got {length}.")


def _alpha(ratings: _Ratings, level: Level, weights: Tensor) -> Tensor:
    """Alpha where unit u counts as `weights[u]` equal units."""
    present = ratings.present
    size = present.sum(0)
    weights = weights * (size >= 2)
    each = weights * present  # [raters, units]
    counts = weights.new_zeros(ratings.levels).scatter_add_(0, ratings.codes.flatten(), each.flatten())
    total = each.sum()
    if level == "nominal":
        unequal = (ratings.codes[:, None] != ratings.codes) & present[:, None] & present
        within = unequal.sum((0, 1)).double()
        across = total**2 - (counts**2).sum()
    else:
        places = _midranks(ratings.codes, each) if level == "ordinal" else ratings.values
        within = 2 * size * _squares(places, present.double())
        across = 2 * total * _squares(places.flatten(), each.flatten())
    observed = (weights * within / (size - 1).clamp_min(1)).sum()
    varies = (counts > 0).sum() > 1
    return (1 - (total - 1) * observed / torch.where(varies, across, 1)).masked_fill(~varies, torch.nan)


def _own(ratings: _Ratings, level: Level) -> Callable[[Tensor], dict[str, Tensor]]:
    """Estimates of the judge beside itself, as a function of the units' weights."""
    size = ratings.present.sum(0)
    repeated = (size >= 2).double()
    deviation = (_squares(ratings.values, ratings.present.double()) / (size - 1).clamp_min(1)).sqrt()
    lowest = ratings.codes.masked_fill(~ratings.present, ratings.levels).amin(0)
    highest = ratings.codes.masked_fill(~ratings.present, -1).amax(0)

    def estimates(weights: Tensor) -> dict[str, Tensor]:
        weights = weights * repeated
        spread = (weights * deviation).sum() / weights.sum()
        return {
            "alpha": _alpha(ratings, level, weights),
            "spread": spread.new_tensor(torch.nan) if level == "nominal" else spread,
            "identical": (weights * (lowest == highest)).sum() / weights.sum(),
        }

    return estimates


def _beside_people(pair: _Ratings, level: Level) -> Callable[[Tensor], dict[str, Tensor]]:
    """Estimates of the judge (first row) beside people (second), as a function of the units' weights."""
    rated = pair.present.all(0)

    def estimates(weights: Tensor) -> dict[str, Tensor]:
        weights = weights * rated
        undefined = weights.new_tensor(torch.nan)
        judge, people = (_midranks(codes, weights) for codes in pair.codes)
        return {
            "human_alpha": _alpha(pair, level, weights),
            "human_pearson": undefined if level == "nominal" else _pearson(pair.values[0], pair.values[1], weights),
            "human_spearman": undefined if level == "nominal" else _pearson(judge, people, weights),
        }

    return estimates


def _central(ratings: _Ratings, level: Level) -> Tensor:
    """One value a unit, NaN where it has none."""
    if level == "nominal":
        first = ratings.present.int().argmax(0)
        value = ratings.values.gather(0, first[None])[0]
    else:
        value = ratings.values.sum(0) / ratings.present.sum(0)
    return value.masked_fill(~ratings.present.any(0), torch.nan)


def _squares(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of squares about the weighted mean, over the first dimension."""
    mean = (weights * values).sum(0) / weights.sum(0).clamp_min(1)
    return (weights * (values - mean) ** 2).sum(0)


def _midranks(codes: Tensor, weights: Tensor) -> Tensor:
    """Mid-rank of each entry among all, where each counts as often as its weight says."""
    counts = weights.new_zeros(int(codes.max()) + 1 if codes.numel() else 0)
    counts.scatter_add_(0, codes.flatten(), weights.expand_as(codes).flatten())
    return (running_sums(counts) - counts / 2)[codes]


def _pearson(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    count = weights.sum()
    x, y = (values - (weights * values).sum() / count.clamp_min(1) for values in (x, y))
    sums = (count, *((weights * term).sum() for term in (x, y, x * x, y * y, x * y)))
    return fisher_z(*sums).tanh()


def _with_intervals(
    estimates: Callable[[Tensor], dict[str, Tensor]], ids: Tensor, replicates: int, seed: int
) -> dict[str, float]:
    once = torch.ones(len(ids), dtype=torch.float64, device=ids.device)
    values = estimates(once)
    drawn = [estimates(weights) for weights in poisson_weights(ids, replicates, seed).T]
    table = torch.stack([torch.stack(list(draw.values())) for draw in drawn])
    clusters = torch.full_like(table[0], len(torch.unique(ids)))
    lower, upper = percentile_interval(table, clusters=clusters, value=torch.stack([*values.values()]))
    rows = zip(values, values.values(), lower, upper)
    return {
        f"{name}{end}": float(number)
        for name, *numbers in rows
        for end, number in zip(("", "_lower", "_upper"), numbers)
    }
