# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Correlations from sums, and the asymmetry of a sample about zero."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.stats.running_sums import running_sums

_FLAT = 1e-12  # share of the sum of squares about zero up to which that about the mean is what rounding leaves
_LEFT = 1e-10  # the same of what a regression leaves of that about the mean


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
    varies = (across > _FLAT * n * xx) & (along > _FLAT * n * yy) & (n > 2)
    return _z(both, across * along, varies)


def partial_z(
    centred: tuple[Tensor, ...], squares: tuple[Tensor, ...], freedom: Tensor, *, semi: bool = False
) -> Tensor:
    """Fisher's z of the correlation of x and y when z is held fixed, from sums about the means.

    `partial = (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2))` (Yule, Proc. R. Soc. A 79, 1907): what is left of x
    and of y when their regressions on z are taken off. With `semi` the first factor is left out, so that only y is
    freed of z; the square of that is what y adds to R^2 of x beyond z.

    Args:
        centred: sums of the squares and products xx, yy, zz, xy, xz, yz about the means, of one shape.
        squares: sums of the squares of x, y and z themselves, which tell spread from what rounding leaves.
        freedom: degrees of freedom that are left: records less means less one.
        semi: the semipartial correlation, of x itself with y freed of z.

    Returns:
        z, with |r| held at 1 - 1e-12; NaN where x or y does not vary beyond z, or no more than one degree of freedom is
        left. Where z does not vary there is nothing to hold fixed, and it is z of the plain correlation. Unchanged when
        all sums are scaled.

    Example:
        >>> rows = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 3.0, 2.0], [5.0, 3.0, 2.0]]).double()
        >>> x, y, z = (rows - rows.mean(0)).unbind(1)
        >>> centred = tuple((a * b).sum() for a, b in ((x, x), (y, y), (z, z), (x, y), (x, z), (y, z)))
        >>> squares = tuple(rows.square().sum(0))
        >>> partial_z(centred, squares, torch.tensor(2))  # y says what z says
        tensor(nan, dtype=torch.float64)
    """
    xx, yy, zz, xy, xz, yz = centred
    fixed = zz > _FLAT * squares[2]
    over = torch.where(fixed, zz, 1)
    x, y, both = (part - (a * b / over).where(fixed, 0) for part, a, b in ((xx, xz, xz), (yy, yz, yz), (xy, xz, yz)))
    # What z leaves of x is a difference, which rounding makes small and not zero.
    varies = (x > _FLAT * squares[0]) & (y > _FLAT * squares[1]) & (x > _LEFT * xx) & (y > _LEFT * yy) & (freedom > 1)
    return _z(both, (xx if semi else x) * y, varies)


def _z(both: Tensor, squares: Tensor, varies: Tensor) -> Tensor:
    """Fisher's z of `both / sqrt(squares)`, NaN unless it `varies`."""
    r = torch.where(varies, both, 0) / torch.where(varies, squares, 1).sqrt()
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
