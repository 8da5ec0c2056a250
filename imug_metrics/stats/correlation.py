# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Correlation from sums, and the asymmetry of a sample about zero."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.stats.running_sums import running_sums


def fisher_z(n: Tensor, x: Tensor, y: Tensor, xx: Tensor, yy: Tensor, xy: Tensor) -> Tensor:
    """Fisher's z = artanh r of Pearson's r, from sums over records; on this scale intervals stay within [-1, 1].

    Args:
        n, x, y, xx, yy, xy: number of records and sums of x, y, their squares and products, of one shape.

    Returns:
        z; NaN with fewer than three records or where x or y does not vary. A perfect correlation is held at
        |r| = 1 - 1e-12. Unchanged when all sums are scaled.

    Example:
        >>> sums = (torch.tensor(s, dtype=torch.float64) for s in (4, 6, 2, 14, 2, 4))
        >>> round(fisher_z(*sums).tanh().item(), 4)
        0.4472
    """
    across, along, both = n * xx - x * x, n * yy - y * y, n * xy - x * y
    # Sums of equal values leave a remainder of rounding, not zero.
    varies = (across > 1e-12 * n * xx) & (along > 1e-12 * n * yy) & (n > 2)
    product = torch.where(varies, across * along, 1)
    r = torch.where(varies, both, 0) / product.sqrt()
    return torch.atanh(r.clamp(-1 + 1e-12, 1 - 1e-12)).masked_fill(~varies, torch.nan)


def distance_skewness(values: Tensor) -> Tensor:
    """Asymmetry of a sample about zero, `1 - sum_ij |d_i - d_j| / sum_ij |d_i + d_j|`, in n log n steps.

    Szekely and Mori, Communications in Statistics 30, 2001; over all pairs, a value with itself included.

    Args:
        values: `[N]`, finite.

    Returns:
        float64 scalar in [0, 1]: 0 for a sample symmetric about zero (and where the denominator is 0), 1 where all
        values are equal and not 0; NaN without values.

    Example:
        >>> distance_skewness(torch.tensor([-1.0, 1.0])), distance_skewness(torch.tensor([2.0, 2.0]))
        (tensor(0., dtype=torch.float64), tensor(1., dtype=torch.float64))
    """
    ordered = values.double().sort().values
    count = len(ordered)
    if count == 0:
        return ordered.new_tensor(torch.nan)
    rank = torch.arange(count, device=ordered.device)
    apart = 2 * ((2 * rank - count + 1) * ordered).sum()
    # |d_i - (-d_j)|: for each d_i, how many mirrored values lie at or below it and what they sum to.
    mirrored = -ordered.flip(0)
    sums = torch.cat([mirrored.new_zeros(1), running_sums(mirrored)])
    below = torch.searchsorted(mirrored, ordered, right=True)
    across = (ordered * (2 * below - count) - 2 * sums[below]).sum() + count * sums[-1]
    return torch.where(across > 0, 1 - apart / across, 0).clamp(0, 1)
