# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How the rows of segments are dealt to programs, and the one launcher of the kernels that work on them.

A program owns some rows, meets all rows of their segments and alone writes what belongs to its own, so there are no
atomics and no order that could differ from call to call. There are two ways to deal rows out:

- By segment: a program owns a block of rows of one segment. Short segments leave rows of the block unused.
- Packed: a program owns the rows of ``PACKED`` places, whatever segments they are of. A segment that is short enough to
  end within the block belongs whole to the place where it begins, so that its rows are read once; a longer one is cut.

Where each program begins is found on the device, since nothing here may wait to learn the lengths of segments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels import settings
from imug_kernels.triton_kernels.numerics import dot_precision, needs_upcast

# Programs that one program of the table looks up at a time, and offsets that a packed program looks at.
LOOKED_UP, OFFSETS_AT_ONCE = 128, tl.constexpr(32)

# An offset behind all others, and what a distance of rows is cut to.
_BEYOND, _FAR = tl.constexpr(1 << 62), tl.constexpr((1 << 31) - 1)


class SegmentBlocks(NamedTuple):
    """Which program works on which rows.

    The table is as long as the shapes allow it to become, with segment -1 where nothing is left to do.
    """

    offsets: Tensor  # [S + 1]
    segment: Tensor  # [P] segment of each program, or -1; packed: the one in which its first place lies
    start: Tensor  # [P + 1] first row of its block; packed, the next program's is the first behind it
    tile: settings.Settings

    @property
    def programs(self) -> int:
        """Number P of programs."""
        return len(self.segment)

    def begins(self) -> Tensor:
        """Where the programs of each segment begin, [S + 1], if rows are dealt out by segment."""
        number = torch.arange(len(self.offsets), device=self.offsets.device)
        return torch.add(self.offsets // self.tile["BLOCK_M"], number)


@triton.jit
def _blocks_kernel(
    OFFSETS, SEGMENT, START, segments, rows, programs, steps,
    PACKED: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_P: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64) * BLOCK_P + tl.arange(0, BLOCK_P)
    # By segment, no segment takes more programs than lie from offset // BLOCK_M + its number to that of the next.
    wanted = program
    if PACKED:
        wanted = tl.minimum(program * PACKED, rows)
    low = tl.zeros((BLOCK_P,), tl.int64)
    high = low + segments
    for _ in range(steps):
        middle = (low + high) // 2
        place = tl.load(OFFSETS + middle)
        if PACKED == 0:
            place = place // BLOCK_M + middle
        low = tl.where(place <= wanted, middle, low)
        high = tl.where(place <= wanted, high, middle)
    first = tl.load(OFFSETS + low)
    end = tl.load(OFFSETS + low + 1)
    if PACKED:
        is_whole = end - first <= BLOCK_M - PACKED + 1
        start = tl.where((first < wanted) & is_whole, end, wanted)
        segment = low
    else:
        start = first + (program - first // BLOCK_M - low) * BLOCK_M
        segment = tl.where(start < end, low, -1)
    tl.store(SEGMENT + program, segment, mask=program < programs)
    tl.store(START + program, start, mask=program <= programs)


def segment_blocks(kernel: str, rows: Tensor, offsets: Tensor) -> SegmentBlocks:
    """Deal the rows of segments out to the programs of a kernel; there is at least one row and one segment."""
    segments = len(offsets) - 1
    tile = settings.segment_tile(kernel, rows, segments)
    block, packed = tile["BLOCK_M"], tile["PACKED"]
    programs = triton.cdiv(len(rows), packed) if packed else len(rows) // block + segments
    segment, start = (torch.empty(n, dtype=torch.int64, device=offsets.device) for n in (programs, programs + 1))
    _blocks_kernel[(triton.cdiv(programs + 1, LOOKED_UP),)](
        offsets, segment, start, segments, len(rows), programs, segments.bit_length(),
        PACKED=packed, BLOCK_M=block, BLOCK_P=LOOKED_UP,
    )  # fmt: skip
    return SegmentBlocks(offsets, segment, start, tile)


def launch(kernel: Any, blocks: SegmentBlocks, x: Tensor, **arguments: Any) -> None:
    """Start a program for each block; ``arguments`` are the kernel's own, beside those that all of them have."""
    tile = {name: value for name, value in blocks.tile.items() if name in kernel.arg_names or name.startswith("num_")}
    kernel[(blocks.programs,)](
        X=x, OFFSETS=blocks.offsets, SEGMENT=blocks.segment, START=blocks.start, D=x.shape[1],
        UPCAST=needs_upcast(x), PRECISION=dot_precision(x.dtype), **arguments, **tile,
    )  # fmt: skip


@triton.jit
def program_rows(OFFSETS, START, segment, segments, PACKED: tl.constexpr, BLOCK_M: tl.constexpr):
    """First row of a program and the first behind its rows; first row that they meet and the first behind these.

    And the row that local numbers are counted from, and by these the first row of the segment of each row, int32
    `[M, 1]`. By segment that is 0 for all.
    """
    begin = tl.load(START + tl.program_id(0))
    if PACKED:
        end = tl.load(START + tl.program_id(0) + 1)
        origin = begin
        local = tl.arange(0, BLOCK_M)
        opening, reach = openings(OFFSETS, segment, segments, begin, local, (end - begin).to(tl.int32), BLOCK_M)
        first = begin + tl.min(opening)
        finish = begin + reach
        opening = opening[:, None]
    else:
        first = tl.load(OFFSETS + segment)
        end = tl.load(OFFSETS + segment + 1)
        finish = end
        origin = first
        opening = 0
    return begin, end, first, finish, origin, opening


@triton.jit
def openings(OFFSETS, segment, segments, begin, local, stop, BLOCK: tl.constexpr):
    """The first row of the segment of each of some consecutive rows, and the end of the last row's segment.

    All are counted from row ``begin``: ``local [BLOCK]`` of which those below ``stop`` are looked for, and what is
    returned. ``segment`` is one that begins no later than they do.
    """
    opening = tl.full((BLOCK,), -_FAR, tl.int32)
    finish = stop
    reached = stop - 1
    while reached < stop:
        number = segment + tl.arange(0, OFFSETS_AT_ONCE)
        offset = tl.load(OFFSETS + number, mask=number <= segments, other=_BEYOND) - begin
        offset = tl.maximum(tl.minimum(offset, _FAR), -_FAR).to(tl.int32)
        opened = tl.where(offset[None, :] <= local[:, None], offset[None, :], -_FAR)
        opening = tl.maximum(opening, tl.max(opened, 1))
        finish = tl.min(tl.where(offset >= stop, offset, _FAR))
        reached = tl.max(offset)
        segment += OFFSETS_AT_ONCE
    return opening, finish
