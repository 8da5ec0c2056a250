# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment, a cache-sized block at a time, and their gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.dtypes import work_dtype
from imug_kernels.reference.chunking import DEVICE_ELEMENTS, Bucket, chunk_rows, equal_length_buckets, widened_chunks
from imug_kernels.reference.directions import directions, may_hold_any

# Largest number of cosines held at a time on a CPU: one long segment is cut into blocks of rows.
BLOCK_ELEMENTS = 1 << 20

# Segments with so many rows take longer to multiply than to read.
LONG = 16
# Rows and products in float32 begin at multiples of so many elements, that is of 64 bytes.
_ALIGNED = 16
# Rows no longer than this, and no shorter than its inverse, have squares and products that float32 holds.
_LONGEST = 1e15


class Side(NamedTuple):
    """Directions of the rows of a bucket of segments; either mask is ``[1, n]`` where it hides none of them."""

    unit: Tensor  # [b, n, D or more], zeros where a row is not known and beyond D
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
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, narrow: bool = False
) -> Iterator[Block]:
    """Yield the cosines of the rows of ``x`` with the rows of ``y`` of the same segment, every pair once.

    ``narrow``: rows of float32 or less on a CPU, ``y`` being ``x``, are multiplied in float32 if their segment is long.
    """
    same = y is x and valid_y is valid_x
    for (segments, columns), left in bucket_sides(x, offsets, valid_x, narrow):
        right = left if same else _side(y, columns, valid_y)
        elements = BLOCK_ELEMENTS if x.device.type == "cpu" else DEVICE_ELEMENTS
        step = max(1, elements // columns.numel())
        local = torch.arange(columns.shape[1], device=x.device)
        for part in torch.split(local, step):
            rows = slice(int(part[0]), int(part[0]) + len(part))
            side = Side(left.unit[:, rows], left.valid[:, rows], left.known[:, rows])
            yield Block(segments, columns[:, rows], columns, part, side, right, _products(side.unit, right.unit))


def bucket_sides(
    rows: Tensor, offsets: Tensor, valid: Tensor | None, narrow: bool = False
) -> Iterator[tuple[Bucket, Side]]:
    """Yield the rows of equally long segments, a chunk at a time."""
    max_rows = chunk_rows(rows.shape[1], rows.device) * (2 if narrow else 1)  # float32 is half as large
    lengths = _narrow_lengths(rows, max_rows) if narrow else None
    for bucket in equal_length_buckets(offsets, max_rows):
        for part, of_rows in _by_precision(bucket, lengths):
            yield part, _side(rows, part.rows, valid, of_rows)


def _narrow_lengths(rows: Tensor, max_rows: int) -> Tensor:
    chunks = widened_chunks(torch.split(rows, max_rows), torch.float32)
    return torch.cat([torch.linalg.vector_norm(chunk, dim=1) for chunk in chunks])


def _by_precision(bucket: Bucket, lengths: Tensor | None) -> Iterator[tuple[Bucket, Tensor | None]]:
    """Yield the segments that float32 is for, with the lengths of their rows, and the others, without.

    Each segment is judged by itself: an image that is absent elsewhere changes no bit of it.
    """
    if lengths is None or bucket.rows.shape[1] < LONG:
        yield bucket, None
        return
    of_rows = lengths[bucket.rows]
    fits = ((of_rows > 1 / _LONGEST) & (of_rows < _LONGEST)).all(1)
    for chosen in (fits, ~fits):
        if chosen.all():
            yield bucket, of_rows if chosen is fits else None
        elif chosen.any():
            yield Bucket(bucket.segments[chosen], bucket.rows[chosen]), of_rows[chosen] if chosen is fits else None


def _side(rows: Tensor, index: Tensor, mask: Tensor | None, lengths: Tensor | None = None) -> Side:
    vectors = rows.index_select(0, index.flatten()).view(*index.shape, -1)
    if lengths is None:
        unit, has_direction = directions(vectors.to(work_dtype(rows.device)), rows.dtype)
    else:
        unit, has_direction = _narrow_directions(vectors, lengths), torch.ones_like(index, dtype=torch.bool)
    valid = torch.ones_like(index[:1], dtype=torch.bool) if mask is None else _narrowed(mask[index])
    known = _narrowed(valid & has_direction)
    if mask is not None and may_hold_any(~valid):
        # Zeros, and not just masked results: an invalid row must not reach the gradients of the others.
        unit.masked_fill_(~valid[:, :, None], 0)
    return Side(unit, valid, known)


def _narrow_directions(vectors: Tensor, lengths: Tensor) -> Tensor:
    """Return directions in float32, each at a multiple of 64 bytes."""
    width = vectors.shape[-1]
    unit = vectors.new_empty(*lengths.shape, width + -width % _ALIGNED, dtype=torch.float32)
    unit[..., width:] = 0
    torch.mul(vectors.float(), (1 / lengths)[..., None], out=unit[..., :width])
    return unit


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Return ``[b, r, n]``; in float32 one segment at a time, as batched products may depend on the batch.

    Shapes are then those of the segment alone and all memory is aligned alike: so are the bits.
    """
    if left.dtype != torch.float32 or left.device.type != "cpu":
        return left @ right.mT
    columns = right.shape[1]
    product = left.new_empty(*left.shape[:2], columns + -columns % _ALIGNED)[..., :columns]
    for out, a, b in zip(product, left, right, strict=True):
        torch.mm(a, b.T, out=out)
    return product


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
