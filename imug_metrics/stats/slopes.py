# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Slopes of scores over turns: sums for the within-dialogue and the pooled slope, and Theil and Sen's median slope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from imug_kernels import segment_reduce, segment_sum
from torch import Tensor

from imug_metrics.stats.cluster_robust import Moments
from imug_metrics.stats.intervals import Weights, student_quantile


class PairSlopes(NamedTuple):
    """Slopes within segments of one length.

    Attributes:
        segments: int64 `[R]`, which segments.
        slopes: float64 `[R, P]`, by pair of rows.
    """

    segments: Tensor
    slopes: Tensor


def within_sums(x: Tensor, y: Tensor, used: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of squares and products about each segment's own mean.

    The fixed-effects slope is `sum Sxy / sum Sxx`: it compares turns of the same dialogue only, so it does not mistake
    harder long dialogues for decay.

    Args:
        x: float64 `[N]`, e.g. turns.
        y: float64 `[N]`, scores; finite also where not used.
        used: bool `[N]`, the rows that count.
        offsets: int64 `[S + 1]`, where each segment begins.

    Returns:
        `Sxy [S]` and `Sxx [S]`; exactly 0 for segments of one used row or of equal x, and `Sxy` of equal y.

    Example:
        >>> x, y = torch.tensor([1.0, 2.0]).double(), torch.tensor([1.0, 0.5]).double()
        >>> within_sums(x, y, torch.tensor([True, True]), torch.tensor([0, 2]))
        (tensor([-0.2500], dtype=torch.float64), tensor([0.5000], dtype=torch.float64))
    """
    # About a value of the segment first: what is equal throughout is exactly 0 then, which a mean's rounding is not.
    segment = torch.searchsorted(offsets, torch.arange(len(x), device=x.device), right=True) - 1
    both = torch.stack([x, y], 1)
    centred = (both - segment_reduce(both.detach(), offsets, used).max[segment]).where(used[:, None], 0)
    sums = segment_sum(torch.cat([used[:, None].to(x), centred, centred[:, :1] * centred], 1), offsets)
    n, simple, products = sums[:, :1], sums[:, 1:3], sums[:, 3:]
    squares, mixed = (products - simple[:, :1] / n.clamp_min(1) * simple).unbind(1)
    return mixed, squares


POOLED_SUMS = ("n", "x", "y", "xx", "xy")
"""Names of the sums that `pooled_slope` takes, in its order."""


def pooled_slope(n: Tensor, x: Tensor, y: Tensor, xx: Tensor, xy: Tensor) -> Tensor:
    """Ordinary least squares' slope from sums over all rows; NaN where all x are equal.

    Example:
        >>> pooled_slope(*(torch.tensor(s, dtype=torch.float64) for s in (3, 6, 3, 14, 4)))
        tensor(-1., dtype=torch.float64)
    """
    spread = n * xx - x * x
    return torch.where(spread > 0, n * xy - x * y, torch.nan) / torch.where(spread > 0, spread, 1)


def pair_slopes(x: Tensor, y: Tensor, offsets: Tensor) -> Iterator[PairSlopes]:
    """Slopes between all pairs of rows of one segment, for segments of equal length at a time.

    Args:
        x: float64 `[N]`, distinct within each segment (turns).
        y: float64 `[N]`, finite.
        offsets: int64 `[S + 1]`.

    Yields:
        The slopes of the segments of one length, at least 2.

    Example:
        >>> turns, scores = torch.arange(3).double(), torch.tensor([0.0, 1.0, 1.0]).double()
        >>> [found] = pair_slopes(turns, scores, torch.tensor([0, 3]))
        >>> found.slopes
        tensor([[1.0000, 0.5000, 0.0000]], dtype=torch.float64)
    """
    lengths = offsets.diff()
    for length in sorted(set(lengths.tolist())):
        if length < 2:
            continue
        segments = (lengths == length).nonzero()[:, 0]
        rows = offsets[segments][:, None] + torch.arange(length, device=x.device)
        xs, ys = x[rows], y[rows]
        first, second = torch.triu_indices(length, length, 1, device=x.device)
        slopes = (ys[:, second] - ys[:, first]) / (xs[:, second] - xs[:, first])
        yield PairSlopes(segments, slopes)


def pooled_weights(moments: Moments, n: int, x: int, xx: int) -> Weights:
    """How much each dialogue weighs in an ordinary least squares' slope: `sum (x - mean x)^2`, about the mean of all.

    Args:
        moments: sums over dialogues.
        n, x, xx: components of the number of records and of the sums of x and its square.

    Returns:
        Weights, of one estimate `[1]`.

    Example:
        >>> from imug_metrics.stats import packed_moments, unpack_moments
        >>> vectors = torch.tensor([[2.0, 3.0, 5.0], [2.0, 3.0, 5.0]], dtype=torch.float64)  # turns 1 and 2, twice
        >>> pooled_weights(unpack_moments(packed_moments(vectors)), 0, 1, 2)
        Weights(total=tensor([1.], dtype=torch.float64), squares=tensor([0.5000], dtype=torch.float64))
    """
    columns = torch.tensor([n, x, xx], device=moments.totals.device)
    totals = moments.totals[columns]
    mean = totals[1] / totals[0].where(totals[0] > 0, 1)
    share = torch.stack([mean * mean, -2 * mean, torch.ones_like(mean)])
    products = moments.products[columns][:, columns]
    return Weights((share @ totals)[None], (share @ products @ share)[None])


def median(values: Tensor) -> Tensor:
    """The median, the mean of the two in the middle of an even number; NaN of none.

    Example:
        >>> median(torch.tensor([3.0, 1.0, 2.0, 10.0]))
        tensor(2.5000)
    """
    ordered = values.sort().values
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2 if count else values.new_tensor(torch.nan)


def median_slope(slopes: Tensor, dialogue: Tensor, level: float = 0.95) -> tuple[Tensor, Tensor, Tensor]:
    """Median of pairwise slopes (Theil, 1950; Sen, JASA 63, 1968) with an interval by dialogue.

    A slope b lies within the bounds where the signs of the pairs' slopes about b, `z_d = sum_i sign(slope_i - b)` by
    dialogue, have a mean that a cluster-robust test does not tell from 0, under Student's t with `G_eff - 1` degrees of
    freedom. Sen's own interval takes the pairs of all dialogues for one sample of independent rows, and covers too
    rarely.

    Args:
        slopes: `[K]`, from `pair_slopes`, of any number of segments.
        dialogue: int64 `[K]`, whose they are.
        level: covered probability.

    Returns:
        Median, lower and upper bound, float64 scalars; NaN without a pair, and bounds also with fewer than two
        effective dialogues, or where the bounds meet.

    Example:
        >>> slopes = torch.tensor([-0.3, -0.2, -0.1, 0.0, -0.2, -0.1])
        >>> median, lower, upper = median_slope(slopes, torch.tensor([1, 2, 3, 4, 5, 6]))
        >>> [round(x.item(), 2) for x in (median, lower, upper)]
        [-0.15, -0.3, 0.0]
    """
    ordered, order = slopes.double().sort(stable=True)
    middle, none = median(ordered), ordered.new_tensor(torch.nan)
    if len(slopes) == 0:
        return middle, none, none
    _, owner, size = torch.unique(dialogue, return_inverse=True, return_counts=True)
    weights = Weights(size.sum().double(), (size * size).sum().double())
    accepted = _is_centre(owner[order], size, weights, level).nonzero()[:, 0]
    if len(accepted) == 0:
        return middle, none, none
    lower, upper = ordered[accepted[0]], ordered[accepted[-1] + 1]
    return (middle, lower, upper) if lower < upper else (middle, none, none)


def _is_centre(owner: Tensor, weight: Tensor, weights: Weights, level: float) -> Tensor:
    """Whether a value between one of the ordered slopes and the next can be their centre, bool `[K - 1]`."""
    # Counted in whole numbers, whose running sums are the same on every device and in every order.
    pairs, effective = len(owner), weights.effective
    rank = torch.arange(pairs, device=owner.device)
    by_owner = owner.argsort(stable=True)
    within = torch.empty_like(rank).index_copy(0, by_owner, rank)
    within = within - (weight.cumsum(0) - weight)[owner]  # how many slopes of its dialogue lie below
    before = weight[owner] - 2 * within  # z of its dialogue, until its own sign turns
    squares = weights.squares - (4 * before - 4).cumsum(0)
    across = weights.squares - (2 * weight[owner]).cumsum(0)
    mean = (weights.total - 2 * (rank + 1)) / weights.total
    spread = (squares - 2 * mean * across + mean * mean * weights.squares).clamp_min(0) / weights.total**2
    error = (spread * effective / (effective - 1).clamp_min(1e-300)).sqrt()
    return (mean.abs() <= student_quantile(effective, level) * error)[:-1]
