# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between all rows of one tensor and all rows of another, reduced tile by tile; the matrix never exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_kernels.checks import check_index_values, check_integers, check_rows, check_same_width
from imug_kernels.ops import keeps_precision, register, result_dtype
from imug_kernels.rank import TIE

# Rows of x and of y in a tile: 16 MiB of cosines in float64. Larger tiles measured no faster, as the product dominates.
TILE_X, TILE_Y = 512, 4096

EPS = 1e-8  # lower bound of a row's length in the denominator

# Cosines on a CPU are rounded to multiples of 2**-24. Products of differently cut tiles differ by about 1e-16, so equal
# pairs become equal numbers, and a cosine with the row it belongs to fits one integer whose order is the ranking.
_GRID = float(1 << 24)
_INDEX_BITS = 31
_NOTHING = -(1 << 62)


class CrossStats(NamedTuple):
    """What :func:`cross_stats` found for each row of ``x``; a field that was not asked for is empty.

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

    The log-sum-exp of row i is :math:`\log \sum_j \exp(s\,c_{ij})`. A zero row has cosine 0 to every row. A pair with a
    row that holds NaN or infinity is in no ranking and no histogram, and makes NaN of the row's log-sum-exp.
    Results do not depend on how the pairs are tiled. On a CPU cosines are rounded to multiples of 2**-24 (6e-8).
    ``values``, ``positive`` and ``lse`` are differentiable with respect to ``x`` and ``y``.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[M, D]``, any floating dtype.
        k: Number of largest cosines wanted.
        positive: int ``[N]``, the row of ``y`` each row of ``x`` belongs to, -1 for none.
        lse: Whether the log-sum-exp is wanted.
        scale: Factor of the cosines in it (an inverse temperature).
        groups_x: int ``[N]``, the group of each row of ``x``; with ``exclude_same_group`` or ``bins``.
        groups_y: int ``[M]``, the group of each row of ``y``.
        exclude_self: Leave out pairs of rows with the same number.
        exclude_same_group: Leave out pairs of rows of the same group.
        bins: Number of bins of the histograms.

    Returns:
        See :class:`CrossStats`; floats are float64 on a CPU and float32 elsewhere.

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
    check_rows("x", x)
    check_rows("y", y)
    check_same_width(x, y)
    for name, value in (("k", k), ("bins", bins)):
        if value < 0:
            raise ValueError(f"Expected argument `{name}` to be >= 0, got {value}.")
    if positive is not None:
        check_integers("positive", positive, len(x), x.device)
    for name, groups, rows in (("groups_x", groups_x, x), ("groups_y", groups_y, y)):
        if groups is not None:
            check_integers(name, groups, len(rows), x.device)
        elif exclude_same_group or bins:
            raise ValueError(f"Expected argument `{name}` with `exclude_same_group` or `bins`.")
    options = (k, positive, lse, scale, groups_x, groups_y, exclude_self, exclude_same_group, bins)
    values, indices, own, counts, sums, histograms = _cross_stats(x, y, *options)
    greater, equal = counts.unbind()
    same, different = histograms.unbind()
    return CrossStats(values, indices, own, greater, equal, sums, same, different)


class _Options(NamedTuple):
    """Arguments of the operation after ``x`` and ``y``, in the order of its schema."""

    k: int
    positive: Tensor | None
    lse: bool
    scale: float
    groups_x: Tensor | None
    groups_y: Tensor | None
    exclude_self: bool
    exclude_same_group: bool
    bins: int


class _Tile(NamedTuple):
    """Cosines ``[a, b]`` of the rows of ``x`` in slice ``at`` to those of ``y`` from ``first``; left out is False."""

    at: slice
    first: int
    x: Tensor  # unit rows [a, D]
    y: Tensor  # unit rows [b, D]
    cosine: Tensor
    kept: Tensor
    same: Tensor | None


def _plain(x: Tensor, y: Tensor, *arguments: object) -> tuple[Tensor, ...]:
    options = _Options(*arguments)  # type: ignore[arg-type]
    check_index_values("positive", options.positive, y)
    values, indices, own, counts, lse, histograms = _like(x, y, *options)
    codes = torch.full(values.shape, _NOTHING, dtype=torch.int64, device=x.device)
    lse.fill_(-torch.inf)
    counts.zero_()
    histograms.zero_()
    if options.positive is not None:
        own.copy_(_own_cosine(x, y, options.positive))
    for tile in _tiles(x, y, options):
        if options.k:
            codes[tile.at] = _merge_largest(codes[tile.at], tile)
        if options.positive is not None:
            counts[:, tile.at] += _count_ahead(tile, own[tile.at], options.positive[tile.at])
        if options.lse:
            part = (tile.cosine * options.scale).masked_fill(~tile.kept, -torch.inf).logsumexp(1)
            lse[tile.at] = torch.logaddexp(lse[tile.at], part)
        if options.bins:
            histograms += _histograms(tile, options.bins)
    there = codes != _NOTHING
    values.copy_((codes >> _INDEX_BITS).to(values.dtype) / _GRID).masked_fill_(~there, -torch.inf)
    indices.copy_(_code_index(codes)).masked_fill_(~there, -1)
    return values, indices, own, counts, lse, histograms


def _unit(rows: Tensor) -> Tensor:
    return F.normalize(rows.to(result_dtype(rows.device)), dim=1, eps=EPS)


def _rounded(cosine: Tensor) -> Tensor:
    return cosine.mul_(_GRID).round_().div_(_GRID)


def _tiles(x: Tensor, y: Tensor, options: _Options) -> Iterator[_Tile]:
    """Yield all pairs; the rows of ``y`` are the outer loop, so that the larger tile is made unit once."""
    for first in range(0, len(y), TILE_Y):
        unit_y = _unit(y[first : first + TILE_Y])
        columns = torch.arange(first, first + len(unit_y), device=x.device)
        for start in range(0, len(x), TILE_X):
            at = slice(start, min(start + TILE_X, len(x)))
            unit_x = _unit(x[at])
            cosine = _rounded(unit_x @ unit_y.mT)
            kept = torch.ones_like(cosine, dtype=torch.bool)
            if options.exclude_self:
                kept &= torch.arange(at.start, at.stop, device=x.device)[:, None] != columns
            same = None
            if options.groups_x is not None and options.groups_y is not None:
                same = options.groups_x[at, None] == options.groups_y[columns]
                if options.exclude_same_group:
                    kept &= ~same
            yield _Tile(at, first, unit_x, unit_y, cosine, kept, same)


def _own_cosine(x: Tensor, y: Tensor, positive: Tensor) -> Tensor:
    there = positive >= 0
    parts = [
        torch.linalg.vecdot(_unit(rows), _unit(y[at])) if len(y) else rows.new_zeros(len(rows))
        for rows, at in zip(torch.split(x, TILE_X), torch.split(positive.long().clamp_min(0), TILE_X))
    ]
    return _rounded(torch.cat(parts)).masked_fill(~there, torch.nan)


def _code_index(codes: Tensor) -> Tensor:
    low: int = (1 << _INDEX_BITS) - 1
    return low - (codes & low)


def _merge_largest(codes: Tensor, tile: _Tile) -> Tensor:
    """Return the k largest codes ``[a, k]`` of those so far and the tile: a cosine, then the lower row number."""
    there = tile.kept & ~tile.cosine.isnan()
    place = torch.arange(tile.first, tile.first + tile.cosine.shape[1], device=codes.device)
    level = (tile.cosine.nan_to_num(0) * _GRID).long()
    packed = ((level << _INDEX_BITS) + ((1 << _INDEX_BITS) - 1 - place)).masked_fill_(~there, _NOTHING)
    best = packed.topk(min(codes.shape[1], packed.shape[1]), dim=1).values
    return torch.cat([codes, best], 1).topk(codes.shape[1], dim=1).values


def _count_ahead(tile: _Tile, own: Tensor, positive: Tensor) -> Tensor:
    place = torch.arange(tile.first, tile.first + tile.cosine.shape[1], device=own.device)
    other = tile.kept & (place != positive[:, None])
    ahead = tile.cosine - own[:, None]
    return torch.stack([((ahead > TIE) & other).sum(1), ((ahead.abs() <= TIE) & other).sum(1)])


def _histograms(tile: _Tile, bins: int) -> Tensor:
    """Return counts ``[2, bins]`` of pairs in one group and of pairs in two."""
    assert tile.same is not None
    there = tile.kept & ~tile.cosine.isnan()
    level = ((tile.cosine.nan_to_num(0) + 1) * (bins / 2)).long().clamp_(0, bins - 1)
    level = torch.where(tile.same, level, level + bins)
    return torch.bincount(level[there], minlength=2 * bins).view(2, bins)


def _like(x: Tensor, y: Tensor, *arguments: object) -> tuple[Tensor, ...]:
    options = _Options(*arguments)  # type: ignore[arg-type]
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


def _gradient(grads: Sequence[Tensor], x: Tensor, y: Tensor, *arguments: object) -> list[Tensor]:
    """Run the tiles again for the softmax weights; the pairs picked by rank or by the caller are added one by one."""
    options = _Options(*arguments)  # type: ignore[arg-type]
    of_values, _, of_own, _, of_lse, _ = grads
    unit_x, unit_y = _unit(x), _unit(y)
    to_x, to_y = torch.zeros_like(unit_x), torch.zeros_like(unit_y)
    _, indices, _, _, lse, _ = _plain(x, y, *options._replace(bins=0))
    if options.lse:
        for tile in _tiles(x, y, options):
            softmax = (tile.cosine * options.scale - lse[tile.at, None]).masked_fill(~tile.kept, -torch.inf).exp()
            weight = options.scale * softmax * of_lse[tile.at, None]
            to_x[tile.at] += weight @ tile.y
            to_y[tile.first : tile.first + len(tile.y)] += weight.mT @ tile.x
    picked = [(indices[:, place], of_values[:, place]) for place in range(options.k)]
    if options.positive is not None:
        picked.append((options.positive.long(), of_own))
    for index, weight in picked:
        rows = (index >= 0).nonzero()[:, 0]
        to_x.index_add_(0, rows, weight[rows, None] * unit_y[index[rows]])
        to_y.index_add_(0, index[rows], weight[rows, None] * unit_x[rows])
    return [_through_length(x, unit_x, to_x), _through_length(y, unit_y, to_y)]


def _through_length(rows: Tensor, unit: Tensor, to_unit: Tensor) -> Tensor:
    """Gradient of the rows from that of the unit rows; below EPS a row is divided by a constant."""
    length = torch.linalg.vector_norm(rows.to(unit.dtype), dim=1, keepdim=True)
    radial = torch.where(length > EPS, torch.linalg.vecdot(unit, to_unit)[:, None] * unit, 0)
    gradient: Tensor = (to_unit - radial) / length.clamp_min(EPS)
    return gradient.to(rows.dtype)


def _fits(x: Tensor, y: Tensor, *arguments: object) -> bool:
    """Whether what the kernel keeps in registers fits there."""
    options = _Options(*arguments)  # type: ignore[arg-type]
    return keeps_precision(x, y) and options.k <= 64 and options.bins <= 512


_cross_stats = register(
    "cross_stats",
    "(Tensor x, Tensor y, int k, Tensor? positive, bool lse, float scale, Tensor? groups_x, Tensor? groups_y, "
    "bool exclude_self, bool exclude_same_group, int bins) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    _plain,
    _like,
    module="cross",
    fits=_fits,
    gradient=_gradient,
    wrt=(0, 1),
)
