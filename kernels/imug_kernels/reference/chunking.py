# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Work cut into pieces that fit a cache: chunks of rows, tiles of pairs, and segments of equal length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

# Elements worked on at a time on a CPU: 2 MiB in float64. Measured fastest among 2**13 to 2**20 with 1 MiB of L2 cache,
# where smaller chunks pay for launching and larger ones for memory.
CHUNK_ELEMENTS = 1 << 18

# Rows of x and of y whose pairs are held at a time: 16 MiB in float64, and 32 MiB where float32 is tried, or
# twice as much where it leaves too much open. Larger tiles measured no faster, as the product dominates.
TILE_X, TILE_Y = 512, 4096

# The same anywhere else, where every piece costs launches: 256 MiB in float64, and a handful of such at a time.
DEVICE_ELEMENTS = 1 << 25
DEVICE_TILE = 4096, 8192


class Bucket(NamedTuple):
    """Segments of equal length: ``segments [b]`` are their numbers, ``rows [b, n]`` the packed rows they own."""

    segments: Tensor
    rows: Tensor


def chunk_rows(width: int, device: torch.device) -> int:
    """Return how many rows of ``width`` elements are worked on at a time."""
    elements = CHUNK_ELEMENTS if device.type == "cpu" else DEVICE_ELEMENTS
    return max(1, elements // width)


def tile_shape(device: torch.device, narrow: bool = False) -> tuple[int, int]:
    """Return of how many rows of x and of y all pairs are worked on at a time; ``narrow``: on a CPU in float32."""
    if device.type != "cpu":
        return DEVICE_TILE
    # The fewer tiles a row has, the fewer of its cosines look for a moment as if they were among the largest.
    return TILE_X, 4 * TILE_Y if narrow else TILE_Y


def widened_chunks(chunks: Iterable[Tensor], dtype: torch.dtype) -> Iterator[Tensor]:
    """Yield chunks in ``dtype``; the first is the longest, and each is gone when the next comes.

    Those of another dtype share one buffer: fresh memory for every chunk costs up to ten times the arithmetic when the
    allocator gives it back to the system in between.
    """
    buffer = None
    for chunk in chunks:
        if chunk.dtype == dtype:
            yield chunk
            continue
        if buffer is None:
            buffer = torch.empty(chunk.shape, dtype=dtype, device=chunk.device)
        yield buffer[: len(chunk)].copy_(chunk)


def equal_length_buckets(offsets: Tensor, max_rows: int) -> list[Bucket]:
    """Group the non-empty segments by exact length, in buckets of at most ``max_rows`` rows (or one segment).

    Every row is in exactly one bucket. There are at most sqrt(2 N) distinct lengths, so work on the buckets needs
    neither padding nor a loop over segments. The lengths are read once, which on CUDA waits for the device.
    """
    lengths, order = (offsets[1:] - offsets[:-1]).sort(stable=True)
    distinct, counts = torch.unique_consecutive(lengths, return_counts=True)
    buckets = []
    for length, segments in zip(distinct.tolist(), torch.split(order, counts.tolist()), strict=True):
        if length == 0:
            continue
        within = torch.arange(length, device=offsets.device)
        for part in torch.split(segments, max(1, max_rows // length)):
            buckets.append(Bucket(part, offsets[part, None] + within))
    return buckets


def split_bucket(bucket: Bucket, max_rows: int) -> Iterator[Bucket]:
    """Yield a bucket in pieces of at most ``max_rows`` rows (or one segment)."""
    step = max(1, max_rows // bucket.rows.shape[1])
    return (Bucket(*part) for part in zip(*(torch.split(field, step) for field in bucket), strict=True))
