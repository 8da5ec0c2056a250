# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Precision and NaN: what compiled kernels, interpreted ones and PyTorch would otherwise do differently."""

from __future__ import annotations

import os

import torch
import triton
import triton.language as tl
from torch import Tensor

# Read once: Triton decides when it is imported whether this process interprets or compiles.
INTERPRET = os.environ.get("TRITON_INTERPRET", "0") == "1"


def needs_upcast(rows: Tensor) -> bool:
    """Return whether operands of a dot must be float32: the interpreter multiplies the bits of bf16."""
    return INTERPRET and rows.dtype == torch.bfloat16


def dot_precision(dtype: torch.dtype) -> str:
    """Return how float32 operands of a dot are multiplied: three TF32 products, exact to about 1e-6.

    One TF32 product, the default, is off by 1e-3. 16-bit operands are exact as they are and ignore this.
    """
    return "tf32x3" if dtype == torch.float32 else "tf32"


def adjacent(rows: Tensor) -> Tensor:
    """Return ``rows`` with the elements of each row next to each other."""
    return rows if rows.stride(-1) == 1 else rows.contiguous()


def dot_operands(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows in one dtype, the wider of the two: a dot multiplies operands of one dtype."""
    dtype = torch.promote_types(x.dtype, y.dtype)
    return adjacent(x.to(dtype)), adjacent(y.to(dtype))


@triton.jit
def bounded_length(squares, eps):
    """max(length, eps) from sums of squares; NaN where a row holds NaN or infinity."""
    length = tl.sqrt(squares)
    # A comparison with NaN is false, which would turn the row into one of length eps.
    bounded = tl.where(length > eps, length, eps)
    return tl.where((squares != squares) | (squares == float("inf")), float("nan"), bounded)


@triton.jit
def clamp(x, low, high):
    """Clamp that keeps NaN: the compiled tl.clamp drops it, the interpreted one does not."""
    x = tl.where(x > high, high, x)
    return tl.where(x < low, low, x)
