# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment in plain PyTorch, a cache-sized block at a time, and their gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.chunking import CHUNK_ELEMENTS, work_dtype
from imug_kernels.segments import equal_length_buckets

# Largest number of cosines held at a time: one long segment is cut into blocks of rows.
BLOCK_ELEMENTS = 1 << 20


class Side(NamedTuple):
    """Rows of a bucket of segments; ``lengths`` are at least eps, ``valid`` is ``[1, n]`` where all rows are."""

    vectors: Tensor  # [b, n, D]
    lengths: Tensor  # [b, n]
    valid: Tensor  # [b, n] or [1, n]


def side(rows: Tensor, valid: Tensor | None, index: Tensor, eps: float) -> Side:
    """Return ``rows [b * n, D]``, those numbered ``index [b, n]``, as one side of a block."""
    vectors = rows.view(*index.shape, -1).to(work_dtype(rows.device))
    usable = torch.ones_like(index[:1], dtype=torch.bool) if valid is None else valid[index]
    if valid is not None:
        # Zeros, and not just masked results: a NaN in an invalid row would reach the gradients of the others.
        vectors = vectors.masked_fill(~usable[:, :, None], 0)
    return Side(vectors, torch.linalg.vector_norm(vectors, dim=2).clamp_min(eps), usable)


class Block(NamedTuple):
    """Cosines of ``r`` consecutive rows of ``b`` equally long segments to all ``n`` rows of the same segments."""

    segments: Tensor  # [b] numbers of the segments
    rows: Tensor  # [b, r] packed numbers of the block's rows
    columns: Tensor  # [b, n] packed numbers of the rows they meet
    at: Tensor  # [r] place of the rows in their segment
    left: Side  # the block's rows
    right: Side  # the rows they meet
    cosine: Tensor  # [b, r, n]


def cosine_blocks(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, eps: float
) -> Iterator[Block]:
    """Yield the cosines of the rows of ``x`` with the rows of ``y`` of the same segment, every pair once."""
    same = y is x and valid_y is valid_x
    valid_x, valid_y = unless_all(valid_x), unless_all(valid_y)
    for segments, columns in equal_length_buckets(offsets, max(1, CHUNK_ELEMENTS // x.shape[1])):
        left = side(x.index_select(0, columns.flatten()), valid_x, columns, eps)
        right = left if same else side(y.index_select(0, columns.flatten()), valid_y, columns, eps)
        step = max(1, BLOCK_ELEMENTS // columns.numel())
        at = torch.arange(columns.shape[1], device=x.device).expand_as(columns)
        cuts = (torch.split(tensor, step, 1) for tensor in (at, columns, left.vectors, left.lengths))
        for part, rows, vectors, lengths in zip(*cuts, strict=True):
            usable = left.valid[:, int(part[0, 0]) :][:, : part.shape[1]]
            cosine = vectors @ right.vectors.mT / (lengths[:, :, None] * right.lengths[:, None, :])
            yield Block(segments, rows, columns, part[0], Side(vectors, lengths, usable), right, cosine)


def unless_all(valid: Tensor | None) -> Tensor | None:
    """Return None for a mask that hides nothing, where the look costs no wait: rows need not be copied then."""
    return None if valid is not None and valid.device.type == "cpu" and bool(valid.all()) else valid


def others(block: Block) -> Tensor:
    """Return which columns are usable partners of which rows, ``[b or 1, r, n]``: valid, and not the row itself."""
    place = torch.arange(block.columns.shape[1], device=block.at.device)
    different = block.at[:, None] != place
    return block.left.valid[:, :, None] & block.right.valid[:, None, :] & different


def pull_back(block: Block, weights: Tensor, eps: float, gradient: Tensor) -> None:
    """Add to ``gradient [N, D]`` what ``weights [b, r, n]``, the gradient of the block's cosines, makes of the rows."""
    left, right = block.left, block.right
    scaled = weights / (left.lengths[:, :, None] * right.lengths[:, None, :])
    turning = weights * block.cosine
    for rows, own, other, pull, shrink in (
        (block.rows, left, right, scaled, turning.sum(2)),
        (block.columns, right, left, scaled.mT, turning.sum(1)),
    ):
        # A row shorter than eps is divided by a constant: its direction may change its length.
        shrink = torch.where(own.lengths > eps, shrink / own.lengths**2, 0)
        values = pull @ other.vectors - shrink[:, :, None] * own.vectors
        gradient.index_add_(0, rows.flatten(), values.flatten(0, 1))


def zeros(like: Tensor, *shape: int) -> Tensor:
    """Return zeros in working precision on the device of ``like``."""
    return torch.zeros(shape, dtype=work_dtype(like.device), device=like.device)
