# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `cross_stats`: tiles of cosines, each reduced before the next is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_kernels.checks import check_index_values
from imug_kernels.dtypes import result_dtype
from imug_kernels.reference import chunking
from imug_kernels.reference.directions import Directions, directions, directions_backward, may_hold_any
from imug_kernels.reference.indices import existing, gather_rows
from imug_kernels.reference.top_k import decode_top_k, empty_top_k, merge_top_k, round_to_grid
from imug_kernels.tolerances import TIE


class CrossOptions(NamedTuple):
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
    """Cosines ``[a, b]`` of the rows of ``x`` in slice ``rows`` to those of ``y`` in slice ``columns``."""

    rows: slice
    columns: slice
    x: Tensor  # directions [a, D]
    y: Tensor  # directions [b, D]
    cosine: Tensor  # NaN where either row has no direction
    mask: Tensor  # False where a pair is left out
    same_group: Tensor | None


def cross_stats(x: Tensor, y: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """Return values, indices, cosines to the positives, greater and equal counts, log-sum-exps and histograms."""
    options = CrossOptions(*arguments)
    check_index_values("positive", options.positive, y)
    rows, dtype, device = len(x), result_dtype(x.device), x.device
    ranked, summed = rows * (options.positive is not None), rows * options.lse
    codes = empty_top_k(rows, options.k, device)
    own = x.new_empty(0, dtype=dtype) if options.positive is None else _positive_cosine(x, y, options.positive)
    counts = torch.zeros(2, ranked, dtype=torch.int64, device=device)
    lse = torch.full((summed,), -torch.inf, dtype=dtype, device=device)
    histograms = torch.zeros(2, options.bins, dtype=torch.int64, device=device)
    for tile in _tiles(x, y, options):
        if options.k:
            codes[tile.rows] = merge_top_k(codes[tile.rows], tile.cosine, tile.mask, tile.columns.start)
        if options.positive is not None:
            counts[:, tile.rows] += _count_ahead(tile, own[tile.rows], options.positive[tile.rows])
        if options.lse:
            part = (tile.cosine * options.scale).masked_fill(~tile.mask, -torch.inf).logsumexp(1)
            lse[tile.rows] = torch.logaddexp(lse[tile.rows], part)
        if options.bins:
            histograms += _histograms(tile, options.bins)
    return *decode_top_k(codes, dtype), own, counts, lse, histograms


def _directions(rows: Tensor) -> Directions:
    return directions(rows.to(result_dtype(rows.device), copy=True), rows.dtype)


def _tiles(x: Tensor, y: Tensor, options: CrossOptions) -> Iterator[_Tile]:
    """Yield all pairs; the rows of ``y`` are the outer loop, so that the larger tile is divided by its lengths once."""
    for columns in _slices(len(y), chunking.TILE_Y):
        unit_y, known_y = _directions(y[columns])
        for rows in _slices(len(x), chunking.TILE_X):
            unit_x, known_x = _directions(x[rows])
            cosine = round_to_grid(unit_x @ unit_y.mT)
            if may_hold_any(~known_x) or may_hold_any(~known_y):
                cosine.masked_fill_(~(known_x[:, None] & known_y), torch.nan)
            mask = torch.ones_like(cosine, dtype=torch.bool)
            if options.exclude_self:
                mask &= _range(rows, x)[:, None] != _range(columns, x)
            same_group = None
            if options.groups_x is not None and options.groups_y is not None:
                same_group = options.groups_x[rows, None] == options.groups_y[columns]
                if options.exclude_same_group:
                    mask &= ~same_group
            yield _Tile(rows, columns, unit_x, unit_y, cosine, mask, same_group)


def _slices(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def _range(part: slice, like: Tensor) -> Tensor:
    return torch.arange(part.start, part.stop, device=like.device)


def _positive_cosine(x: Tensor, y: Tensor, positive: Tensor) -> Tensor:
    if len(y) == 0:
        return torch.full((len(x),), torch.nan, dtype=result_dtype(x.device), device=x.device)
    parts = []
    for rows, index in zip(*(torch.split(part, chunking.TILE_X) for part in (x, positive)), strict=True):
        sides = _directions(rows), _directions(gather_rows(y, index))
        known = sides[0].known & sides[1].known & existing(index, len(y))
        parts.append(torch.linalg.vecdot(sides[0].unit, sides[1].unit).masked_fill(~known, torch.nan))
    return round_to_grid(torch.cat(parts))


def _count_ahead(tile: _Tile, own: Tensor, positive: Tensor) -> Tensor:
    """Return how many other rows are closer than the positive and how many as close, ``[2, a]``."""
    other = tile.mask & (_range(tile.columns, own) != positive[:, None])
    ahead = tile.cosine - own[:, None]
    return torch.stack([((ahead > TIE) & other).sum(1), ((ahead.abs() <= TIE) & other).sum(1)])


def _histograms(tile: _Tile, bins: int) -> Tensor:
    """Return counts ``[2, bins]`` of pairs in one group and of pairs in two."""
    assert tile.same_group is not None
    bin_of = ((tile.cosine.nan_to_num(0) + 1) * (bins / 2)).long().clamp_(0, bins - 1)
    bin_of = torch.where(tile.same_group, bin_of, bin_of + bins)
    return torch.bincount(bin_of[tile.mask & ~tile.cosine.isnan()], minlength=2 * bins).view(2, bins)


def cross_stats_backward(grads: Sequence[Tensor], x: Tensor, y: Tensor, *arguments: Any) -> list[Tensor]:
    """Return the gradients of ``x`` and ``y``.

    The tiles are made again for the softmax weights; the pairs picked by rank or by the caller are added one by one.
    """
    options = CrossOptions(*arguments)
    of_values, _, of_own, _, of_lse, _ = grads
    unit_x, unit_y = _directions(x), _directions(y)
    to_x, to_y = torch.zeros_like(unit_x.unit), torch.zeros_like(unit_y.unit)
    _, indices, _, _, lse, _ = cross_stats(x, y, *options._replace(bins=0))
    if options.lse:
        for tile in _tiles(x, y, options):
            softmax = (tile.cosine * options.scale - lse[tile.rows, None]).masked_fill(~tile.mask, -torch.inf).exp()
            weight = options.scale * softmax * of_lse[tile.rows, None]
            weight.masked_fill_(~(tile.mask & ~weight.isnan()), 0)  # an unknown log-sum-exp has no gradient
            to_x[tile.rows] += weight @ tile.y
            to_y[tile.columns] += weight.mT @ tile.x
    picked = [(indices[:, column], of_values[:, column]) for column in range(options.k)]
    if options.positive is not None:
        picked.append((options.positive.long(), of_own))
    for index, weight in picked if len(y) else ():
        row = index.clamp(0, len(y) - 1)
        asked = existing(index, len(y)) & unit_x.known & unit_y.known[row] & (weight != 0)
        weight = weight.masked_fill(~asked, 0)[:, None]
        to_x += weight * unit_y.unit[row]
        to_y.index_put_((row,), weight * unit_x.unit, accumulate=True)  # in order on every device, unlike index_add
    return [directions_backward(x, to_x), directions_backward(y, to_y)]
