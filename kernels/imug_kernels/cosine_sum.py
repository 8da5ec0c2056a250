# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum of the cosines of each row to the others of its segment without making one of them."""

from __future__ import annotations

from torch import Tensor

from imug_kernels.checks import check_packed
from imug_kernels.dtypes import fits_float32, result_dtype
from imug_kernels.ops import register
from imug_kernels.reference import cosine_sum as reference

MAX_WIDTH = 8192  # a program of the kernel holds a whole row in registers


def dialogue_cosine_sum(rows: Tensor, offsets: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
    r"""Sum the cosines of each row to the other valid rows of its segment, in O(T D) for T rows.

    With unit rows :math:`u_i` and their sum :math:`S`, it is :math:`u_i \cdot (S - u_i)`. The results are ``sum`` and
    ``count`` of `dialogue_gram`, for whose T x T cosines long segments have no time. A row without a direction, zero or
    holding NaN or infinity, is an invalid one. Differentiable with respect to ``rows``, an invalid row with gradient 0.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows with a direction.

    Returns:
        Sums and numbers of cosines, each ``[N]``, float64 on a CPU and float32 elsewhere; 0 and 0 for an invalid row.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import dialogue_cosine_sum
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 1.0]])
        >>> torch.stack(dialogue_cosine_sum(rows, torch.tensor([0, 3, 4])))
        tensor([[0.6000, 0.8000, 1.4000, 0.0000],
                [2.0000, 2.0000, 2.0000, 0.0000]], dtype=torch.float64)
    """
    result: Tensor = _dialogue_cosine_sum(rows, check_packed(rows, offsets, valid), valid)
    sums, counts = result.unbind()
    return sums, counts


def _fake(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    return rows.new_empty(2, len(rows), dtype=result_dtype(rows.device))


def _fits(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> bool:
    return rows.shape[1] <= MAX_WIDTH and fits_float32(rows)


_dialogue_cosine_sum = register(
    reference.dialogue_cosine_sum,
    "(Tensor rows, Tensor offsets, Tensor? valid) -> Tensor",
    fake=_fake,
    fits=_fits,
    backward=reference.dialogue_cosine_sum_backward,
    wrt=(0,),
)
