# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines within segments by the distance of their positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_integers, check_offset_values, check_offsets, check_rows, check_valid
from imug_kernels.chunking import work_dtype
from imug_kernels.ops import register
from imug_kernels.reference.cosine_blocks import Block, cosine_blocks, others, pull_back, zeros


def delta_curve(
    rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None = None, *, eps: float = 1e-8
) -> tuple[Tensor, Tensor]:
    """Sum the cosines of each segment by the distance of the two rows' positions.

    Every unordered pair of valid rows counts once, at ``abs(positions[i] - positions[j])``; pairs at distance 0 or
    beyond ``max_delta`` are left out. Differentiable with respect to ``rows``.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        positions: integer ``[N]``, in any order.
        max_delta: Largest distance kept, at least 1.
        valid: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

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
    check_rows("rows", rows)
    check_valid("valid", valid, rows)
    check_integers("positions", positions, len(rows), rows.device)
    if max_delta < 1:
        raise ValueError(f"Expected argument `max_delta` to be >= 1, got {max_delta}.")
    offsets = check_offsets(offsets, rows.device)
    curve: Tensor = _delta_curve(rows, offsets, positions.long(), max_delta, valid, eps)
    return curve[:, 0], curve[:, 1]


def _plain(
    rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None, eps: float
) -> Tensor:
    check_offset_values(offsets, len(rows))
    curve = zeros(rows, len(offsets) - 1, 2, max_delta)
    for block in cosine_blocks(rows, rows, offsets, valid, valid, eps):
        curve[block.segments] += _block_curve(block, positions, max_delta)
    return curve


def _bins(block: Block, positions: Tensor, max_delta: int) -> Tensor:
    """Return which column of the curve each cosine counts in, ``[b, r, n]``; ``max_delta`` is none of them."""
    place = torch.arange(block.columns.shape[1], device=block.at.device)
    delta = (positions[block.rows][:, :, None] - positions[block.columns][:, None, :]).abs()
    counted = others(block) & (place > block.at[:, None]) & (delta >= 1) & (delta <= max_delta)
    return torch.where(counted, delta - 1, max_delta)


def _block_curve(block: Block, positions: Tensor, max_delta: int) -> Tensor:
    """Return sums and counts by distance for a block, ``[b, 2, max_delta]``."""
    bins = _bins(block, positions, max_delta).flatten(1)
    values = torch.stack([block.cosine, torch.ones_like(block.cosine)], 1).flatten(2)
    sums = values.new_zeros(*values.shape[:2], max_delta + 1)
    return sums.scatter_add(2, bins[:, None].expand_as(values), values)[..., :max_delta]


def _like(rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None, eps: float) -> Tensor:
    return rows.new_empty(len(offsets) - 1, 2, max_delta, dtype=work_dtype(rows.device))


def _gradient(
    grads: Sequence[Tensor],
    rows: Tensor,
    offsets: Tensor,
    positions: Tensor,
    max_delta: int,
    valid: Tensor | None,
    eps: float,
) -> list[Tensor]:
    gradient = zeros(rows, *rows.shape)
    # A column of zeros for the pairs that do not count.
    weights = torch.nn.functional.pad(grads[0][:, 0], (0, 1))
    for block in cosine_blocks(rows, rows, offsets, valid, valid, eps):
        bins = _bins(block, positions, max_delta)
        picked = weights[block.segments].gather(1, bins.flatten(1)).view_as(block.cosine)
        pull_back(block, picked, eps, gradient)
    return [gradient.to(rows.dtype)]


_delta_curve = register(
    "delta_curve",
    "(Tensor rows, Tensor offsets, Tensor positions, int max_delta, Tensor? valid, float eps) -> Tensor",
    _plain,
    _like,
    module="gram",
    dtype=work_dtype,
    gradient=_gradient,
    wrt=(0,),
)
