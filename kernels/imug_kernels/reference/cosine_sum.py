# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `dialogue_cosine_sum`: each direction times the sum of the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import work_zeros
from imug_kernels.reference.cosine_blocks import bucket_sides
from imug_kernels.reference.directions import directions_backward


def dialogue_cosine_sum(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    """Return sum and count of the cosines of every row to the others of its segment, ``[2, N]``."""
    check_offset_values(offsets, len(rows))
    result = work_zeros(rows, 2, len(rows))
    for bucket, side in bucket_sides(rows, offsets, valid):
        others = side.unit.sum(1, keepdim=True) - side.unit
        count = (side.known.sum(1, keepdim=True) - 1).masked_fill(~side.known, 0).expand_as(bucket.rows)
        result[:, bucket.rows] = torch.stack([torch.linalg.vecdot(side.unit, others), count.to(result.dtype)])
    return result


def dialogue_cosine_sum_backward(
    grads: Sequence[Tensor], rows: Tensor, offsets: Tensor, valid: Tensor | None
) -> list[Tensor]:
    """Return the gradient of ``rows``: a direction is in its own sum, and in that of each other."""
    gradient = work_zeros(rows, *rows.shape)
    for bucket, side in bucket_sides(rows, offsets, valid):
        known = side.known[:, :, None]
        has_pair = known & (known.sum(1, keepdim=True) > 1)
        of_sum = grads[0][0, bucket.rows, None].to(gradient.dtype).masked_fill(~has_pair, 0)
        weighted = of_sum * side.unit
        own = of_sum * (side.unit.sum(1, keepdim=True) - side.unit)
        gradient[bucket.rows] = (own + weighted.sum(1, keepdim=True) - weighted).masked_fill(~known, 0)
    return [directions_backward(rows, gradient)]
