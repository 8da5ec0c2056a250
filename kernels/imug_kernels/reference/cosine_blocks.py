# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment, a cache-sized block at a time, and their gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.dtypes import work_dtype
from imug_kernels.reference.chunking import Bucket, chunk_rows, equal_length_buckets
from imug_kernels.reference.lengths import radial_factor

# Largest number of cosines held at a time: one long segment is cut into blocks of rows.
BLOCK_ELEMENTS = 1 << 20


class Side(NamedTuple):
    """Rows of a bucket of segments; ``lengths`` are at least eps, ``valid`` is ``[1, n]`` where all rows are."""

    vectors: Tensor  # [b, n, D]
    lengths: Tensor  # [b, n]
    valid: Tensor  # [b, n] or [1, n]


class Block(NamedTuple):
    """Cosines of ``r`` consecutive rows of ``b`` equally long segments to all ``n`` rows of the same segments."""

    segments: Tensor  # [b] numbers of the segments
    rows: Tensor  # [b, r] packed numbers of the block's rows
    columns: Tensor  # [b, n] packed numbers of the rows they meet
    local_rows: Tensor  # [r] numbers of the rows within their segment
    left: Side  # the block's rows
    right: Side  # the rows they meet
    cosine: Tensor  # [b, r, n]

    @property
    def local_columns(self) -> Tensor:
        """Numbers ``[n]`` of the columns within their segment."""
        return torch.arange(self.columns.shape[1], device=self.columns.device)


def cosine_blocks(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, eps: float
) -> Iterator[Block]:
    """Yield the cosines of the rows of ``x`` with the rows of ``y`` of the same segment, every pair once."""
    same = y is x and valid_y is valid_x
    valid_y = drop_full_mask(valid_y)
    for (segments, columns), left in bucket_sides(x, offsets, valid_x, eps):
        right = left if same else _side(y, columns, valid_y, eps)
        step = max(1, BLOCK_ELEMENTS // columns.numel())
        local = torch.arange(columns.shape[1], device=x.device).expand_as(columns)
        cuts = (torch.split(tensor, step, 1) for tensor in (local, columns, left.vectors, left.lengths))
        for part, rows, vectors, lengths in zip(*cuts, strict=True):
            valid = left.valid[:, int(part[0, 0]) :][:, : part.shape[1]]
            cosine = vectors @ right.vectors.mT / (lengths[:, :, None] * right.lengths[:, None, :])
            yield Block(segments, rows, columns, part[0], Side(vectors, lengths, valid), right, cosine)


def bucket_sides(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Iterator[tuple[Bucket, Side]]:
    """Yield the rows of equally long segments, a chunk at a time."""
    valid = drop_full_mask(valid)
    for bucket in equal_length_buckets(offsets, chunk_rows(rows.shape[1])):
        yield bucket, _side(rows, bucket.rows, valid, eps)


def drop_full_mask(valid: Tensor | None) -> Tensor | None:
    """Return None for a mask that hides nothing, where the look costs no wait: rows need not be copied then."""
    return None if valid is not None and valid.device.type == "cpu" and bool(valid.all()) else valid


def _side(rows: Tensor, index: Tensor, mask: Tensor | None, eps: float) -> Side:
    vectors = rows.index_select(0, index.flatten()).view(*index.shape, -1).to(work_dtype(rows.device))
    valid = torch.ones_like(index[:1], dtype=torch.bool) if mask is None else mask[index]
    if mask is not None:
        # Zeros, and not just masked results: a NaN in an invalid row would reach the gradients of the others.
        vectors = vectors.masked_fill(~valid[:, :, None], 0)
    return Side(vectors, torch.linalg.vector_norm(vectors, dim=2).clamp_min(eps), valid)


def off_diagonal(block: Block) -> Tensor:
    """Return which columns are partners of which rows, ``[b or 1, r, n]``: both valid, and not the row itself."""
    different = block.local_rows[:, None] != block.local_columns
    return block.left.valid[:, :, None] & block.right.valid[:, None, :] & different


def add_block_backward(block: Block, weights: Tensor, eps: float, gradient: Tensor) -> None:
    """Add to ``gradient [N, D]`` what ``weights [b, r, n]``, the gradient of the block's cosines, makes of the rows."""
    left, right = block.left, block.right
    scaled = weights / (left.lengths[:, :, None] * right.lengths[:, None, :])
    along = weights * block.cosine
    for rows, own, other, scaled_own, along_own in (
        (block.rows, left, right, scaled, along.sum(2)),
        (block.columns, right, left, scaled.mT, along.sum(1)),
    ):
        radial = radial_factor(along_own, own.lengths, eps)[:, :, None] * own.vectors
        gradient.index_add_(0, rows.flatten(), (scaled_own @ other.vectors - radial).flatten(0, 1))
