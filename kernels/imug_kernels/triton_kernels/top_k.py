# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The k largest cosines of each row, kept in registers while tiles of cosines go by, and merged over the splits."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def merge_top_k(values, indices, cosine, known, first, BLOCK_N: tl.constexpr):
    """Move into the K best [M, K] what the tile [M, N] has that is larger, one per row and round.

    Rounds go from the tile's largest cosine down, and among equals from the lowest column up. The best so far have
    lower row numbers, so an equal one never replaces them; of equal smallest ones the highest row number leaves.
    """
    column = tl.arange(0, BLOCK_N)
    rest = tl.where(known, cosine, float("-inf"))
    lowest = tl.min(values, 1)
    highest, place = tl.max(rest, axis=1, return_indices=True)
    while tl.sum(tl.where(highest > lowest, 1, 0)) > 0:
        enters = highest > lowest
        leaves = tl.max(tl.where(values == lowest[:, None], indices, -2147483647), axis=1)
        slot = enters[:, None] & (indices == leaves[:, None])
        values = tl.where(slot, highest[:, None], values)
        indices = tl.where(slot, (first + place)[:, None], indices)
        lowest = tl.min(values, 1)
        rest = tl.where(enters[:, None] & (column[None, :] == place[:, None]), float("-inf"), rest)
        highest, place = tl.max(rest, axis=1, return_indices=True)
    return values, indices


def merge_splits(values: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the best of all splits: sorted by row number, then stably by cosine, so that equals stay in order."""
    values, indices = values.transpose(0, 1).flatten(1), indices.transpose(0, 1).flatten(1).long()
    order = indices.argsort(dim=1, stable=True)
    values, indices = values.gather(1, order), indices.gather(1, order)
    order = values.argsort(dim=1, descending=True, stable=True)[:, :k]
    return values.gather(1, order), indices.gather(1, order)
