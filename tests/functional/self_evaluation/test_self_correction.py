# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""self_correction by hand, and the relative score by the algebra of its source."""

import numpy as np
import pytest
import torch

from imug_metrics.functional import relative_correction, self_correction

# Of 4 right before, 3 stay right; of 4 wrong before, 2 become right.
BEFORE = [[1, 1, 0, 0], [1, 1, 0, 0]]
AFTER = [[1, 1, 1, 0], [0, 1, 1, 0]]


def test_one_where_an_answer_became_right_and_minus_one_where_it_became_wrong() -> None:
    assert self_correction(AFTER, BEFORE).item() == pytest.approx(1 / 8)
    assert self_correction(AFTER, BEFORE, reduction="none").tolist() == (np.array(AFTER) - BEFORE).tolist()


def test_labels_with_a_target_and_absent_answers() -> None:
    before, after, right = [["A", "B"], ["C", "A"]], [["A", None], ["A", "A"]], [["A", "B"], ["A", "A"]]
    found = self_correction(after, before, right, reduction="none")
    assert found.flatten().tolist() == pytest.approx([0, torch.nan, 1, 0], nan_ok=True)


@pytest.mark.parametrize(("after", "expected"), [(0.36, 0.0), (0.6, 0.5), (1 - 0.16, 1.0)])
def test_relative_score_is_anchored_at_acc_squared_no_change_and_one_minus_error_squared(
    after: float, expected: float
) -> None:
    found = relative_correction(torch.tensor(0.6).double(), torch.tensor(after).double())
    assert found.item() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("before", [0.0, 1.0])
def test_relative_score_is_undefined_where_all_was_right_or_wrong(before: float) -> None:
    assert relative_correction(torch.tensor(before), torch.tensor(0.5)).isnan()


def test_lengths_end_the_dialogues_of_a_padded_batch() -> None:
    after, before = torch.tensor([[1, 1], [1, 0]]), torch.tensor([[0, 1], [0, 1]])
    assert self_correction(after, before, lengths=torch.tensor([2, 1])).item() == pytest.approx(2 / 3)
