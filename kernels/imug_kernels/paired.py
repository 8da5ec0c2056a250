# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine of row pairs."""

from __future__ import annotations

from torch import Tensor

from imug_kernels.checks import check_index, check_row_pair, check_same_count
from imug_kernels.dtypes import result_dtype
from imug_kernels.ops import register
from imug_kernels.reference import paired as reference


def paired_cosine(
    x: Tensor,
    y: Tensor,
    ix: Tensor | None = None,
    iy: Tensor | None = None,
    *,
    scale: float = 1.0,
    floor: float | None = None,
) -> Tensor:
    r"""Cosine of row ``ix[r]`` of ``x`` and row ``iy[r]`` of ``y``, if wanted bounded below and scaled.

    .. math:: c_r = \frac{x \cdot y}{|x|\,|y|}, \qquad s \cdot \max(c_r, f)

    With ``scale=2.5, floor=0.0`` this is CLIPScore (Hessel et al., arXiv 2104.08718).

    A row without a direction, zero or holding NaN or infinity, gives NaN; any other length is exact, however short or
    long. On a CPU rows of float32 and narrower are multiplied in float32, in blocks that float64 adds up: that is off
    by about 1e-8 near 0 and 1e-7 near 1, at most 5e-7, and the same bit by bit wherever the pair stands. Cosines of
    float64 rows are off by about 1e-15. Rounding may carry them past 1 by as much. Differentiable with respect to ``x``
    and ``y``; a pair that is NaN adds nothing to a gradient. Temporaries are a few numbers a pair.

    Args:
        x: Rows ``[N, D]``, any floating dtype.
        y: Rows ``[M, D]``, any floating dtype.
        ix: Row numbers in ``x`` ``[R]``, -1 for "no row". Default: every row of ``x`` in order.
        iy: Row numbers in ``y`` ``[R]``, -1 for "no row". Default: every row of ``y`` in order.
        scale: Factor ``s`` of the result.
        floor: Lower bound ``f`` of the cosine; None: there is none. NaN stays NaN.

    Returns:
        Cosines ``[R]`` in [-1, 1] if not scaled, float64 on a CPU and float32 elsewhere; NaN where either index is -1.
        On a device, where values are not looked at, any other number that is no row's gives NaN as well.

    Raises:
        TypeError: If ``x`` or ``y`` is not floating point or an index is not integer.
        ValueError: If shapes, devices or row numbers do not fit.

    Example:
        >>> import torch
        >>> from imug_kernels import paired_cosine
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> y = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
        >>> paired_cosine(x, y)
        tensor([0.6000,    nan], dtype=torch.float64)
        >>> paired_cosine(x, y, ix=torch.tensor([1, -1]), iy=torch.tensor([0, 0]))
        tensor([0.8000,    nan], dtype=torch.float64)
    """
    check_row_pair(x, y)
    check_index("ix", ix, x)
    check_index("iy", iy, y)
    check_same_count(len(x if ix is None else ix), len(y if iy is None else iy))
    cosine: Tensor = _paired_cosine(x, y, ix, iy, scale, floor)
    return cosine


def _fake(x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, scale: float, floor: float | None) -> Tensor:
    return x.new_empty(len(x if ix is None else ix), dtype=result_dtype(x.device))


_paired_cosine = register(
    reference.paired_cosine,
    "(Tensor x, Tensor y, Tensor? ix, Tensor? iy, float scale, float? floor) -> Tensor",
    fake=_fake,
    backward=reference.paired_cosine_backward,
    fused_backward=True,
    wrt=(0, 1),
)
