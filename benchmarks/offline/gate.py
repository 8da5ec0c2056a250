# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a compiled kernel must not have."""

from __future__ import annotations

from benchmarks.offline.compiler import Report

# Versions of the compiler differ by 8 bytes that are no spill.
MAX_STACK = 32

# What a block may use on capability 8.6, 8.9 and 12.0, the least among the devices that kernels are launched on.
MAX_SHARED = 99 * 1024

# Reads single levels of 8 bits, and scalars of segments that begin anywhere.
NARROW_READERS = {"_preprocess_kernel", "_segment_reduce_kernel"}

# Its product is a sum of weights: exact in float32 first, and a hundredth of the work.
WITHOUT_TENSOR_CORES = {"_preprocess_kernel"}


def problems(report: Report) -> list[str]:
    """Return what is wrong with one compiled kernel."""
    found = []
    if report.stack > MAX_STACK:
        found.append(f"registers spill: {report.stack} bytes of stack, at most {MAX_STACK}")
    if report.shared > MAX_SHARED:
        found.append(f"{report.shared} bytes of shared memory, at most {MAX_SHARED}")
    if report.has_dot and not report.tensor_core and report.kernel not in WITHOUT_TENSOR_CORES:
        found.append("a dot without tensor-core instructions")
    if report.plain_tf32:
        found.append("float32 operands of a dot are cut to TF32")
    if report.aligned and report.kernel not in NARROW_READERS:
        if report.two_byte_loads:
            found.append(f"{report.two_byte_loads} loads of 2 bytes where rows allow 16")
        if report.widest_load < 16:
            found.append(f"the widest load has {report.widest_load} bytes where rows allow 16")
    return found
