# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment, a cache-sized block at a time, and their gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.dtypes import work_dtype
from imug_kernels.reference.chunking import DEVICE_ELEMENTS, Bucket, chunk_rows, equal_length_buckets
from imug_kernels.reference.directions import directions, may_hold_any

# Largest number of cosines held at a time on a CPU: one long segment is cut into blocks of rows.
BLOCK_ELEMENTS = 1 << 20


class Side(NamedTuple):
    """Directions of the rows of a bucket of segments; either mask is ``[1, n]`` where it hides none of them."""

    unit: Tensor  # [b, n, D], zeros where a row is not known; [b, n, 0] where the products were divided instead
    valid: Tensor  # [b, n] or [1, n], as the caller says
    known: Tensor  # [b, n] or [1, n], valid and with a direction


class Block(NamedTuple):
    """Cosines of ``r`` consecutive rows of ``b`` equally long segments to all ``n`` rows of the same segments."""

    segments: Tensor  # [b] numbers of the segments
    rows: Tensor  # [b, r] packed numbers of the block's rows
    columns: Tensor  # [b, n] packed numbers of the rows they meet
    local_rows: Tensor  # [r] numbers of the rows within their segment
    left: Side  # the block's rows
    right: Side  # the rows they meet
    cosine: Tensor  # [b, r, n], 0 where either row is not known

    @property
    def local_columns(self) -> Tensor:
        """Numbers ``[n]`` of the columns within their segment."""
        return torch.arange(self.columns.shape[1], device=self.columns.device)


def cosine_blocks(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None
) -> Iterator[Block]:
    """Yield the cosines of the rows of ``x`` with the rows of ``y`` of the same segment, every pair once."""
    same = y is x and valid_y is valid_x
    for bucket, left in bucket_sides(x, offsets, valid_x):
        yield from side_blocks(bucket, left, left if same else bucket_side(y, bucket, valid_y))


def side_blocks(bucket: Bucket, left: Side, right: Side) -> Iterator[Block]:
    """Yield the cosines of one side of a bucket with the other."""

    def cosines(rows: slice) -> Tensor:
        return left.unit[:, rows] @ right.unit.mT

    yield from blocks(bucket, left, right, cosines)


def blocks(bucket: Bucket, left: Side, right: Side, cosines: Callable[[slice], Tensor]) -> Iterator[Block]:
    """Yield a bucket in blocks of so many rows as fit; ``cosines`` makes those of some rows, ``[b, r, n]``."""
    segments, columns = bucket
    local = torch.arange(columns.shape[1], device=columns.device)
    for part in torch.split(local, max(1, block_elements(columns.device) // columns.numel())):
        rows = slice(int(part[0]), int(part[0]) + len(part))
        side = Side(left.unit[:, rows], left.valid[:, rows], left.known[:, rows])
        yield Block(segments, columns[:, rows], columns, part, side, right, cosines(rows))


def block_elements(device: torch.device) -> int:
    """Return how many cosines are held at a time."""
    return BLOCK_ELEMENTS if device.type == "cpu" else DEVICE_ELEMENTS


def bucket_sides(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Iterator[tuple[Bucket, Side]]:
    """Yield the rows of equally long segments, a chunk at a time."""
    for bucket in equal_length_buckets(offsets, chunk_rows(rows.shape[1], rows.device)):
        yield bucket, bucket_side(rows, bucket, valid)


def bucket_side(rows: Tensor, bucket: Bucket, valid: Tensor | None) -> Side:
    """Return the directions of a bucket's rows."""
    index = bucket.rows
    vectors = rows.index_select(0, index.flatten()).view(*index.shape, -1).to(work_dtype(rows.device))
    unit, has_direction = directions(vectors, rows.dtype)
    side = masked_side(unit, index, valid, has_direction)
    if valid is not None and may_hold_any(~side.valid):
        # Zeros, and not just masked results: an invalid row must not reach the gradients of the others.
        unit.masked_fill_(~side.valid[:, :, None], 0)
    return side


def masked_side(unit: Tensor, index: Tensor, valid: Tensor | None, has_direction: Tensor) -> Side:
    """Return a side with its masks, both ``[1, n]`` where they hide nothing."""
    shown = torch.ones_like(index[:1], dtype=torch.bool) if valid is None else _narrowed(valid[index])
    return Side(unit, shown, _narrowed(shown & has_direction))


def _narrowed(mask: Tensor) -> Tensor:
    """Return ``mask [b, n]`` as ``[1, n]`` if it hides nothing: what is made of it is as much smaller."""
    return mask if may_hold_any(~mask) else mask[:1]


def off_diagonal(block: Block) -> Tensor:
    """Return which columns are partners of which rows, ``[b or 1, r, n]``: both known, and not the row itself."""
    return block.left.known[:, :, None] & block.right.known[:, None, :] & different(block)


def different(block: Block) -> Tensor:
    """Return which columns are not the row itself, ``[r, n]``."""
    return block.local_rows[:, None] != block.local_columns


def add_block_backward(block: Block, weights: Tensor, gradient: Tensor) -> None:
    """Add to ``gradient [N, D]``, that of the directions, what ``weights [b, r, n]``, that of the cosines, makes."""
    # No row is twice in a block: what is read, added to and written back is the sum, in an order that never changes.
    gradient[block.rows] += weights @ block.right.unit
    gradient[block.columns] += weights.mT @ block.left.unit
