# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between all rows of one tensor and all rows of another, reduced tile by tile; the matrix never exists."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_kernels.checks import check_at_least, check_groups, check_integers, check_row_pair
from imug_kernels.dtypes import fits_float32, result_dtype
from imug_kernels.ops import register
from imug_kernels.reference import cross as reference
from imug_kernels.reference.cross import CrossOptions

# What the kernel keeps in registers for each row, and for all of them.
MAX_K, MAX_BINS = 64, 512


class CrossStats(NamedTuple):
    """What `cross_stats` found for each row of ``x``; a field that was not asked for is empty.

    ``values`` and ``indices`` ``[N, k]``: the largest cosines, falling, and the rows of ``y`` they belong to; equal
    cosines in the order of their rows; -inf and -1 where fewer than k pairs counted. ``positive`` ``[N]``: cosine to
    the positive (NaN without one); ``greater`` and ``equal`` ``[N]``, int64: how many other rows are closer to it by
    more than ``TIE``, and how many are within it. ``lse`` ``[N]``: log-sum-exp of the scaled cosines. ``same`` and
    ``different`` ``[bins]``, int64: histograms over [-1, 1] of the cosines of pairs in one group and in two.
    """

    values: Tensor
    indices: Tensor
    positive: Tensor
    greater: Tensor
    equal: Tensor
    lse: Tensor
    same: Tensor
    different: Tensor


def cross_stats(
    x: Tensor,
    y: Tensor,
    *,
    k: int = 0,
    positive: Tensor | None = None,
    lse: bool = False,
    scale: float = 1.0,
    groups_x: Tensor | None = None,
    groups_y: Tensor | None = None,
    exclude_self: bool = False,
    exclude_same_group: bool = False,
    bins: int = 0,
) -> CrossStats:
    r"""Reduce the cosines of all N x M pairs of rows in one pass, in memory that does not grow with N x M.

    The log-sum-exp of row i is :math:`\log \sum_j \exp(s\,c_{ij})`. A pair with a row that has no
    direction, zero or holding NaN or infinity, is in no ranking and no histogram, and makes NaN of the row's
    log-sum-exp. Results do not depend on how the pairs are tiled. On a CPU cosines are those of float64, rounded to
    multiples of 2**-24 (6e-8). Rows of float32 and narrower are multiplied in float32 there, and in float64 the pairs
    for which its error could change a rank, an order or a bin: these are exact. The log-sum-exp is that of float32
    cosines, off by about 1e-7 of the scale, at most by ``(D + 16) 2**-24`` of it, and by some 2e-7 of adding up.
    ``values``, ``positive`` and ``lse`` are differentiable with respect to ``x`` and ``y``; NaN has none.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[M, D]``, any floating dtype.
        k: Number of largest cosines wanted.
        positive: int ``[N]``, the row of ``y`` each row of ``x`` belongs to, -1 for none. On a device, where no
            values are looked at, any other number that is no row's is none as well.
        lse: Whether the log-sum-exp is wanted.
        scale: Factor of the cosines in it (an inverse temperature).
        groups_x: int ``[N]``, the group of each row of ``x``; with ``exclude_same_group`` or ``bins``.
        groups_y: int ``[M]``, the group of each row of ``y``.
        exclude_self: Leave out pairs of rows with the same number.
        exclude_same_group: Leave out pairs of rows of the same group.
        bins: Number of bins of the histograms.

    Returns:
        See `CrossStats`; floats are float64 on a CPU and float32 elsewhere.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If shapes or devices do not fit, a count is negative, or groups are missing.

    Example:
        >>> import torch
        >>> from imug_kernels import cross_stats
        >>> y = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
        >>> found = cross_stats(y[:1], y, k=2, positive=torch.tensor([1]))
        >>> found.values, found.indices, found.greater
        (tensor([[1., 1.]], dtype=torch.float64), tensor([[0, 2]]), tensor([2]))
    """
    check_row_pair(x, y)
    check_at_least("k", k, 0)
    check_at_least("bins", bins, 0)
    if positive is not None:
        check_integers("positive", positive, len(x), x.device)
    needs_groups = exclude_same_group or bins > 0
    check_groups("groups_x", groups_x, x, needs_groups)
    check_groups("groups_y", groups_y, y, needs_groups)
    options = (k, positive, lse, scale, groups_x, groups_y, exclude_self, exclude_same_group, bins)
    values, indices, own, counts, sums, histograms = _cross_stats(x, y, *options)
    greater, equal = counts.unbind()
    same, different = histograms.unbind()
    return CrossStats(values, indices, own, greater, equal, sums, same, different)


def _fake(x: Tensor, y: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    options = CrossOptions(*arguments)
    rows, dtype = len(x), result_dtype(x.device)
    ranked, summed = rows * (options.positive is not None), rows * options.lse
    return (
        x.new_empty(rows, options.k, dtype=dtype),
        x.new_empty(rows, options.k, dtype=torch.int64),
        x.new_empty(ranked, dtype=dtype),
        x.new_empty(2, ranked, dtype=torch.int64),
        x.new_empty(summed, dtype=dtype),
        x.new_empty(2, options.bins, dtype=torch.int64),
    )


def _fits(x: Tensor, y: Tensor, *arguments: Any) -> bool:
    options = CrossOptions(*arguments)
    return fits_float32(x, y) and options.k <= MAX_K and options.bins <= MAX_BINS


_cross_stats = register(
    reference.cross_stats,
    "(Tensor x, Tensor y, int k, Tensor? positive, bool lse, float scale, Tensor? groups_x, Tensor? groups_y, "
    "bool exclude_self, bool exclude_same_group, int bins) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    fake=_fake,
    fits=_fits,
    backward=reference.cross_stats_backward,
    wrt=(0, 1),
)
