# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum of the cosines of all pairs of a segment without making one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from imug_kernels.backend import MAX_WIDTH
from imug_kernels.checks import check_offset_values, check_offsets, check_rows, check_valid
from imug_kernels.chunking import CHUNK_ELEMENTS, work_dtype
from imug_kernels.ops import keeps_precision, register
from imug_kernels.reference.cosine_blocks import Side, side, unless_all, zeros
from imug_kernels.segments import Bucket, equal_length_buckets


def dialogue_unit_sum(
    rows: Tensor, offsets: Tensor, valid: Tensor | None = None, *, eps: float = 1e-8
) -> tuple[Tensor, Tensor]:
    r"""Sum the cosines of all ordered pairs of each segment in O(T D) for T rows.

    With unit rows :math:`u_i`, :math:`\sum_{i \ne j} u_i \cdot u_j = |\sum_i u_i|^2 - \sum_i |u_i|^2`. It equals the
    sum over a segment of `dialogue_gram(...).sum`, for whose T x T cosines long segments have no time. A valid row
    that holds NaN or infinity makes NaN of its segment's sum. Differentiable with respect to ``rows``.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

    Returns:
        Sums and numbers of ordered pairs, each ``[S]``, float64 (float32 on MPS); 0 and 0 with fewer than two rows.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import dialogue_unit_sum
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 1.0]])
        >>> dialogue_unit_sum(rows, torch.tensor([0, 3, 4]))
        (tensor([2.8000, 0.0000], dtype=torch.float64), tensor([6., 0.], dtype=torch.float64))
    """
    check_rows("rows", rows)
    check_valid("valid", valid, rows)
    result: Tensor = _dialogue_unit_sum(rows, check_offsets(offsets, rows.device), valid, eps)
    sums, counts = result.unbind()
    return sums, counts


def _plain(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    check_offset_values(offsets, len(rows))
    result = zeros(rows, 2, len(offsets) - 1)
    for bucket, own in _sides(rows, offsets, valid, eps):
        unit = own.vectors / own.lengths[:, :, None]
        count = own.valid.sum(1).to(unit.dtype).expand(len(unit))
        pairs = unit.sum(1).square().sum(1) - unit.square().sum((1, 2))
        # A row alone has no pair: its rounding must not show, nor its NaN.
        result[:, bucket.segments] = torch.stack([pairs.masked_fill(count < 2, 0), count * (count - 1)])
    return result


def _sides(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Iterator[tuple[Bucket, Side]]:
    valid = unless_all(valid)
    for bucket in equal_length_buckets(offsets, max(1, CHUNK_ELEMENTS // rows.shape[1])):
        yield bucket, side(rows.index_select(0, bucket.rows.flatten()), valid, bucket.rows, eps)


def _like(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    return rows.new_empty(2, len(offsets) - 1, dtype=work_dtype(rows.device))


def _gradient(grads: Sequence[Tensor], rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> list[Tensor]:
    gradient = zeros(rows, *rows.shape)
    for bucket, own in _sides(rows, offsets, valid, eps):
        lengths = own.lengths[:, :, None]
        unit = own.vectors / lengths
        alone = own.valid.sum(1).expand(len(unit)) < 2
        pull = 2 * grads[0][0, bucket.segments, None, None] * (unit.sum(1, keepdim=True) - unit)
        pull = pull.masked_fill(alone[:, None, None] | ~own.valid[:, :, None], 0)
        # A row shorter than eps is divided by a constant: its direction may change its length.
        along = torch.where(lengths > eps, (pull * unit).sum(2, keepdim=True), 0)
        gradient[bucket.rows] = (pull - along * unit) / lengths
    return [gradient.to(rows.dtype)]


def _fits(rows: Tensor, *others: Any) -> bool:
    """A program holds a whole row in registers."""
    return rows.shape[1] <= MAX_WIDTH and keeps_precision(rows)


_dialogue_unit_sum = register(
    "dialogue_unit_sum",
    "(Tensor rows, Tensor offsets, Tensor? valid, float eps) -> Tensor",
    _plain,
    _like,
    module="gram",
    dtype=work_dtype,
    fits=_fits,
    gradient=_gradient,
    wrt=(0,),
)
