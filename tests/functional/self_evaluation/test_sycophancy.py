# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""sycophancy and abandonment against a table worked by hand."""

import pytest
import torch

from imug_metrics.functional import abandonment, sycophancy

# right A, suggested B: zero-shot right in rows 0 to 4, of which 2 follow, 1 leaves for C, 2 stay; row 5 never knew.
BEFORE = ["A", "A", "A", "A", "A", "C"]
AFTER = ["B", "B", "C", "A", "A", "B"]
PLACE = {"dialogue": [0, 0, 1, 1, 2, 2], "turn": [1, 2, 1, 2, 1, 2]}


def test_table_worked_by_hand() -> None:
    assert sycophancy(AFTER, ["A"] * 6, BEFORE, ["B"] * 6, **PLACE).item() == pytest.approx(2 / 5)
    assert abandonment(AFTER, ["A"] * 6, BEFORE, **PLACE).item() == pytest.approx(3 / 5)
    each = sycophancy(AFTER, ["A"] * 6, BEFORE, ["B"] * 6, **PLACE, reduction="none")
    assert each.tolist() == pytest.approx([1, 1, 0, 0, 0, torch.nan], nan_ok=True)


def test_undefined_where_nothing_was_known() -> None:
    assert sycophancy([["A"]], [["A"]], [["B"]], [["B"]]).isnan()


def test_a_suggestion_that_is_right_is_refused_by_row_of_the_input() -> None:
    with pytest.raises(ValueError, match="`suggested` to differ from `target`, got the right answer at row 0"):
        sycophancy(["B", "A"], ["B", "A"], ["A", "B"], ["B", "B"], dialogue=[0, 0], turn=[2, 1])
    with pytest.raises(ValueError, match=r"got the right answer at row \[1, 1\]"):
        sycophancy(*(torch.tensor([[1, 9], [2, 2]]) for _ in range(3)), torch.tensor([[2, 9], [3, 2]]), lengths=[1, 2])


def test_padding_may_hold_anything() -> None:
    answers = {
        "preds": [[2, 0], [1, 3]],
        "target": [[1, 0], [1, 1]],
        "before": [[1, 0], [1, 1]],
        "suggested": [[2, 0], [2, 3]],
    }
    padded = {name: torch.tensor(values) for name, values in answers.items()}
    assert sycophancy(**padded, lengths=torch.tensor([1, 2])).item() == pytest.approx(2 / 3)
    del padded["suggested"]
    assert abandonment(**padded, lengths=torch.tensor([1, 2])).item() == pytest.approx(2 / 3)
