# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one launcher of the kernels that work on segments: a program owns a block of rows of one segment.

It meets all rows of the segment and alone writes what belongs to its own, so there are no atomics and no order that
could differ from call to call. A segment that fits a block is read once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_kernels.triton_kernels import settings
from imug_kernels.triton_kernels.numerics import dot_precision, needs_upcast


class SegmentBlocks(NamedTuple):
    """Which program works on which rows.

    The table is as long as the shapes allow it to become, with segment -1 where nothing is left to do: its true
    length is known to the device only, and asking would wait for it.
    """

    offsets: Tensor  # [S + 1]
    segment: Tensor  # [P] segment of each program, or -1
    start: Tensor  # [P] first row of its block
    begins: Tensor  # [S + 1] where the programs of each segment begin
    tile: settings.Settings


def segment_blocks(rows: Tensor, offsets: Tensor) -> SegmentBlocks:
    """Cut every segment into blocks of rows; there is at least one segment."""
    segments = len(offsets) - 1
    tile = settings.segment_tile(len(rows), segments, rows.dtype)
    block = tile["BLOCK_M"]
    counts = (offsets[1:] - offsets[:-1] + block - 1) // block
    begins = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    program = torch.arange(len(rows) // block + segments, device=offsets.device)
    segment = torch.searchsorted(begins[1:], program, right=True)
    existing = segment.clamp(max=segments - 1)
    start = offsets[existing] + (program - begins[existing]) * block
    return SegmentBlocks(offsets, torch.where(segment < segments, segment, -1), start, begins, tile)


def launch(kernel: Any, blocks: SegmentBlocks, x: Tensor, **arguments: Any) -> None:
    """Start a program for each block; ``arguments`` are the kernel's own, beside those that all of them have."""
    kernel[(len(blocks.segment),)](
        X=x, OFFSETS=blocks.offsets, SEGMENT=blocks.segment, START=blocks.start, D=x.shape[1],
        UPCAST=needs_upcast(x), PRECISION=dot_precision(x.dtype), **arguments, **blocks.tile,
    )  # fmt: skip
