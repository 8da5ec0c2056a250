# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The grids of launches for tensors that no test could hold: `python -m tests.kernels.large_launches` prints them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest import mock

import torch
from imug_kernels.tolerances import TIE
from imug_kernels.triton_kernels import (
    cosine_sum,
    cross,
    curve,
    gram,
    gram_backward,
    moments,
    paired,
    paired_backward,
    preprocess,
    rank,
    rbf,
    segments,
    settings,
)
from torch import Tensor
from triton.runtime.jit import JITFunction

ROWS = 2**31  # of 16 elements


def empty(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def packed(call: Callable[[], object]) -> None:
    with settings.trying("gram", settings.candidates("gram", torch.bfloat16)[0]):
        call()


def calls() -> Iterator[Callable[[], object]]:
    rows, offsets, index = empty(ROWS, 16), empty(ROWS + 1, dtype=torch.int64), empty(ROWS, dtype=torch.int64)
    yield partial(paired.paired_cosine, rows, rows, index, None, 1.0, None)
    yield partial(
        paired_backward.paired_cosine_backward, [empty(ROWS, dtype=torch.float32)], rows, rows, None, None, 1.0, None
    )
    yield partial(cosine_sum.dialogue_cosine_sum, rows, offsets[1:], None)
    yield partial(segments.segment_reduce, empty(ROWS, 8, dtype=torch.float64), offsets[1:], None, torch.float64)
    # A table of blocks as long as that is more than PyTorch makes of tensors without data.
    offsets = empty(ROWS // 16, dtype=torch.int64)
    yield partial(gram.dialogue_gram, rows, offsets, None)
    yield partial(packed, partial(gram.dialogue_gram, rows, offsets, None))
    yield partial(gram_backward.dialogue_gram_backward, [empty(7, ROWS, dtype=torch.float32)], rows, offsets, None)
    yield partial(rank.own_rank, rows, rows, offsets, None, None, TIE)
    yield partial(curve.delta_curve, rows, offsets, index, 4, None)
    yield partial(
        segments.segment_sum, empty(4, 2**26, dtype=torch.float32), empty(3, dtype=torch.int64), torch.float64
    )
    values, positions = empty(ROWS // 16, 8, dtype=torch.float64), empty(ROWS // 16, dtype=torch.int64)
    masks = (None, None, None, None)
    yield partial(moments.segment_moments, values, offsets, positions, *masks, 1, (0, 8), 16, 0)
    wide, few = empty(4, 2**26, dtype=torch.float32), empty(4, dtype=torch.int64)
    yield partial(moments.segment_moments, wide, few[1:], few, *masks, 1, (0, 1), 1, 0)
    # Row numbers of all pairs have 31 bits.
    many, few = empty(ROWS - 1, 16), empty(3, 16)
    for x, y in ((many, few), (few, many)):
        positive = empty(len(x), dtype=torch.int64)
        yield partial(cross.cross_stats, x, y, 4, positive, True, 1.0, None, None, False, False, 0)
        yield partial(rbf.rbf_sum, x, y, 1.0)
    yield partial(rbf.rbf_self_sum, many, 1.0)
    for count, size in ((10**6, 224), (1, 2**20)):  # many images, and one of many pixels
        images, unit = empty(count, 3, 8, 8, dtype=torch.uint8), ([0.5] * 3, [0.5] * 3)
        shape = (size, 8) if count == 1 else (size, size)
        yield partial(preprocess.preprocess, images, shape, torch.float32, *unit, shape, (0, 0), "bicubic")


if __name__ == "__main__":
    launches = []

    def note(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> None:
        launches.append((self.fn.__name__, grid))

    with mock.patch.object(JITFunction, "run", note):
        for call in calls():
            call()
    print(json.dumps(launches))
