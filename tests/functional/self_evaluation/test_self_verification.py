# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""self_verification and permissiveness_drift by hand; tests of the class hold them against statsmodels."""

import numpy as np
import pytest
import torch

from imug_metrics.functional import permissiveness_drift, self_verification

VERDICTS = [[0, 0, 1], [0, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1], [0, 1, 1]]
TRUTH = [[0, 0, 0]] * 3 + [[1, 1, 1]] * 3


def test_balanced_accuracy_and_right_verdicts() -> None:
    assert self_verification(VERDICTS, TRUTH).item() == pytest.approx(1 - (6 / 9 + 2 / 9) / 2)
    values = self_verification(VERDICTS, TRUTH, reduction="none")
    assert values.tolist() == (np.array(VERDICTS) == np.array(TRUTH)).astype(float).tolist()


def test_drift_weighs_dialogues_of_one_length_alike() -> None:
    assert permissiveness_drift(VERDICTS, TRUTH).item() == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


def test_drift_on_the_scale_of_log_odds_is_that_of_the_rates_by_turn() -> None:
    """Of three turns with rates 1/5, 1/2, 4/5 the log-odds rise by log 4 a turn."""
    accepted = torch.tensor([[t * 3 + 2 > row for t in range(3)] for row in range(10)]).double()
    found = permissiveness_drift(accepted, torch.zeros(10, 3), scale="logit")
    assert found.item() == pytest.approx(np.log(4), abs=1e-6)


def test_judge_that_accepts_everything_scores_one_half() -> None:
    assert self_verification([[1, 1], [1, 1]], [[1, 0], [0, 1]]).item() == 0.5


def test_undefined_without_wrong_work() -> None:
    assert self_verification([[1, 0]], [[1, 1]]).isnan()
    assert permissiveness_drift([[1, 0]], [[1, 1]]).isnan()
    assert permissiveness_drift([[1, 0]], [[1, 1]], scale="logit").isnan()


def test_lengths_end_the_dialogues_of_a_padded_batch() -> None:
    preds, target = torch.tensor([[1, 1, 1], [0, 0, 0]]), torch.tensor([[1, 1, 0], [0, 1, 1]])
    assert self_verification(preds, target, lengths=torch.tensor([2, 1])).item() == 1
    drifting = permissiveness_drift(torch.tensor([[0, 1, 0]]), torch.zeros(1, 3), lengths=torch.tensor([2]))
    assert drifting.item() == pytest.approx(1)


def test_what_is_neither_is_refused_by_name_and_row() -> None:
    with pytest.raises(ValueError, match=r"`target` to hold 1 and 0, got 2 at row 0"):
        self_verification([1], [2], dialogue=[0], turn=[1])
    with pytest.raises(ValueError, match=r"`scale` to be 'rate' or 'logit'"):
        permissiveness_drift([1], [0], dialogue=[0], turn=[1], scale="probit")
