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

# Sums of squares within which float32 loses nothing of them, nor of the product with another such row.
LOWEST_SQUARES = tl.constexpr(2.0**-80)
HIGHEST_SQUARES = tl.constexpr(2.0**80)


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
def leaves_range(squares):
    """Which sums of squares, or products with such rows, float32 may have lost: 0 may be none or all of them.

    NaN is not among them: it comes from NaN in the row alone, which no power of two removes.
    """
    return (squares < LOWEST_SQUARES) | (squares > HIGHEST_SQUARES)


@triton.jit
def any_of(mask):
    """Whether a mask is set anywhere, as a scalar."""
    return tl.sum(tl.where(mask, 1, 0)) > 0


@triton.jit
def power_below(peak):
    """Power of two that carries the largest magnitude of a row to about 1. Products with it are exact."""
    exponent = peak.to(tl.int32, bitcast=True) >> 23
    return (tl.maximum(254 - exponent, 1) << 23).to(tl.float32, bitcast=True)


@triton.jit
def direction_length(squares):
    """Length of a row from its sum of squares; NaN where it has no direction: zero, or holding NaN or infinity."""
    return tl.where((squares > 0.0) & (squares < float("inf")), tl.sqrt(squares), float("nan"))


@triton.jit
def clamp(x, low, high):
    """Clamp that keeps NaN: the compiled tl.clamp drops it, the interpreted one does not."""
    x = tl.where(x > high, high, x)
    return tl.where(x < low, low, x)
