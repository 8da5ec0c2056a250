# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How many bytes of rows a multiprocessor has asked for at a time: an estimate, by counting.

Memory takes some 700 ns to answer. By Little's law a device that copies 4.3 TB/s has 4.3e12 * 700e-9 = 3.0 MB on the
way, which is 23 kB for each of the 132 multiprocessors of an H100 or H200: a kernel that keeps less in flight cannot
reach the bandwidth, one that keeps more may.
"""

from __future__ import annotations

from collections.abc import Mapping

BYTES_NEEDED = round(4.3e12 * 700e-9 / 132)

KIB = 1024
SHARED = {80: 164 * KIB, 90: 228 * KIB, 100: 228 * KIB}  # of a multiprocessor, by architecture
SHARED_RESERVED = KIB  # for each block
REGISTERS, WARPS, BLOCKS = 65_536, 64, 32
TENSOR_MEMORY = 512  # columns, of sm_100


def resident_blocks(architecture: int, warps: int, registers: int, shared: int, tensor_memory: int = 0) -> int:
    """Blocks of a kernel that a multiprocessor holds at a time.

    Registers are dealt out in eights to the threads of a warp, and warps by fours.
    """
    per_warp = 32 * -(-registers // 8) * 8
    return min(
        min(REGISTERS // per_warp // 4 * 4, WARPS) // warps,
        SHARED[architecture] // (shared + SHARED_RESERVED),
        TENSOR_MEMORY // tensor_memory if tensor_memory else BLOCKS,
        BLOCKS,
    )


def bytes_in_flight(constants: Mapping[str, int], itemsize: int, blocks: int, stages: int, asynchronous: bool) -> int:
    """Bytes asked for and not yet used by all blocks of a multiprocessor; 0 if the tile has names unknown here.

    Of a pipeline of asynchronous copies one stage is used and the others are on the way. Without one, a step of the
    loop asks for its rows before it uses the first.
    """
    return blocks * (max(stages - 1, 1) if asynchronous else 1) * _step_bytes(constants, itemsize)


def _step_bytes(constants: Mapping[str, int], itemsize: int) -> int:
    """Bytes of rows of one step over the width; a kernel has a stride for each tensor of rows that it reads.

    Of one tensor a tile meets itself, as do the rows of a segment that fits a block.
    """
    sides = max(1, sum(name.startswith("STRIDE") for name in constants))
    height = constants.get("BLOCK_M") or constants.get("BLOCK_R") or 0
    other = constants.get("BLOCK_N", height)
    width = constants.get("BLOCK_K") or constants.get("BLOCK_D") or constants.get("BLOCK_W") or 0
    return (height + (other if sides == 2 else 0)) * min(width, constants.get("D", width)) * itemsize
