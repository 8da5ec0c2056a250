# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines within segments by the distance of their positions."""

from __future__ import annotations

from torch import Tensor

from imug_kernels.checks import check_at_least, check_integers, check_packed
from imug_kernels.dtypes import work_dtype
from imug_kernels.ops import register
from imug_kernels.reference import curve as reference


def delta_curve(
    rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum the cosines of each segment by the distance of the two rows' positions.

    Every unordered pair of valid rows counts once, at ``abs(positions[i] - positions[j])``; pairs at distance 0 or
    beyond ``max_delta`` are left out. A row without a direction, zero or holding NaN or infinity, is an invalid one.
    Differentiable with respect to ``rows``, an invalid row with gradient 0.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        positions: integer ``[N]``, in any order.
        max_delta: Largest distance kept, at least 1.
        valid: bool ``[N]``. Default: all rows with a direction.

    Returns:
        Sums and counts, each ``[S, max_delta]``, float64 (float32 on MPS); column ``k - 1`` holds distance ``k``.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, ``offsets`` do not rise from 0 to N, or ``max_delta`` < 1.

    Example:
        >>> import torch
        >>> from imug_kernels import delta_curve
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
        >>> delta_curve(rows, torch.tensor([0, 3]), torch.tensor([1, 2, 4]), 2)
        (tensor([[0.0000, 0.8000]], dtype=torch.float64), tensor([[1., 1.]], dtype=torch.float64))
    """
    offsets = check_packed(rows, offsets, valid)
    check_integers("positions", positions, len(rows), rows.device)
    check_at_least("max_delta", max_delta, 1)
    curve: Tensor = _delta_curve(rows, offsets, positions.long(), max_delta, valid)
    sums, counts = curve.unbind(1)
    return sums, counts


def _fake(rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None) -> Tensor:
    return rows.new_empty(len(offsets) - 1, 2, max_delta, dtype=work_dtype(rows.device))


_delta_curve = register(
    reference.delta_curve,
    "(Tensor rows, Tensor offsets, Tensor positions, int max_delta, Tensor? valid) -> Tensor",
    fake=_fake,
    dtype=work_dtype,
    backward=reference.delta_curve_backward,
    wrt=(0,),
)
