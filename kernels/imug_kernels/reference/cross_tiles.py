# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles of the cosines of all pairs: in float64, and on a CPU in float32, with float64 for what that cannot decide.

A cosine of float32 is off by at most `error_bound`. A pair so close to what it is compared with that the bound leaves
the outcome open is computed again from its rows in float64. So every decision is that of float64, whatever the order in
which a matrix product adds, at the price of the product in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.dtypes import result_dtype
from imug_kernels.reference.chunking import chunk_rows, widened_chunks
from imug_kernels.reference.directions import Directions, directions, may_hold_any
from imug_kernels.reference.indices import existing, few_pairs, gathered_chunks
from imug_kernels.reference.top_k import EMPTY, lowest_cosine, pack, round_to_grid
from imug_kernels.tolerances import TIE

# Columns looked at beyond the k largest, for those that may belong to them as well: so many, and one for every four.
_SPARE, _EVERY = 4, 4
# Of so many pairs one may be open: an open pair costs as much as a row of 30 in a product of float64.
_OPEN = 32


def error_bound(width: int) -> float:
    """Return a bound for the error of a cosine in float32, with room for a comparison in float32.

    With u = 2**-24 and the sum of |x_i y_i| of unit rows at most 1 (Cauchy and Schwarz): rounding both directions to
    float32 costs 2 u; a sum of D products, fused or not and in any order, D u / (1 - D u), less than 1.001 D u for the
    widest rows; rounding to the grid u / 2. The comparisons, of numbers below 2, cost a few u more.
    """
    return 1.001 * (width + 16) * 2.0**-24


