# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""self_bias by hand."""

import pytest
import torch

from imug_metrics.functional import self_bias


def test_the_model_s_score_minus_the_reference() -> None:
    scores, references = [[0.5, 0.7, 0.9], [0.4, 0.5, 0.6]], [[0.5, 0.6, 0.7], [0.4, 0.4, 0.4]]
    assert self_bias(scores, references).item() == pytest.approx(0.1)
    found = self_bias(scores, references, reduction="none")
    assert found.flatten().tolist() == pytest.approx([0, 0.1, 0.2, 0, 0.1, 0.2])


def test_absent_scores_unknown_references_and_padding_are_left_out() -> None:
    scores, references = (
        torch.tensor([[0.5, 0.7, 0.9], [0.4, 0.0, 0.0]]),
        torch.tensor([[0.4, torch.nan, 0.7], [0.1, 0, 0]]),
    )
    scores[0, 2] = torch.nan
    found = self_bias(scores, references, lengths=torch.tensor([3, 1]), reduction="none")
    assert found.flatten().tolist() == pytest.approx([0.1, *[torch.nan] * 2, 0.3, *[torch.nan] * 2], nan_ok=True)


def test_an_infinite_score_or_reference_is_not_known() -> None:
    found = self_bias([[0.5, torch.inf, 0.9]], [[torch.inf, 0.5, 0.7]], turn=[1, 2, 3], reduction="none")
    assert found[0].tolist() == pytest.approx([torch.nan, torch.nan, 0.2], nan_ok=True)


def test_references_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="`references` to have one entry for each of `scores`"):
        self_bias([[0.5, 0.7]], [[0.5]])


def test_gradient() -> None:
    scores = torch.tensor([[0.5, 0.7]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: self_bias(s, [[0.4, 0.8]]), (scores,))
