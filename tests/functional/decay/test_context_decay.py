# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""context_decay, effective_length and ranked_average against published tables and numbers worked by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from imug_metrics.functional import context_decay, effective_length, ranked_average
from imug_metrics.functional.decay.context_decay import Slope

NOLIMA_LENGTHS = [1024, 2048, 4096, 8192, 16384, 32768]

RULER_LENGTHS = [4096, 8192, 16384, 32768, 65536, 131072]

LLAMA_70B = [96.5, 95.8, 95.4, 94.8, 88.4, 66.6]


@pytest.mark.parametrize(
    ("base", "bar", "row", "effective"),
    [
        (99.3, 84.4, [98.1, 98.0, 95.7, 89.2, 81.6, 69.7], 8192),  # GPT-4o
        (84.9, 72.2, [67.7, 58.2, 44.1, 32.6, 20.6, 13.7], 0),  # GPT-4o mini: published as < 1k
    ],
)
def test_effective_lengths_published_by_nolima(base: float, bar: float, row: list[float], effective: int) -> None:
    assert round(0.85 * base, 1) == bar
    assert effective_length(row, NOLIMA_LENGTHS, base=base).item() == effective
    assert effective_length(row, NOLIMA_LENGTHS, base=base, longest=False).item() == effective
    assert effective_length(row, NOLIMA_LENGTHS, threshold=0.85 * base).item() == effective


def test_averages_and_effective_length_published_by_ruler() -> None:
    found = [round(ranked_average(LLAMA_70B, weights).item(), 1) for weights in ("equal", "rising", "falling")]
    assert found == [89.6, 85.5, 93.7]
    assert effective_length(LLAMA_70B, RULER_LENGTHS, threshold=85.6).item() == 65536


def test_long_hard_dialogues_are_no_decay_within_dialogues() -> None:
    scores, lengths = [[0.9, 0.9], [0.4, 0.4]], [[1000, 2000], [32000, 64000]]
    assert context_decay(scores, lengths).item() == 0
    assert context_decay(scores, lengths, slope="pooled").item() < -0.05


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, 32768),
        ({"longest": False}, 4096),
        ({"keep": 0.5}, 65536),
        ({"base_buckets": 2}, 32768),
        ({"threshold": 2}, 0),
    ],
)
def test_effective_length_by_hand(how: dict[str, Any], expected: int) -> None:
    row = [1.0, math.nan, 0.8, 0.9, 0.5]
    assert effective_length(row, [4096, 8192, 16384, 32768, 65536], **how).item() == expected


def test_effective_length_is_undefined_without_scores_and_without_a_positive_base() -> None:
    nothing = [[math.nan, math.nan], [0.0, 0.0]]
    assert effective_length(nothing, [1, 2]).isnan().all()
    assert ranked_average(nothing).isnan().tolist() == [True, False]


def test_lengths_not_tested_have_no_rank() -> None:
    assert ranked_average([0.9, math.nan, 0.6], "rising").item() == pytest.approx((0.9 + 2 * 0.6) / 3)


def test_slope_has_the_gradient_of_its_formula() -> None:
    scores = torch.tensor([[0.9, 0.7, 0.4], [0.3, 0.2, 0.6]], dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([[1000, 3000, 9000], [500, 4000, 4000]])
    assert torch.autograd.gradcheck(lambda s: context_decay(s, lengths), scores)


def test_per_dialogue_slopes() -> None:
    found: Tensor = context_decay([[1.0, 0.5], [0.5, 0.5], [0.2, 0.4]], [[1, 2], [3, 3], [1, 4]], reduction="none")
    assert found.tolist() == pytest.approx([-0.5, math.nan, 0.1], nan_ok=True)


def test_weights_are_three() -> None:
    with pytest.raises(ValueError, match="`weights`"):
        ranked_average([0.5], "steep")


def test_one_length_has_no_slope() -> None:
    for slope in ("within", "pooled"):
        assert context_decay([[0.9, 0.8, 0.3], [0.4, 0.7, 0.2]], [[5003] * 3] * 2, slope=slope).isnan()


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    scores, tokens = [[0.9, 0.8, 0.1], [0.5, 0.4, 0.3]], [[1, 2, 0], [1, 2, 4]]
    found = context_decay(scores, tokens, lengths=torch.tensor([2, 3]), reduction="none")
    assert found.tolist() == pytest.approx([-0.1, -0.1])


@pytest.mark.parametrize("slope", ["within", "pooled"])
def test_a_length_that_is_not_read_has_no_gradient(slope: Slope) -> None:
    lengths = torch.tensor([[1000.0, 2000.0, 4000.0, 0.0]], requires_grad=True)
    context_decay(torch.tensor([[0.9, 0.8, 0.7, torch.nan]]), lengths, slope=slope, lengths=[4]).backward()
    assert lengths.grad is not None
    assert lengths.grad.isfinite().all()
    assert lengths.grad[0, 3] == 0
