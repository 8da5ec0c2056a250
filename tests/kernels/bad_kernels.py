# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels with the faults that the gate is to find: `python -m tests.kernels.bad_kernels` prints what it says."""

from __future__ import annotations

import json
from dataclasses import replace

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

from benchmarks.offline.compiler import Report, compile_launch, record
from benchmarks.offline.gate import judge, problems

HALF, SINGLE = torch.bfloat16, torch.float32


@triton.jit
def _product_kernel(
    x_ptr, out_ptr, D: tl.constexpr, STRIDE: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Product of a block of rows with the next."""
    row = tl.arange(0, BLOCK_M)
    column = tl.arange(0, BLOCK_N)
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for k in range(0, D, BLOCK_K):
        d = k + tl.arange(0, BLOCK_K)
        x = tl.load(x_ptr + row[:, None] * STRIDE + d[None, :], mask=(d < D)[None, :], other=0.0)
        y = tl.load(x_ptr + (BLOCK_M + column)[:, None] * STRIDE + d[None, :], mask=(d < D)[None, :], other=0.0)
        dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
    tl.store(out_ptr + row[:, None] * BLOCK_N + column[None, :], dot)


@triton.jit
def _descriptor_kernel(
    x_tiles, y_tiles, out_ptr, D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    """The same of tiles that one instruction copies."""
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for k in range(0, D, BLOCK_K):
        dot = tl.dot(x_tiles.load([0, k]), y_tiles.load([BLOCK_M, k]).T, dot)
    tl.store(out_ptr + tl.arange(0, BLOCK_M)[:, None] * BLOCK_N + tl.arange(0, BLOCK_N)[None, :], dot)


@triton.jit
def _runtime_width_kernel(x_ptr, out_ptr, width, D: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr):
    """Sums of rows whose stride the compiler cannot see."""
    row = tl.arange(0, BLOCK_R)
    d = tl.arange(0, BLOCK_D)
    x = tl.load(x_ptr + row[:, None] * width + d[None, :], mask=(d < width)[None, :], other=0.0)
    tl.store(out_ptr + row, tl.sum(x.to(tl.float32), 1))


@triton.jit
def _refused_kernel(out_ptr):
    """A program that the compiler does not take."""
    tl.static_assert(False, "refused")


def _refused() -> list[str]:
    (launch,) = record(lambda: _refused_kernel[(1,)](torch.zeros(1)))
    report, faults = judge(launch, 90)
    assert report is None
    return faults


def _product(dtype: torch.dtype, precision: str, m: int, n: int, k: int, warps: int, stages: int) -> Report:
    x, out = torch.zeros(m + n, 768, dtype=dtype), torch.zeros(m, n)
    constants = {"PRECISION": precision, "BLOCK_M": m, "BLOCK_N": n, "BLOCK_K": k}
    kernel = _product_kernel[(1,)]
    (launch,) = record(lambda: kernel(x, out, 768, 768, **constants, num_warps=warps, num_stages=stages))
    return compile_launch(launch, 90)


def _of_descriptors(n: int, stages: int) -> Report:
    x, out = torch.zeros(128 + n, 768, dtype=HALF), torch.zeros(128, n)
    x_tiles, y_tiles = (TensorDescriptor.from_tensor(x, [rows, 64]) for rows in (128, n))
    constants = {"BLOCK_M": 128, "BLOCK_N": n, "BLOCK_K": 64}
    kernel = _descriptor_kernel[(1,)]
    (launch,) = record(lambda: kernel(x_tiles, y_tiles, out, 768, **constants, num_warps=8, num_stages=stages))
    return compile_launch(launch, 90)


def _of_runtime_width() -> Report:
    x, out = torch.zeros(64, 776, dtype=HALF), torch.zeros(64)
    kernel = _runtime_width_kernel[(1,)]
    (launch,) = record(lambda: kernel(x, out, 776, D=776, BLOCK_R=64, BLOCK_D=64, num_warps=4))
    return compile_launch(launch, 90)


def _as_all_pairs(report: Report) -> Report:
    return replace(report, kernel="_cross_kernel")


if __name__ == "__main__":
    reports = {
        "good": _as_all_pairs(_product(HALF, "tf32", 64, 64, 64, warps=4, stages=3)),
        "good in float32": _as_all_pairs(_product(SINGLE, "tf32x3", 64, 32, 32, warps=4, stages=3)),
        "good with descriptors": _as_all_pairs(_of_descriptors(n=128, stages=4)),
        "spills": _product(SINGLE, "ieee", 128, 128, 32, warps=4, stages=2),
        "ieee": _product(SINGLE, "ieee", 32, 32, 32, warps=4, stages=2),
        "tf32": _product(SINGLE, "tf32", 64, 64, 32, warps=4, stages=2),
        "narrow loads": _of_runtime_width(),
        "large": _product(HALF, "tf32", 128, 128, 128, warps=8, stages=3),
        "large with descriptors": _of_descriptors(n=256, stages=5),
        "narrow products": _as_all_pairs(_product(HALF, "tf32", 64, 32, 64, warps=4, stages=3)),
        "narrow products in float32": _as_all_pairs(_product(SINGLE, "tf32x3", 64, 16, 32, warps=4, stages=3)),
        "repeated products": _as_all_pairs(_product(SINGLE, "tf32x3", 64, 64, 32, warps=8, stages=3)),
        "products of warps": _as_all_pairs(_product(HALF, "tf32", 32, 64, 64, warps=4, stages=3)),
    }
    found = {name: problems(report) for name, report in reports.items()}
    print(json.dumps({**found, "refused": _refused()}))
