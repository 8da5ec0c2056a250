# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `dialogue_gram_sum`: the squared length of the sum of unit rows, less their own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import work_zeros
from imug_kernels.reference.cosine_blocks import bucket_sides
from imug_kernels.reference.lengths import normalize_backward


def dialogue_gram_sum(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    """Return sum and count over the ordered pairs of every segment, ``[2, S]``."""
    check_offset_values(offsets, len(rows))
    result = work_zeros(rows, 2, len(offsets) - 1)
    for bucket, side in bucket_sides(rows, offsets, valid, eps):
        unit = side.vectors / side.lengths[:, :, None]
        count = side.valid.sum(1).to(unit.dtype).expand(len(unit))
        pairs = unit.sum(1).square().sum(1) - unit.square().sum((1, 2))
        # A single row has no pair: its rounding must not show, nor its NaN.
        result[:, bucket.segments] = torch.stack([pairs.masked_fill(count < 2, 0), count * (count - 1)])
    return result


def dialogue_gram_sum_backward(
    grads: Sequence[Tensor], rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float
) -> list[Tensor]:
    """Return the gradient of ``rows``."""
    gradient = work_zeros(rows, *rows.shape)
    for bucket, side in bucket_sides(rows, offsets, valid, eps):
        lengths = side.lengths[:, :, None]
        unit = side.vectors / lengths
        is_single = side.valid.sum(1).expand(len(unit)) < 2
        of_unit = 2 * grads[0][0, bucket.segments, None, None] * (unit.sum(1, keepdim=True) - unit)
        of_unit = of_unit.masked_fill(is_single[:, None, None] | ~side.valid[:, :, None], 0)
        gradient[bucket.rows] = normalize_backward(unit, lengths, of_unit, eps)
    return [gradient.to(rows.dtype)]
