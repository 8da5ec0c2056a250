# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One call of every operation on a packed batch, to test what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import imug_kernels as ops
import torch
from torch import Tensor


class Batch(NamedTuple):
    x: Tensor
    y: Tensor
    offsets: Tensor
    positions: Tensor
    index: Tensor  # rows of x
    valid: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(tensor.to(device) for tensor in self))


Call = Callable[[Batch], Sequence[Tensor]]

CALLS: dict[str, Call] = {
    "paired_cosine": lambda b: [ops.paired_cosine(b.x, b.y), ops.paired_cosine(b.x, b.y, ix=b.index)],
    "dialogue_gram": lambda b: [
        *ops.dialogue_gram(b.x, b.offsets),
        *ops.dialogue_gram(b.x, b.offsets, b.valid),
    ],
    "dialogue_cosine_sum": lambda b: ops.dialogue_cosine_sum(b.x, b.offsets, b.valid),
    "delta_curve": lambda b: ops.delta_curve(b.x, b.offsets, b.positions, 3, b.valid),
    "segment_reduce": lambda b: ops.segment_reduce(b.x, b.offsets, b.valid),
    "segment_sum": lambda b: [ops.segment_sum(b.x[:, 0], b.offsets)],
    "segment_moments": lambda b: [
        ops.segment_moments(b.x, b.offsets, b.positions, valid=b.valid, slopes=2, curves=(1, 4), points=3),
        ops.segment_moments(
            b.x, b.offsets, b.positions, over=b.positions[:, None].float(), slopes=1, present=b.valid, expected=b.valid
        ),
    ],
    "own_rank": lambda b: ops.own_rank(b.x, b.y, b.offsets, b.valid),
}
DIFFERENTIABLE = [name for name in CALLS if name != "own_rank"]
