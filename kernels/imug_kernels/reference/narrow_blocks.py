# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment on a CPU, those of long segments from products in float32.

Which segments are is decided for each by itself, and each is multiplied alone, in memory that is aligned alike: no bit
depends on the other segments or on where the rows lie.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from imug_kernels.reference.chunking import Bucket, chunk_rows, equal_length_buckets, split_bucket, widened_chunks
from imug_kernels.reference.cosine_blocks import Block, block_elements, blocks, bucket_side, masked_side, side_blocks

# Segments with so many rows take longer to multiply than to read.
LONG = 16
# Rows and products in float32 begin at multiples of so many elements, that is of 64 bytes.
_ALIGNED = 16
# Rows no longer than this, and no shorter than its inverse, have squares and products that float32 holds.
_LONGEST = 1e15


def narrow_blocks(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Iterator[Block]:
    """Yield the cosines of the rows of each segment, every pair once."""
    max_rows = chunk_rows(max(rows.shape[1], _ALIGNED), rows.device)
    lengths = _lengths(rows, max_rows) if (offsets.diff() >= LONG).any() else rows.new_zeros(len(rows))
    for bucket in equal_length_buckets(offsets, 4 * max_rows):
        fits = _fits(lengths[bucket.rows])
        if fits.any():
            # So many that a segment is cut, if at all, where it is cut when it is alone.
            for part in split_bucket(_chosen(bucket, fits), block_elements(rows.device) // bucket.rows.shape[1]):
                yield from _divided_blocks(rows, part, valid, lengths)
        if not fits.all():
            for part in split_bucket(_chosen(bucket, ~fits), max_rows):
                side = bucket_side(rows, part, valid)
                yield from side_blocks(part, side, side)


def _chosen(bucket: Bucket, segments: Tensor) -> Bucket:
    return bucket if segments.all() else Bucket(bucket.segments[segments], bucket.rows[segments])


def _lengths(rows: Tensor, step: int) -> Tensor:
    chunks = widened_chunks(torch.split(rows, step), torch.float32)
    return torch.cat([torch.linalg.vector_norm(chunk.contiguous(), dim=1) for chunk in chunks])


def _fits(lengths: Tensor) -> Tensor:
    """Return which segments float32 is for, by the lengths ``[b, n]`` of their rows."""
    return ((lengths > 1 / _LONGEST) & (lengths < _LONGEST)).all(1) & (lengths.shape[1] >= LONG)


def _divided_blocks(rows: Tensor, bucket: Bucket, valid: Tensor | None, lengths: Tensor) -> Iterator[Block]:
    """Yield products of rows divided by products of their lengths."""
    segments = [_aligned(rows[first : first + bucket.rows.shape[1]]) for first in bucket.rows[:, 0].tolist()]
    inverse = 1 / lengths[bucket.rows]
    has_direction = torch.ones_like(bucket.rows, dtype=torch.bool)
    side = masked_side(inverse.new_empty(*inverse.shape, 0), bucket.rows, valid, has_direction)
    inverse = inverse * side.known

    def cosines(part: slice) -> Tensor:
        return _products(segments, part).mul_(inverse[:, part, None] * inverse[:, None, :])

    yield from blocks(bucket, side, side, cosines)


def _aligned(rows: Tensor) -> Tensor:
    """Return rows in float32, each at a multiple of 64 bytes: those given if they are, or else a copy with zeros."""
    beyond = -rows.shape[1] % _ALIGNED
    if rows.dtype == torch.float32 and rows.is_contiguous() and not beyond and rows.data_ptr() % (4 * _ALIGNED) == 0:
        return rows
    aligned = rows.new_zeros(len(rows), rows.shape[1] + beyond, dtype=torch.float32)
    aligned[:, : rows.shape[1]] = rows
    return aligned


def _products(segments: list[Tensor], part: slice) -> Tensor:
    """Return the products of some rows of each segment with all its rows, ``[b, r, n]``."""
    columns = len(segments[0])
    product = segments[0].new_empty(len(segments), len(segments[0][part]), columns + -columns % _ALIGNED)[..., :columns]
    for out, rows in zip(product, segments, strict=True):
        torch.mm(rows[part], rows.T, out=out)
    return product
