# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a compiled kernel must not have."""

from __future__ import annotations

import re
from collections.abc import Mapping

from benchmarks.offline.compiler import Launch, Report, compile_launch

# Versions of the compiler differ by 8 bytes that are no spill.
MAX_STACK = 32

# What a block may use on capability 8.6, 8.9 and 12.0, the least among the devices that kernels are launched on, and on
# 9.0 and 10.0, the only ones that forms with tensor descriptors are launched on.
MAX_SHARED, MAX_SHARED_WITH_DESCRIPTORS = 99 * 1024, 227 * 1024

# Read single levels of 8 bits, scalars of segments that begin anywhere, and where segments begin.
NARROW_READERS = {"_blocks_kernel", "_preprocess_kernel", "_segment_moments_kernel", "_segment_reduce_kernel"}

# Its product is a sum of weights: exact in float32 first, and a hundredth of the work.
WITHOUT_TENSOR_CORES = {"_preprocess_kernel"}

# All pairs of rows: bound by products, not by memory.
MATRIX_KERNELS = ("_cross_", "_rbf_")

# Least columns of a wgmma, by its depth. One of 16-bit numbers, m64nNk16, reads 2 KiB of x and 32 N bytes of y from
# shared memory, 128 bytes a cycle, and multiplies for N / 2 cycles: with fewer than 64 columns it waits for its
# operands. TF32 in three products, m64nNk8, splits x in registers and reads y alone, so 32 do not wait.
MIN_COLUMNS = {16: 64, 8: 32}


def judge(launch: Launch, architecture: int) -> tuple[Report | None, list[str]]:
    """Compile one launch; return what came of it, if anything, and what is wrong with it."""
    try:
        report = compile_launch(launch, architecture)
    except Exception as error:  # a compiler fails in many ways, and the other kernels are still to be judged
        said = str(error).strip().splitlines()
        return None, [f"does not compile: {type(error).__name__}: {said[-1] if said else ''}"]
    return report, problems(report)


def problems(report: Report) -> list[str]:
    """Return what is wrong with one compiled kernel."""
    found = []
    if report.stack > MAX_STACK:
        found.append(f"registers spill: {report.stack} bytes of stack, at most {MAX_STACK}")
    max_shared = MAX_SHARED_WITH_DESCRIPTORS if report.has_descriptors else MAX_SHARED
    if report.shared > max_shared:
        found.append(f"{report.shared} bytes of shared memory, at most {max_shared}")
    if report.has_dot and not report.products and report.kernel not in WITHOUT_TENSOR_CORES:
        found.append("a dot without tensor-core instructions")
    if report.kernel.startswith(MATRIX_KERNELS) and report.architecture == 90:
        found += _narrow_products(report.products)
        if report.repeats > 1:
            found.append(f"the same products are made by {report.repeats} warps")
    if report.plain_tf32:
        found.append("float32 operands of a dot are cut to TF32")
    if report.aligned and report.kernel not in NARROW_READERS:
        if report.two_byte_loads:
            found.append(f"{report.two_byte_loads} loads of 2 bytes where rows allow 16")
        if report.widest_load < 16 and not report.tile_copies:
            found.append(f"the widest load has {report.widest_load} bytes where rows allow 16")
    return found


def _narrow_products(products: Mapping[str, int]) -> list[str]:
    """What is wrong with the tensor-core instructions of all pairs on sm_90; the widest are those of the main loop."""
    shapes = [tuple(map(int, found)) for name in products for found in re.findall(r"wgmma m64n(\d+)k(\d+)", name)]
    if not shapes:
        return ["all pairs without wgmma"]
    columns, depth = max(shapes)
    least = MIN_COLUMNS.get(depth, 64)
    return [f"wgmma of {columns} columns, at least {least}"] if columns < least else []
