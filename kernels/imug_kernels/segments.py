# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums, counts and extremes over packed segments."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from imug_kernels.checks import check_offsets, check_valid
from imug_kernels.dtypes import work_dtype
from imug_kernels.ops import register
from imug_kernels.reference import segments as reference


class SegmentStats(NamedTuple):
    """Valid values of each segment; every field ``[S, ...]``, float64 (float32 on MPS).

    ``sum`` and ``count`` are 0 where there is none, ``min`` and ``max`` NaN. A valid NaN makes NaN of all but
    ``count``.
    """

    sum: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    min: Tensor
    max: Tensor


def segment_sum(values: Tensor, offsets: Tensor) -> Tensor:
    """Sum ``values`` over each segment.

    The order of addition is fixed, so the result is the same every time.
    Differentiable with respect to ``values``.

    Args:
        values: ``[N, ...]``, any real dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.

    Returns:
        Sums ``[S, ...]``, float64 (float32 on MPS); 0 for an empty segment.

    Raises:
        TypeError: If ``offsets`` is not integer.
        ValueError: If ``values`` has no rows axis or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_sum
        >>> segment_sum(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2, 3]))
        tensor([3., 0., 4.], dtype=torch.float64)
    """
    (sums,) = _reduce(values, offsets, None, extremes=False).unbind()
    return sums


def segment_reduce(values: Tensor, offsets: Tensor, valid: Tensor | None = None) -> SegmentStats:
    """Reduce ``values`` over each segment to sum, count, minimum and maximum.

    The order of addition is fixed, so the result is the same every time. Differentiable with respect to ``values``;
    values that share an extreme share its gradient.

    Args:
        values: ``[N, ...]``, any real dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows.

    Returns:
        The statistics, see `SegmentStats`.

    Raises:
        TypeError: If ``offsets`` is not integer or ``valid`` not boolean.
        ValueError: If ``values`` has no rows axis, a shape does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_reduce
        >>> stats = segment_reduce(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2, 3]))
        >>> stats.sum, stats.max
        (tensor([3., 0., 4.], dtype=torch.float64), tensor([2., nan, 4.], dtype=torch.float64))
    """
    return SegmentStats(*_reduce(values, offsets, valid, extremes=True).unbind())


def _reduce(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    if values.ndim < 1:
        raise ValueError("Expected argument `values` to have shape [N, ...], got a scalar.")
    check_valid("valid", valid, values)
    offsets = check_offsets(offsets, values.device)
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    stats: Tensor = _segment_reduce(flat, offsets, valid, extremes)
    return stats.reshape(*stats.shape[:2], *values.shape[1:])


def _fake(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    shape = (4 if extremes else 1, len(offsets) - 1, values.shape[1])
    return values.new_empty(shape, dtype=work_dtype(values.device))


_segment_reduce = register(
    reference.segment_reduce,
    "(Tensor values, Tensor offsets, Tensor? valid, bool extremes) -> Tensor",
    fake=_fake,
    dtype=work_dtype,
    fits=lambda *_: True,  # the kernel adds in float64 itself
    backward=reference.segment_reduce_backward,
    wrt=(0,),
)
