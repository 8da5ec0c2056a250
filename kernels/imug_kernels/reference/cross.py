# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `cross_stats`: tiles of cosines, each reduced before the next is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_kernels.checks import check_index_values
from imug_kernels.dtypes import fits_narrow, result_dtype
from imug_kernels.reference.chunking import tile_shape
from imug_kernels.reference.cross_tiles import NarrowTile, Side, Tile, TooManyOpenError
from imug_kernels.reference.directions import directions_backward
from imug_kernels.reference.indices import existing
from imug_kernels.reference.paired import wide_cosine
from imug_kernels.reference.top_k import decode_top_k, empty_top_k, merge_codes, merge_top_k, round_to_grid
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


class _Found(NamedTuple):
    """What the tiles so far gave; a field that was not asked for is empty."""

    codes: Tensor  # of the k largest [N, k]
    own: Tensor  # cosines to the positives [N]
    counts: Tensor  # [2, N]
    lse: Tensor  # [N]
    histograms: Tensor  # [2, bins]


def cross_stats(x: Tensor, y: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """Return values, indices, cosines to the positives, greater and equal counts, log-sum-exps and histograms."""
    options = CrossOptions(*arguments)
    check_index_values("positive", options.positive, y)
    found = _nothing(x, y, options)
    narrow = fits_narrow(x, y)
    for tile in _tiles(x, y, options, narrow):
        narrow = narrow and _add_narrow(found, tile, options)
        if not narrow:
            _add_wide(found, tile, options)
    values, indices = decode_top_k(found.codes, result_dtype(x.device))
    return values, indices, found.own, found.counts, found.lse, found.histograms


def _nothing(x: Tensor, y: Tensor, options: CrossOptions) -> _Found:
    rows, dtype, device = len(x), result_dtype(x.device), x.device
    ranked, summed = rows * (options.positive is not None), rows * options.lse
    return _Found(
        empty_top_k(rows, options.k, device),
        x.new_empty(0, dtype=dtype) if options.positive is None else _positive_cosine(x, y, options.positive),
        torch.zeros(2, ranked, dtype=torch.int64, device=device),
        torch.full((summed,), -torch.inf, dtype=dtype, device=device),
        torch.zeros(2, options.bins, dtype=torch.int64, device=device),
    )


def _tiles(x: Tensor, y: Tensor, options: CrossOptions, narrow: bool = False) -> Iterator[Tile]:
    """Yield all pairs; the rows of ``y`` are the outer loop, so that the larger tile is divided by its lengths once."""
    size_x, size_y = tile_shape(x.device, narrow)
    for columns in _slices(len(y), size_y):
        side_y = Side(y[columns])
        for rows in _slices(len(x), size_x):
            left_out = same_group = None
            if options.exclude_self:
                left_out = _range(rows, x)[:, None] == _range(columns, x)
            if options.groups_x is not None and options.groups_y is not None:
                same_group = options.groups_x[rows, None] == options.groups_y[columns]
                if options.exclude_same_group:
                    left_out = same_group if left_out is None else left_out | same_group
            yield Tile(rows, columns, Side(x[rows]), side_y, left_out, same_group)


def _slices(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def _range(part: slice, like: Tensor) -> Tensor:
    return torch.arange(part.start, part.stop, device=like.device)


def _positive_cosine(x: Tensor, y: Tensor, positive: Tensor) -> Tensor:
    if len(y) == 0:
        return torch.full((len(x),), torch.nan, dtype=result_dtype(x.device), device=x.device)
    cosine = round_to_grid(wide_cosine(x, y, None, positive)).to(result_dtype(x.device))
    return cosine.masked_fill_(~existing(positive, len(y)), torch.nan)


def _add_wide(found: _Found, tile: Tile, options: CrossOptions) -> None:
    cosine = tile.cosine()
    if options.k:
        found.codes[tile.rows] = merge_top_k(found.codes[tile.rows], cosine, tile.columns.start)
    if options.positive is not None:
        found.counts[:, tile.rows] += _count_ahead(tile, cosine, found.own[tile.rows], options.positive[tile.rows])
    if options.lse:
        _add_lse(found, tile, cosine, options.scale)
    if options.bins:
        found.histograms.add_(_histograms(tile, cosine, _bins(cosine, options.bins), options.bins))


def _count_ahead(tile: Tile, cosine: Tensor, own: Tensor, positive: Tensor) -> Tensor:
    """Return how many other rows are closer than the positive and how many as close, ``[2, a]``."""
    other = _range(tile.columns, own) != positive[:, None]
    ahead = cosine - own[:, None]
    return torch.stack([((ahead > TIE) & other).sum(1), ((ahead.abs() <= TIE) & other).sum(1)])


def _add_narrow(found: _Found, tile: Tile, options: CrossOptions) -> bool:
    """Add the same from cosines in float32; False, and nothing is added, where they leave too much open."""
    narrow = NarrowTile(tile)
    try:
        codes = narrow.top_codes(found.codes[tile.rows]) if options.k else None
        counts = (
            None if options.positive is None else narrow.count_ahead(found.own[tile.rows], options.positive[tile.rows])
        )
        bins = narrow.bins(partial(_bins, bins=options.bins)) if options.bins else None
    except TooManyOpenError:
        return False
    if codes is not None:
        found.codes[tile.rows] = merge_codes(found.codes[tile.rows], codes)
    if counts is not None:
        found.counts[:, tile.rows] += counts
    if bins is not None:
        found.histograms.add_(_histograms(tile, narrow.cosine, bins, options.bins))
    if options.lse:
        _add_lse(found, tile, narrow.cosine, options.scale)
    return True


def _add_lse(found: _Found, tile: Tile, cosine: Tensor, scale: float) -> None:
    found.lse[tile.rows] = torch.logaddexp(found.lse[tile.rows], _log_sum_exp(tile, cosine, scale))


def _log_sum_exp(tile: Tile, cosine: Tensor, scale: float) -> Tensor:
    """Return the logarithm of the sum for each row of a tile; differences are scaled, as they are exact in float32."""
    signed = cosine if scale >= 0 else _left_out(tile, -cosine)
    top = signed.amax(1).clamp_min_(-1)
    terms = _left_out(tile, (signed - top[:, None]).mul_(abs(scale))).exp_().sum(1)
    return terms.to(result_dtype(cosine.device)).log_() + abs(scale) * top


def _left_out(tile: Tile, scaled: Tensor) -> Tensor:
    """Return scaled cosines with -inf for the pairs that are left out."""
    return scaled if tile.left_out is None else scaled.masked_fill_(tile.left_out, -torch.inf)


def _bins(cosine: Tensor, bins: int) -> Tensor:
    return ((cosine.nan_to_num(0, 0, 0) + 1) * (bins / 2)).long().clamp_(0, bins - 1)


def _histograms(tile: Tile, cosine: Tensor, bin_of: Tensor, bins: int) -> Tensor:
    """Return counts ``[2, bins]`` of pairs in one group and of pairs in two."""
    assert tile.same_group is not None
    bin_of = torch.where(tile.same_group, bin_of, bin_of + bins)
    return torch.bincount(bin_of[cosine.isfinite()], minlength=2 * bins).view(2, bins)


def cross_stats_backward(grads: Sequence[Tensor], x: Tensor, y: Tensor, *arguments: Any) -> list[Tensor]:
    """Return the gradients of ``x`` and ``y``.

    The tiles are made again for the softmax weights; the pairs picked by rank or by the caller are added one by one.
    """
    options = CrossOptions(*arguments)
    of_values, _, of_own, _, of_lse, _ = grads
    unit_x, unit_y = Side(x).directions, Side(y).directions
    to_x, to_y = torch.zeros_like(unit_x.unit), torch.zeros_like(unit_y.unit)
    _, indices, _, _, lse, _ = cross_stats(x, y, *options._replace(bins=0))
    if options.lse:
        for tile in _tiles(x, y, options):
            softmax = _left_out(tile, tile.cosine() * options.scale - lse[tile.rows, None]).exp_()
            weight = options.scale * softmax * of_lse[tile.rows, None]
            weight.masked_fill_(weight.isnan(), 0)  # an unknown log-sum-exp has no gradient
            to_x[tile.rows] += weight @ tile.y.directions.unit
            to_y[tile.columns] += weight.mT @ tile.x.directions.unit
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
