# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How well scores tell pairs of one subject from pairs of two, from counts of pairs by score.

Counts `[..., U]` are whole numbers by rising score: of every distinct score (exact), or of the bins of a histogram. A
pair is accepted where its score reaches a threshold. With the false match rate FMR, the share of different-subject
pairs that are accepted, and the true match rate TPR, the share of same-subject pairs that are (ISO/IEC 19795-1; NIST,
*Face Recognition Vendor Test*, NISTIR 8238), lowering the threshold from score to score gives U + 1 points, of which
the first accepts nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant

GRID = 2.0**24
"""Cosines are multiples of 1 / GRID, as those of `imug_kernels.cross_stats`: rounding neither makes nor breaks ties."""


class Rates(NamedTuple):
    """Shares of accepted pairs `[..., U + 1]`, by falling threshold; NaN of no pairs."""

    fmr: Tensor
    tpr: Tensor


def accepted_rates(same: Tensor, different: Tensor) -> Rates:
    """The rates at every threshold.

    Example:
        >>> accepted_rates(torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0]))
        Rates(fmr=tensor([0.0000, 0.0000, 0.5000, 1.0000], dtype=torch.float64),
        tpr=tensor([0.0000, 0.5000, 1.0000, 1.0000], dtype=torch.float64))
    """
    # Whole numbers, whose running sums deterministic algorithms allow on every device.
    above = [F.pad(counts.long().flip(-1).cumsum(-1), (1, 0)).double() for counts in (different, same)]
    return Rates(*(counts / torch.where(counts[..., -1:] > 0, counts[..., -1:], torch.nan) for counts in above))


def area_under_curve(same: Tensor, different: Tensor) -> Tensor:
    """Chance that a same-subject pair scores above a different-subject pair, ties counted half `[...]`.

    Example:
        >>> area_under_curve(torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0]))
        tensor(0.8750, dtype=torch.float64)
    """
    same, different = same.long(), different.long()
    above = same.sum(-1, keepdim=True) - same.cumsum(-1)
    wins = (different.double() * (2 * above + same).double()).sum(-1)
    pairs = 2 * same.sum(-1).double() * different.sum(-1).double()
    return wins / torch.where(pairs > 0, pairs, torch.nan)


def tie_share(same: Tensor, different: Tensor) -> Tensor:
    """Half the chance that both pairs have one count: what a histogram's area can be off by, at most `[...]`.

    Example:
        >>> tie_share(torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0]))
        tensor(0.1250, dtype=torch.float64)
    """
    pairs = 2 * same.double().sum(-1) * different.double().sum(-1)
    return (same.double() * different.double()).sum(-1) / torch.where(pairs > 0, pairs, torch.nan)


def equal_error_rate(rates: Rates) -> Tensor:
    """FMR where it equals 1 - TPR, on the straight line between the two points around it `[...]`.

    Example:
        >>> equal_error_rate(accepted_rates(torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0])))
        tensor(0.2500, dtype=torch.float64)
    """
    excess = rates.fmr + rates.tpr - 1  # from -1 to 1, rising
    after = (excess >= 0).long().argmax(-1, keepdim=True)  # 0 where all is NaN
    before = (after - 1).clamp_min(0)
    low, high = excess.gather(-1, before), excess.gather(-1, after)
    start = rates.fmr.gather(-1, before)
    return (start - low / (high - low) * (rates.fmr.gather(-1, after) - start))[..., 0]


def rate_at(rates: Rates, different: Tensor, far: float) -> tuple[Tensor, Tensor]:
    """TPR at the lowest threshold whose FMR is at most `far`, and the number of that point, both `[...]`.

    Both rates are steps: no point between two thresholds is reached by any rule. The TPR is NaN where fewer than
    `1 / far` different-subject pairs were seen: that none of them is accepted does not show so small a rate.

    Example:
        >>> same, different = torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0])
        >>> rate_at(accepted_rates(same, different), different, far=0.5)
        (tensor(1., dtype=torch.float64), tensor(2))
    """
    point = ((rates.fmr <= far).sum(-1) - 1).clamp_min(0)
    found = rates.tpr.gather(-1, point[..., None])[..., 0]
    return found.masked_fill(1 / different.double().sum(-1) > far, torch.nan), point


def threshold_at(tpr: Tensor, point: Tensor, values: Tensor) -> Tensor:
    """The score that a point of `rate_at` accepts from on, of scores `[U]`; NaN where it accepts nothing.

    Example:
        >>> threshold_at(torch.tensor(1.0), torch.tensor(2), torch.tensor([0.1, 0.2, 0.3]))
        tensor(0.2000)
    """
    count = len(values)
    if not count:
        return tpr * torch.nan
    chosen = values[(count - point).clamp(0, count - 1)]
    return chosen.masked_fill((point == 0) | tpr.isnan(), torch.nan)


def decidability(same: Tensor, different: Tensor, values: Tensor) -> Tensor:
    """Distance d' of the means of the two kinds, in units of their common standard deviation `[...]`.

    Example:
        >>> decidability(torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0]), torch.tensor([0.0, 1.0, 2.0]).double())
        tensor(2., dtype=torch.float64)
    """
    means, variances = [], []
    for counts in (same.double(), different.double()):
        total = counts.sum(-1)
        total = torch.where(total > 0, total, torch.nan)
        means.append((counts * values).sum(-1) / total)
        variances.append((counts * (values - means[-1][..., None]).square()).sum(-1) / total)
    return standard_distance(*means, *variances)


def standard_distance(same: Tensor, different: Tensor, of_same: Tensor, of_different: Tensor) -> Tensor:
    """`(mean same - mean different) / sqrt((variance of same + variance of different) / 2)`; NaN without finite spread.

    Example:
        >>> standard_distance(*torch.tensor([0.75, 0.25, 0.5, 0.0]))
        tensor(1.)
    """
    spread = (of_same + of_different) / 2
    return (same - different) / torch.where((spread > 0) & (spread < torch.inf), spread, torch.nan).sqrt()


def on_grid(cosine: Tensor) -> Tensor:
    """Cosines as multiples of 1 / `GRID`, with the gradient of the unrounded ones.

    Example:
        >>> on_grid(torch.tensor([1 - 1e-12, -1e-17], dtype=torch.float64)).tolist()
        [1.0, 0.0]
    """
    plain = cosine.detach()
    return cosine + ((plain * GRID).round() / GRID - plain)


def bin_of(cosine: Tensor, bins: int) -> Tensor:
    """The bin of each cosine, of bins of equal width over [-1, 1], int64; of NaN any.

    Example:
        >>> bin_of(torch.tensor([-1.0, 0.0, 1.0]), 4)
        tensor([0, 2, 3])
    """
    steps = (cosine.detach().double() * GRID).round()
    return torch.add(constant(_half, bins, like=steps), steps, alpha=bins / (2 * GRID)).long().clamp_(0, bins - 1)


def bin_edges(bins: int, like: Tensor) -> Tensor:
    """The ends of the bins `[bins + 1]`.

    Example:
        >>> bin_edges(2, torch.zeros(0, dtype=torch.float64))
        tensor([-1.,  0.,  1.], dtype=torch.float64)
    """
    return torch.arange(bins + 1, dtype=torch.float64, device=like.device) * (2 / bins) - 1


def _half(bins: int, device: torch.device) -> Tensor:
    return torch.tensor(bins / 2, dtype=torch.float64, device=device)
