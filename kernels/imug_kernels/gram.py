# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine matrices of segments, reduced to seven numbers a row."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from imug_kernels.checks import check_packed
from imug_kernels.dtypes import result_dtype
from imug_kernels.ops import register
from imug_kernels.reference import gram as reference


class GramStats(NamedTuple):
    """Cosines of each row to the other valid rows of its segment.

    Every field is ``[N]``, float64 on a CPU and float32 elsewhere. ``sum`` and ``count`` over all partners
    (0 without any), ``min`` and ``max`` over them; ``max_before`` over the earlier ones; ``previous`` and ``anchor``:
    the cosine to the row directly before and to the first row of the segment. Undefined is NaN.
    """

    sum: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    min: Tensor
    max: Tensor
    max_before: Tensor
    previous: Tensor
    anchor: Tensor


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None = None) -> GramStats:
    """Reduce the cosine matrix of every segment to seven numbers a row.

    An invalid row is no partner of any row and gets sum 0, count 0 and NaN elsewhere. A row without a direction, zero
    or holding NaN or infinity, is an invalid one. Differentiable with respect to ``rows``, an invalid row with
    gradient 0.

    On a CPU cosines are made in float64, but in segments of 16 rows and more, of float32 or 16 bits, in float32: off by
    about 1e-7, at most by ``(2 D + 16) * 2**-24``, with the same bits whatever stands beside the segment. A row
    that is zero, not finite, longer than 1e15 or shorter than 1e-15 takes its segment to float64.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows with a direction.

    Returns:
        The statistics, see `GramStats`.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import dialogue_gram
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 1.0]])
        >>> stats = dialogue_gram(rows, torch.tensor([0, 3, 4]))
        >>> stats.sum, stats.count
        (tensor([0.6000, 0.8000, 1.4000, 0.0000], dtype=torch.float64), tensor([2., 2., 2., 0.], dtype=torch.float64))
        >>> stats.anchor
        tensor([   nan, 0.0000, 0.6000,    nan], dtype=torch.float64)
    """
    stats: Tensor = _dialogue_gram(rows, check_packed(rows, offsets, valid), valid)
    return GramStats(*stats.unbind())


def _fake(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    return rows.new_empty(len(GramStats._fields), len(rows), dtype=result_dtype(rows.device))


_dialogue_gram = register(
    reference.dialogue_gram,
    "(Tensor rows, Tensor offsets, Tensor? valid) -> Tensor",
    fake=_fake,
    backward=reference.dialogue_gram_backward,
    fused_backward=True,
    wrt=(0,),
)
