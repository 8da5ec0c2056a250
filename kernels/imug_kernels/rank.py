# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rank of each row's own partner among those of its segment."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values, check_offsets, check_rows, check_same_width, check_valid
from imug_kernels.ops import register, result_dtype
from imug_kernels.reference.cosine_blocks import Block, cosine_blocks, others, zeros

# Rounding a row to float32 changes a component by at most 2**-24 of itself, so a cosine of two rounded rows by about
# 1.2e-7 and the difference of two cosines by 2.4e-7: four times that is a tie. The float64 noise of another batch split
# (1e-15) is nine orders smaller, so equal rows tie in every split.
TIE = 1e-6


def own_rank(
    x: Tensor,
    y: Tensor,
    offsets: Tensor,
    valid_x: Tensor | None = None,
    valid_y: Tensor | None = None,
    *,
    eps: float = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rank each row's own partner among the partners of its segment.

    Row ``i`` of ``x`` belongs to row ``i`` of ``y``; the candidates are the valid rows of ``y`` in its segment.
    Cosines within 1e-6 of the own one are equal: that covers the rounding of float32 rows and is far above the noise
    of another batch split. A cosine that is NaN leaves the ranks it takes part in NaN. Not differentiable.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid_x: bool ``[N]``. Default: all rows.
        valid_y: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

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
    check_rows("x", x)
    check_rows("y", y)
    check_same_width(x, y)
    if len(x) != len(y):
        raise ValueError(f"Expected arguments `x` and `y` to have as many rows, got {len(x)} and {len(y)}.")
    check_valid("valid_x", valid_x, x)
    check_valid("valid_y", valid_y, y)
    offsets = check_offsets(offsets, x.device)
    ranks: Tensor = _own_rank(x.detach(), y.detach(), offsets, valid_x, valid_y, eps, TIE)
    greater, equal, candidates = ranks.unbind()
    return greater, equal, candidates


def _plain(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, eps: float, tie: float
) -> Tensor:
    check_offset_values(offsets, len(x))
    ranks = zeros(x, 3, len(x))
    for block in cosine_blocks(x, y, offsets, valid_x, valid_y, eps):
        ranks[:, block.rows] = _block_ranks(block, tie)
    return ranks


def _block_ranks(block: Block, tie: float) -> Tensor:
    """Return the three numbers of :func:`own_rank` for a block, ``[3, b, r]``."""
    other = others(block)
    rows = torch.arange(len(block.at), device=block.at.device)
    own = block.cosine[:, rows, block.at]
    ahead = block.cosine - own[:, :, None]
    unknown = own.isnan() | (ahead.isnan() & other).any(2)
    undefined = ~(block.left.valid & block.right.valid[:, block.at])
    greater = ((ahead > tie) & other).sum(2).to(own.dtype).masked_fill(unknown | undefined, torch.nan)
    equal = ((ahead.abs() <= tie) & other).sum(2).to(own.dtype).masked_fill(unknown | undefined, torch.nan)
    candidates = block.right.valid.sum(1, keepdim=True).to(own.dtype).expand_as(own)
    return torch.stack([greater, equal, candidates.masked_fill(undefined, 0)])


def _like(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, eps: float, tie: float
) -> Tensor:
    return x.new_empty(3, len(x), dtype=result_dtype(x.device))


_own_rank = register(
    "own_rank",
    "(Tensor x, Tensor y, Tensor offsets, Tensor? valid_x, Tensor? valid_y, float eps, float tie) -> Tensor",
    _plain,
    _like,
    module="gram",
)
