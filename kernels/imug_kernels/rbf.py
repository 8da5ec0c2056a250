# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of a Gaussian kernel over all pairs of rows, for maximum mean discrepancies."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from imug_kernels.checks import check_positive, check_row_pair
from imug_kernels.dtypes import work_dtype
from imug_kernels.ops import register
from imug_kernels.reference import rbf as reference


def rbf_sum(x: Tensor, y: Tensor | None = None, *, sigma: float) -> Tensor:
    r"""Sum the Gaussian kernel less one over all pairs of rows.

    .. math:: \sum_{i,j} \left(\exp\left(-\frac{|x_i - y_j|^2}{2\sigma^2}\right) - 1\right)

    The ones cancel in a discrepancy, whose weights add up to zero; where distances are small beside sigma, as those of
    unit rows under sigma = 10, keeping them would cost the digits that matter. A row that holds NaN or infinity makes
    NaN of the sum. The pairs are made in tiles: memory does not grow with N x M. On a CPU many pairs of rows of float32
    and narrower are multiplied in float32, from their centre, which costs the sum about 1e-8 of itself, and 1e-6 if all
    rows of a side are equal and no error cancels another; float64 rows, few pairs and rows many sigmas apart are
    multiplied in float64. Differentiable with respect to ``x`` and ``y``.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[M, D]``, any floating dtype. Default: ``x``; only half of the pairs are worked on then, and all N x N
            count (a row's pair with itself adds 0).
        sigma: Width of the kernel.

    Returns:
        Scalar, at most 0, float64 (float32 on MPS).

    Raises:
        TypeError: If the rows are not floating point.
        ValueError: If shapes or devices do not fit or ``sigma`` is not positive.

    Example:
        >>> import torch
        >>> from imug_kernels import rbf_sum
        >>> rbf_sum(torch.tensor([[0.0], [1.0]]), sigma=1.0)
        tensor(-0.7869, dtype=torch.float64)
    """
    check_row_pair(x, x if y is None else y)
    check_positive("sigma", sigma)
    total: Tensor = _rbf_self_sum(x, sigma) if y is None else _rbf_sum(x, y, sigma)
    return total


def _fake(x: Tensor, *_: Any) -> Tensor:
    return x.new_empty((), dtype=work_dtype(x.device))


_rbf_sum = register(
    reference.rbf_sum,
    "(Tensor x, Tensor y, float sigma) -> Tensor",
    fake=_fake,
    dtype=work_dtype,
    backward=reference.rbf_sum_backward,
    wrt=(0, 1),
)
_rbf_self_sum = register(
    reference.rbf_self_sum,
    "(Tensor x, float sigma) -> Tensor",
    fake=_fake,
    dtype=work_dtype,
    backward=reference.rbf_self_sum_backward,
    wrt=(0,),
)
