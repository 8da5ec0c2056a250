# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Slopes of scores over turns: sums for the within-dialogue and the pooled slope, and Theil and Sen's median slope."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from imug_kernels import segment_reduce, segment_sum
from scipy import special
from torch import Tensor


class PairSlopes(NamedTuple):
    """Slopes within segments of one length.

    Attributes:
        segments: int64 `[R]`, which segments.
        slopes: float64 `[R, P]`, by pair of rows.
        variance: float64 `[R]`, of Kendall's S (Sen, JASA 63, 1968, eq. 2.6).
    """

    segments: Tensor
    slopes: Tensor
    variance: Tensor


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
    top = segment_reduce(torch.stack([x, y], 1).detach(), offsets, used).max[segment]
    x, y = ((value - top[:, side]).where(used, 0) for side, value in enumerate((x, y)))
    n, sx, sy, sxx, sxy = segment_sum(torch.stack([used.to(x), x, y, x * x, x * y], 1), offsets).unbind(1)
    mean = sx / n.clamp_min(1)
    return sxy - mean * sy, sxx - mean * sx


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
        >>> found.slopes, found.variance
        (tensor([[1.0000, 0.5000, 0.0000]], dtype=torch.float64), tensor([2.6667], dtype=torch.float64))
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
        # Ties of k equal scores take k (k - 1) (2k + 5) off: each of the k rows brings (k - 1) (2k + 5).
        equal = (ys[:, :, None] == ys[:, None]).sum(2).double()
        ties = ((equal - 1) * (2 * equal + 5)).sum(1)
        yield PairSlopes(segments, slopes, (length * (length - 1) * (2 * length + 5) - ties) / 18)


def sen_slope(slopes: Tensor, variance: float, level: float = 0.95) -> tuple[float, float, float]:
    """Median of pairwise slopes with Sen's interval from Kendall's tau.

    Args:
        slopes: `[K]`, from `pair_slopes`, of any number of segments.
        variance: the sum over segments of Kendall's S's variance.
        level: covered probability.

    Returns:
        Median, lower and upper bound; NaN without a pair. For one segment equal to `scipy.stats.theilslopes`.

    Example:
        >>> sen_slope(torch.tensor([1.0, 0.5, 0.0]), 8 / 3)
        (0.5, 0.0, 1.0)
    """
    pairs = len(slopes)
    if pairs == 0:
        return math.nan, math.nan, math.nan
    ordered = slopes.double().sort().values
    reach = float(special.ndtri((1 + level) / 2)) * math.sqrt(variance)
    upper = min(round((pairs + reach) / 2), pairs - 1)
    lower = max(round((pairs - reach) / 2) - 1, 0)
    middle = (ordered[(pairs - 1) // 2] + ordered[pairs // 2]) / 2
    return float(middle), float(ordered[lower]), float(ordered[upper])
