# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels with the faults that the gate is to find: `python -m tests.kernels.bad_kernels` prints what it says."""

from __future__ import annotations

import json

import torch
import triton
import triton.language as tl

from benchmarks.offline.compiler import compile_launch, record
from benchmarks.offline.gate import problems


@triton.jit
def _square_kernel(
    X, OUT, D: tl.constexpr, STRIDE: tl.constexpr, PRECISION: tl.constexpr, BLOCK: tl.constexpr, BLOCK_K: tl.constexpr
):
    """Product of a block of rows with itself."""
    row = tl.arange(0, BLOCK)
    dot = tl.zeros((BLOCK, BLOCK), tl.float32)
    for k in range(0, D, BLOCK_K):
        d = k + tl.arange(0, BLOCK_K)
        x = tl.load(X + row[:, None] * STRIDE + d[None, :], mask=(d < D)[None, :], other=0.0)
        y = tl.load(X + (BLOCK + row)[:, None] * STRIDE + d[None, :], mask=(d < D)[None, :], other=0.0)
        dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
    tl.store(OUT + row[:, None] * BLOCK + row[None, :], dot)


@triton.jit
def _runtime_width_kernel(X, OUT, width, D: tl.constexpr, BLOCK: tl.constexpr):
    """Sums of rows whose stride the compiler cannot see."""
    row = tl.arange(0, BLOCK)
    d = tl.arange(0, BLOCK)
    x = tl.load(X + row[:, None] * width + d[None, :], mask=(d < width)[None, :], other=0.0)
    tl.store(OUT + row, tl.sum(x.to(tl.float32), 1))


def _square(dtype: torch.dtype, precision: str, block: int, depth: int, **options: int) -> list[str]:
    x, out = torch.zeros(2 * block, 768, dtype=dtype), torch.zeros(block, block)
    kernel = _square_kernel[(1,)]
    (launch,) = record(lambda: kernel(x, out, 768, 768, PRECISION=precision, BLOCK=block, BLOCK_K=depth, **options))
    return problems(compile_launch(launch, 90))


def _narrow() -> list[str]:
    x, out = torch.zeros(64, 776, dtype=torch.bfloat16), torch.zeros(64)
    (launch,) = record(lambda: _runtime_width_kernel[(1,)](x, out, 776, D=776, BLOCK=64, num_warps=4))
    return problems(compile_launch(launch, 90))


if __name__ == "__main__":
    half, single = torch.bfloat16, torch.float32
    print(
        json.dumps(
            {
                "good": _square(half, "tf32", 64, 64, num_warps=4, num_stages=3),
                "spills": _square(single, "ieee", 128, 32, num_warps=4, num_stages=2),
                "ieee": _square(single, "ieee", 32, 32, num_warps=4, num_stages=2),
                "tf32": _square(single, "tf32", 64, 32, num_warps=4, num_stages=2),
                "narrow": _narrow(),
                "large": _square(half, "tf32", 128, 128, num_warps=8, num_stages=3),
            }
        )
    )
