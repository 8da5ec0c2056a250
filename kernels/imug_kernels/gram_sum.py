# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum of the cosines of all pairs of a segment without making one of them."""

from __future__ import annotations

from torch import Tensor

from imug_kernels.checks import check_packed
from imug_kernels.dtypes import fits_float32, work_dtype
from imug_kernels.ops import register
from imug_kernels.reference import gram_sum as reference

MAX_WIDTH = 8192  # a program of the kernel holds a whole row in registers


def dialogue_gram_sum(
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
        >>> from imug_kernels import dialogue_gram_sum
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 1.0]])
        >>> dialogue_gram_sum(rows, torch.tensor([0, 3, 4]))
        (tensor([2.8000, 0.0000], dtype=torch.float64), tensor([6., 0.], dtype=torch.float64))
    """
    result: Tensor = _dialogue_gram_sum(rows, check_packed(rows, offsets, valid), valid, eps)
    sums, counts = result.unbind()
    return sums, counts


def _fake(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    return rows.new_empty(2, len(offsets) - 1, dtype=work_dtype(rows.device))


def _fits(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> bool:
    return rows.shape[1] <= MAX_WIDTH and fits_float32(rows)


_dialogue_gram_sum = register(
    reference.dialogue_gram_sum,
    "(Tensor rows, Tensor offsets, Tensor? valid, float eps) -> Tensor",
    fake=_fake,
    dtype=work_dtype,
    fits=_fits,
    backward=reference.dialogue_gram_sum_backward,
    wrt=(0,),
)
