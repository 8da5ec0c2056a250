# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rank of each row's own partner among those of its segment."""

from __future__ import annotations

from torch import Tensor

from imug_kernels.checks import check_offsets, check_row_pair, check_same_count, check_valid
from imug_kernels.dtypes import result_dtype
from imug_kernels.ops import register
from imug_kernels.reference import rank as reference
from imug_kernels.tolerances import TIE


def own_rank(
    x: Tensor,
    y: Tensor,
    offsets: Tensor,
    valid_x: Tensor | None = None,
    valid_y: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rank each row's own partner among the partners of its segment.

    Row ``i`` of ``x`` belongs to row ``i`` of ``y``; the candidates are the valid rows of ``y`` in its segment.
    Cosines within 1e-6 of the own one are equal: that covers the rounding of float32 rows and is far above the noise
    of another batch split. A row without a direction, zero or holding NaN or infinity, is an invalid one in ``x``; in
    ``y`` it leaves the ranks it takes part in NaN, since an unknown rival must not flatter. Not differentiable.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid_x: bool ``[N]``. Default: all rows.
        valid_y: bool ``[N]``. Default: all rows.

    Returns:
        Three tensors ``[N]``, float64 on a CPU and float32 elsewhere: the other candidates with a greater
        cosine than the own one, the other candidates with an equal cosine, and all candidates including the own one.
        Where ``x[i]`` or ``y[i]`` is invalid: NaN, NaN, 0.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import own_rank
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> y = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> torch.stack(own_rank(x, y, torch.tensor([0, 3])))
        tensor([[0., 1., 0.],
                [0., 1., 1.],
                [3., 3., 3.]], dtype=torch.float64)
    """
    check_row_pair(x, y)
    check_same_count(len(x), len(y))
    check_valid("valid_x", valid_x, x)
    check_valid("valid_y", valid_y, y)
    offsets = check_offsets(offsets, x.device)
    ranks: Tensor = _own_rank(x.detach(), y.detach(), offsets, valid_x, valid_y, TIE)
    greater, equal, candidates = ranks.unbind()
    return greater, equal, candidates


def _fake(x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, tie: float) -> Tensor:
    return x.new_empty(3, len(x), dtype=result_dtype(x.device))


_own_rank = register(
    reference.own_rank,
    "(Tensor x, Tensor y, Tensor offsets, Tensor? valid_x, Tensor? valid_y, float tie) -> Tensor",
    fake=_fake,
)
