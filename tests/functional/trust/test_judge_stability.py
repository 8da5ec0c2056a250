# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The order of models by two judges, as a function of their means."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.functional.trust.judge_stability import judge_pairs, mean_of_pairs, order_agreement, top_agreement


def test_what_rounding_takes_apart_is_a_tie() -> None:
    means = torch.tensor([[0.1 + 0.2, 0.3], [0.3, 0.1 + 0.2], [0.1, 0.1]], dtype=torch.float64)
    assert order_agreement(means).tolist() == pytest.approx([1.0])
    assert top_agreement(means).tolist() == [1.0]


def test_models_without_outputs_are_left_out() -> None:
    means = torch.tensor([[0.1, 0.2], [torch.nan, torch.nan], [0.3, 0.1]], dtype=torch.float64)
    assert order_agreement(means).tolist() == [-1.0]
    assert top_agreement(means).tolist() == [0.0]
    assert top_agreement(means[:2]).isnan().all()


def test_batches_of_means_are_each_by_itself() -> None:
    means = torch.rand(7, 4, 3, dtype=torch.float64)
    every = order_agreement(means)
    for row in range(7):
        assert torch.equal(every[row], order_agreement(means[row]))
    assert every.shape[-1] == len(judge_pairs(3))
    assert mean_of_pairs(torch.tensor([torch.nan, 0.5])) == 0.5
