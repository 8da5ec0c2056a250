# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums, counts and extremes over packed segments."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.checks import check_offsets, check_valid
from imug_kernels.dtypes import extreme_dtype, work_dtype
from imug_kernels.ops import register
from imug_kernels.reference import segments as reference


class SegmentStats(NamedTuple):
    """Valid values of each segment; every field ``[S, ...]``.

    ``sum`` and ``count`` are 0 where there is none, ``min`` and ``max`` NaN. A valid NaN makes NaN of all but
    ``count``. Sums and counts are float64 (float32 on MPS), unless sums are asked for in float32; extremes are values
    and have their dtype, or float64 if they are no floating point numbers.
    """

    sum: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    min: Tensor
    max: Tensor


def segment_sum(values: Tensor, offsets: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Sum ``values`` over each segment.

    The order of addition is fixed, so the result is the same every time.
    Differentiable with respect to ``values``.

    Args:
        values: ``[N, ...]``, any real dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        dtype: Of the sums: float64 (the default, but on MPS), in which they are added, or float32, which is half as
            much to write. On a CPU they are then added in float32 as well if no segment has more than 128 rows: a sum
            is off by at most 2**-17 of the sum of the absolute values, otherwise by its own rounding. So its last bits
            may depend on the other segments.

    Returns:
        Sums ``[S, ...]``; 0 for an empty segment.

    Raises:
        TypeError: If ``offsets`` is not integer, or ``dtype`` neither of the two.
        ValueError: If ``values`` has no rows axis or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_sum
        >>> segment_sum(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2, 3]))
        tensor([3., 0., 4.], dtype=torch.float64)
    """
    flat, offsets, dtype = _checked(values, offsets, dtype)
    sums: Tensor = _segment_sum(flat, offsets, dtype)
    return sums.reshape(-1, *values.shape[1:])


def segment_reduce(
    values: Tensor, offsets: Tensor, valid: Tensor | None = None, dtype: torch.dtype | None = None
) -> SegmentStats:
    """Reduce ``values`` over each segment to sum, count, minimum and maximum.

    The order of addition is fixed, so the result is the same every time. Differentiable with respect to ``values``;
    values that share an extreme share its gradient.

    Args:
        values: ``[N, ...]``, any real dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows.
        dtype: Of the sums, as in `segment_sum`.

    Returns:
        The statistics, see `SegmentStats`.

    Raises:
        TypeError: If ``offsets`` is not integer, ``valid`` not boolean, or ``dtype`` neither float64 nor float32.
        ValueError: If ``values`` has no rows axis, a shape does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_reduce
        >>> stats = segment_reduce(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2, 3]))
        >>> stats.sum, stats.max
        (tensor([3., 0., 4.], dtype=torch.float64), tensor([2., nan, 4.]))
    """
    flat, offsets, dtype = _checked(values, offsets, dtype)
    check_valid("valid", valid, values)
    sums, counts, least, largest = _segment_reduce(flat, offsets, valid, dtype)
    shape = (-1, *values.shape[1:])
    counts = counts.reshape(-1, *(1 for _ in shape[1:])).expand_as(sums.reshape(shape))
    return SegmentStats(sums.reshape(shape), counts, least.reshape(shape), largest.reshape(shape))


def _checked(values: Tensor, offsets: Tensor, dtype: torch.dtype | None) -> tuple[Tensor, Tensor, torch.dtype]:
    if values.ndim < 1:
        raise ValueError("Expected argument `values` to have shape [N, ...], got a scalar.")
    if dtype not in (None, torch.float32, torch.float64):
        raise TypeError(f"Expected argument `dtype` to be torch.float32 or torch.float64, got {dtype}.")
    offsets = check_offsets(offsets, values.device)
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    return flat, offsets, dtype or work_dtype(values.device)


def _fake_sum(values: Tensor, offsets: Tensor, dtype: torch.dtype) -> Tensor:
    return values.new_empty(len(offsets) - 1, values.shape[1], dtype=dtype)


def _fake_reduce(
    values: Tensor, offsets: Tensor, valid: Tensor | None, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    sums = _fake_sum(values, offsets, dtype)
    least, largest = (torch.empty_like(sums, dtype=extreme_dtype(values)) for _ in range(2))
    return sums, sums.new_empty(len(sums), dtype=work_dtype(values.device)), least, largest


_segment_sum = register(
    reference.segment_sum,
    "(Tensor values, Tensor offsets, ScalarType dtype) -> Tensor",
    fake=_fake_sum,
    dtype=None,
    fits=lambda *_: True,  # the kernel adds in float64 itself
    backward=reference.segment_sum_backward,
    wrt=(0,),
)
_segment_reduce = register(
    reference.segment_reduce,
    "(Tensor values, Tensor offsets, Tensor? valid, ScalarType dtype) -> (Tensor, Tensor, Tensor, Tensor)",
    fake=_fake_reduce,
    dtype=None,
    fits=lambda *_: True,
    backward=reference.segment_reduce_backward,
    wrt=(0,),
)
