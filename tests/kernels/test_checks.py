# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments that do not fit are refused in words that name them."""

from __future__ import annotations

from collections.abc import Callable

import imug_kernels as ops
import pytest
import torch
from torch import Tensor

X, OFFSETS = torch.zeros(4, 2), torch.tensor([0, 1, 4])  # a packed batch of two segments
ORDER = torch.arange(4)
IMAGES, SIZE, UNIT = torch.zeros(1, 3, 9, 9, dtype=torch.uint8), (4, 4), ([0.0] * 3, [1.0] * 3)

Case = tuple[Callable[[], object], type[Exception], str]

PAIRS: list[Case] = [
    (lambda: ops.paired_cosine(torch.zeros(3), torch.zeros(3)), ValueError, r"`x` to have shape \[N, D\]"),
    (lambda: ops.paired_cosine(torch.zeros(3, 0), torch.zeros(3, 0)), ValueError, "D >= 1"),
    (lambda: ops.paired_cosine(X, X.long()), TypeError, "`y` to be a floating point"),
    (lambda: ops.paired_cosine(X, torch.zeros(4, 3)), ValueError, "equal length, got 2 and 3"),
    (lambda: ops.paired_cosine(X, X[:3]), ValueError, "as many rows, got 4 and 3"),
    (lambda: ops.paired_cosine(X, X, torch.tensor([0, 4, 1, 1])), ValueError, "`ix` to hold .* 4, got 4 at row 1"),
    (lambda: ops.paired_cosine(X, X, torch.tensor([0, 1, -2, 1])), ValueError, "`ix` to hold .* got -2 at row 2"),
    (lambda: ops.paired_cosine(X, X, torch.zeros(4)), TypeError, "`ix` to be an integer"),
    (lambda: ops.paired_cosine(X, X, torch.zeros(4, 1).long()), ValueError, r"`ix` to have shape \[R\]"),
    (lambda: ops.own_rank(X, X[:3], OFFSETS), ValueError, "as many rows, got 4 and 3"),
    (lambda: ops.own_rank(X, X[:, :1], OFFSETS), ValueError, "equal length, got 2 and 1"),
    (lambda: ops.own_rank(X, X, OFFSETS, valid_y=torch.ones(4)), TypeError, "`valid_y` to be a boolean"),
    (lambda: ops.rbf_sum(X, sigma=0.0), ValueError, "`sigma` to be positive, got 0"),
    (lambda: ops.rbf_sum(X, torch.zeros(2, 4), sigma=1.0), ValueError, "rows of equal length"),
]
PACKED: list[Case] = [
    (lambda: ops.dialogue_gram(X, OFFSETS[:-1]), ValueError, "run from 0 to 4"),
    (lambda: ops.dialogue_gram(X[0], OFFSETS), ValueError, r"`rows` to have shape \[N, D\]"),
    (lambda: ops.dialogue_gram(X, OFFSETS, torch.ones(4)), TypeError, "`valid` to be a boolean"),
    (lambda: ops.dialogue_gram(X, OFFSETS, torch.ones(3).bool()), ValueError, r"`valid` to have shape \[4\]"),
    (lambda: ops.dialogue_cosine_sum(X.long(), OFFSETS), TypeError, "`rows` to be a floating point"),
    (lambda: ops.dialogue_cosine_sum(X, OFFSETS + 1), ValueError, "from 0 to 4, got 1 to 5"),
    (lambda: ops.delta_curve(X, OFFSETS, torch.arange(4), 0), ValueError, "`max_delta` to be >= 1, got 0"),
    (lambda: ops.delta_curve(X, OFFSETS, torch.arange(3), 2), ValueError, r"`positions` to have shape \[4\]"),
    (lambda: ops.delta_curve(X, OFFSETS, torch.ones(4), 2), TypeError, "`positions` to be an integer"),
    (lambda: ops.segment_sum(X, torch.tensor([0, 3, 2, 4])), ValueError, "never to fall, got 3 then 2 at row 2"),
    (lambda: ops.segment_sum(X, torch.tensor([1, 4])), ValueError, "from 0 to 4, got 1 to 4"),
    (lambda: ops.segment_sum(X, torch.tensor([0, 3])), ValueError, "from 0 to 4, got 0 to 3"),
    (lambda: ops.segment_sum(X, torch.tensor([0.0, 4.0])), TypeError, "`offsets` to be an int64"),
    (lambda: ops.segment_sum(X, torch.tensor([[0, 4]])), ValueError, r"shape \[S \+ 1\]"),
    (lambda: ops.segment_sum(X, torch.zeros(0, dtype=torch.long)), ValueError, r"shape \[S \+ 1\]"),
    (lambda: ops.segment_sum(torch.tensor(1.0), torch.tensor([0, 1])), ValueError, "got a scalar"),
    (lambda: ops.segment_sum(X, OFFSETS, torch.float16), TypeError, "`dtype` to be torch.float32 or torch.float64"),
    (lambda: ops.segment_reduce(X, OFFSETS, dtype=torch.int64), TypeError, "`dtype` to be torch.float32 or"),
    (lambda: ops.segment_reduce(X, OFFSETS, torch.ones(4)), TypeError, "`valid` to be a boolean"),
    (lambda: ops.segment_moments(X.long(), OFFSETS, ORDER), TypeError, "`values` to be a floating point"),
    (lambda: ops.segment_moments(X[:, 0], OFFSETS, ORDER), ValueError, r"`values` to have shape \[N, D\]"),
    (lambda: ops.segment_moments(X, OFFSETS + 1, ORDER), ValueError, "from 0 to 4, got 1 to 5"),
    (lambda: ops.segment_moments(X, OFFSETS, X[:, 0]), TypeError, "`positions` to be an integer"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER[:3]), ValueError, r"`positions` to have shape \[4\]"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, valid=ORDER), TypeError, "`valid` to be a boolean"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, present=ORDER), TypeError, "`present` to be a boolean"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, expected=ORDER), TypeError, "`expected` to be a boolean"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, slopes=3), ValueError, "`slopes` to lie within the 2 .* 0 to 3"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, curves=(2, 1)), ValueError, "`curves` to lie .* got 2 to 1"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, coverage=2), ValueError, "`coverage` to lie .* got 2 to 3"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, points=-1), ValueError, "`points` to be >= 0, got -1"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, over=X), ValueError, r"`over` to have shape \[4, 0\]"),
    (lambda: ops.segment_moments(X, OFFSETS, ORDER, slopes=2, over=X.long()), TypeError, "`over` to be a floating"),
]
ALL_PAIRS: list[Case] = [
    (lambda: ops.cross_stats(X, X, k=-1), ValueError, "`k` to be >= 0"),
    (lambda: ops.cross_stats(X, X, bins=-1), ValueError, "`bins` to be >= 0"),
    (lambda: ops.cross_stats(X, X, bins=4), ValueError, "`groups_x` with"),
    (
        lambda: ops.cross_stats(X, X, exclude_same_group=True, groups_x=torch.arange(4)),
        ValueError,
        "`groups_y` with",
    ),
    (
        lambda: ops.cross_stats(X, X, positive=torch.tensor([0, 1, 9, 1])),
        ValueError,
        "got 9 at row 2",
    ),
    (lambda: ops.cross_stats(X, X, positive=torch.zeros(4)), TypeError, "`positive` to be an integer"),
    (lambda: ops.cross_stats(X, X, groups_x=torch.zeros(2).long()), ValueError, r"`groups_x` to have shape \[4\]"),
]
PIXELS: list[Case] = [
    (lambda: ops.preprocess(IMAGES.float(), SIZE, *UNIT), TypeError, "`images` to be a uint8 tensor"),
    (lambda: ops.preprocess(IMAGES[0], SIZE, *UNIT), ValueError, "`images` to hold four axes"),
    (lambda: ops.preprocess(IMAGES, SIZE, [0.5], UNIT[1]), ValueError, "`mean` to have 3 values, got 1"),
    (lambda: ops.preprocess(IMAGES, SIZE, UNIT[0], [0.5]), ValueError, "`std` to have 3 values, got 1"),
    (lambda: ops.preprocess(IMAGES, SIZE, *UNIT, crop=(1, 0)), ValueError, "rows 1 to 5 of 4"),
    (lambda: ops.preprocess(IMAGES, SIZE, *UNIT, resize=(3, 9)), ValueError, "rows 0 to 4 of 3"),
    (lambda: ops.preprocess(IMAGES, SIZE, *UNIT, layout="chw"), ValueError, "`layout` to be nchw or nhwc"),
    (lambda: ops.preprocess(IMAGES, SIZE, *UNIT, interpolation="nearest"), ValueError, "to be bicubic or bilinear"),
    (lambda: ops.preprocess(IMAGES, SIZE, *UNIT, dtype=torch.int64), TypeError, "`dtype` to be a floating point"),
]


@pytest.mark.parametrize(("call", "error", "message"), PAIRS + PACKED + ALL_PAIRS + PIXELS)
def test_what_does_not_fit_is_named(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("call", [ops.segment_sum, ops.dialogue_gram, ops.dialogue_cosine_sum])
def test_offsets_may_be_int32(call: Callable[[Tensor, Tensor], object]) -> None:
    call(X, OFFSETS.int())