class Side:
    """Rows ``[a, D]`` of one side of a tile, and what is made of them when it is asked for."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    @cached_property
    def directions(self) -> Directions:
        """Directions in the precision of the result."""
        return directions(self.rows.to(result_dtype(self.rows.device), copy=True), self.rows.dtype)

    @cached_property
    def narrow(self) -> tuple[Tensor, Tensor]:
        """Directions in float32, zeros where there is none, and lengths in float64, NaN there."""
        unit = torch.empty(self.rows.shape, dtype=torch.float32)
        lengths = torch.empty(len(self.rows), dtype=torch.float64)
        step = chunk_rows(self.rows.shape[1], self.rows.device)
        chunks = widened_chunks(torch.split(self.rows, step), torch.float64)
        for part, length, rows in zip(torch.split(unit, step), torch.split(lengths, step), chunks, strict=True):
            torch.linalg.vector_norm(rows, dim=1, out=length)  # of float32, whose squares float64 holds
            length.masked_fill_((length == 0) | length.isinf(), torch.nan)
            torch.mul(rows, 1 / length[:, None], out=rows)
            part.copy_(rows)
        unknown = lengths.isnan()
        return (unit.masked_fill_(unknown[:, None], 0) if unknown.any() else unit), lengths


class Tile(NamedTuple):
    """Pairs of the rows of ``x`` in slice ``rows`` with those of ``y`` in slice ``columns``, ``[a, b]``."""

    rows: slice
    columns: slice
    x: Side
    y: Side
    left_out: Tensor | None
    same_group: Tensor | None

    def cosine(self) -> Tensor:
        """Return the cosines on the grid: NaN where either row has no direction, -inf where a pair is left out."""
        (unit_x, known_x), (unit_y, known_y) = self.x.directions, self.y.directions
        return self.marked(round_to_grid(unit_x @ unit_y.mT), known_x, known_y)

    def marked(self, cosine: Tensor, known_x: Tensor, known_y: Tensor) -> Tensor:
        """Write NaN and -inf into ``cosine``."""
        if may_hold_any(~known_x) or may_hold_any(~known_y):
            cosine.masked_fill_(~(known_x[:, None] & known_y), torch.nan)
        return cosine if self.left_out is None else cosine.masked_fill_(self.left_out, -torch.inf)


class TooManyOpenError(Exception):
    """So many pairs of a tile are open that it is made in float64 in less time."""


class NarrowTile:
    """The cosines of a tile in float32; what is asked of them is answered as by those of float64, or not at all."""

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        (unit_x, lengths_x), (unit_y, lengths_y) = tile.x.narrow, tile.y.narrow
        self.cosine = tile.marked(unit_x @ unit_y.mT, ~lengths_x.isnan(), ~lengths_y.isnan())
        self.has_nan = bool(lengths_x.isnan().any() or lengths_y.isnan().any())
        self.bound = error_bound(unit_x.shape[1])

    def top_codes(self, codes: Tensor) -> Tensor:
        """Return codes of the k largest cosines of each row, as far as they may be among the k of ``codes``.

        k cosines are no smaller than the k-th largest here. So that of float64 is smaller by no more than the bound,
        and a cosine that reaches it is smaller here by no more than twice the bound.
        """
        k, width = codes.shape[1], self.cosine.shape[1]
        cosine = self.cosine.nan_to_num(-torch.inf, neginf=-torch.inf) if self.has_nan else self.cosine
        values, columns = cosine.topk(min(k + _SPARE + k // _EVERY, width))
        least = values[:, min(k, width) - 1] - 2 * self.bound
        least = torch.maximum(least, lowest_cosine(codes).float() - self.bound)
        is_open = (values >= least[:, None]) & values.isfinite()
        if values.shape[1] < width and is_open[:, -1].any():
            raise TooManyOpenError
        most = int(is_open.sum(1).max())  # those that are open come first
        columns = columns[:, :most]
        found = pack(self._exact_of_rows(columns), columns + self.tile.columns.start)
        return torch.where(is_open[:, :most], found, EMPTY)

    def count_ahead(self, own: Tensor, positive: Tensor) -> Tensor:
        """Return how many other rows are closer than the positive and how many as close, ``[2, a]``."""
        ahead = self.cosine - own[:, None].float()  # which are on the grid, and float32 holds that
        reach = TIE + self.bound
        greater = (ahead > reach).sum(1, dtype=torch.int32).long()
        near = ahead.abs_() <= reach
        column = positive - self.tile.columns.start
        (with_positive,) = existing(column, near.shape[1]).nonzero(as_tuple=True)
        near[with_positive, column[with_positive]] = False
        row, column = self._open(near)
        exact = self._exact(row, column) - own[row]
        greater += torch.bincount(row[exact > TIE], minlength=len(own))
        return torch.stack([greater, torch.bincount(row[exact.abs() <= TIE], minlength=len(own))])

    def bins(self, bin_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Return in which bin of a histogram each cosine is."""
        found = bin_of(self.cosine - self.bound)
        pairs = self._open(bin_of(self.cosine + self.bound) != found)
        found[pairs] = bin_of(self._exact(*pairs))
        return found

    def _open(self, mask: Tensor) -> tuple[Tensor, ...]:
        pairs = few_pairs(mask, mask.numel() // _OPEN)
        if pairs is None:
            raise TooManyOpenError
        return pairs

    def _exact(self, row: Tensor, column: Tensor) -> Tensor:
        """Return the cosines of pairs in float64, on the grid."""
        (_, lengths_x), (_, lengths_y) = self.tile.x.narrow, self.tile.y.narrow
        x, y = self.tile.x.rows, self.tile.y.rows
        step = max(1, chunk_rows(x.shape[1], x.device) // 2)  # so that both sides fit the cache
        product = torch.empty(len(row), dtype=torch.float64)
        sides = (
            widened_chunks(gathered_chunks(rows, index, step), product.dtype) for rows, index in ((x, row), (y, column))
        )
        for out, a, b in zip(torch.split(product, step), *sides, strict=True):
            torch.sum(a.mul_(b), 1, out=out)
        return round_to_grid(product / (lengths_x[row] * lengths_y[column]))

    def _exact_of_rows(self, columns: Tensor) -> Tensor:
        """Return the same of the columns ``[a, c]`` of each row, for which the row is read once."""
        (_, lengths_x), (_, lengths_y) = self.tile.x.narrow, self.tile.y.narrow
        x, y = self.tile.x.rows, self.tile.y.rows
        step = max(1, chunk_rows(x.shape[1], x.device) // max(1, columns.shape[1]))
        product = torch.empty(columns.shape, dtype=torch.float64)
        chunks = (y.index_select(0, part.flatten()) for part in torch.split(columns, step))
        sides = (widened_chunks(side, product.dtype) for side in (torch.split(x, step), chunks))
        for out, a, b in zip(torch.split(product, step), *sides, strict=True):
            torch.sum(b.view(*out.shape, x.shape[1]).mul_(a[:, None]), 2, out=out)
        return round_to_grid(product / (lengths_x[:, None] * lengths_y[columns]))
