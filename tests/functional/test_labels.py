# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Labels from tensors, arrays and lists compare as their items do."""

import numpy as np
import pytest
import torch

from imug_metrics.dialogues.checks import look
from imug_metrics.functional.labels import agreement, binary_column, label_columns, right_column


def test_lists_and_tensors_compare_as_their_items_do() -> None:
    rows = label_columns(preds=[3, 1, None, 2], target=torch.tensor([3, 2, 1, 2]))
    found = agreement(rows["preds"].values, rows["target"].values)
    assert found[[0, 1, 3]].tolist() == [1, 0, 1]
    assert found[2].isnan()


def test_right_rows_of_words_arrays_and_ready_made_answers_agree() -> None:
    expected = [1.0, 0.0, 1.0]
    assert right_column(["x", "y", "z"], ["x", "x", "z"]).values.tolist() == expected
    assert right_column(np.array([4, 5, 6]), np.array([4, 4, 6])).values.tolist() == expected
    assert right_column([True, False, True], None).values.tolist() == expected


def test_absent_labels_agree_with_nothing_not_even_each_other() -> None:
    assert right_column([None, float("nan")], [None, float("nan")]).values.isnan().all()


def test_lists_of_dialogues_say_where_they_end_and_none_is_absent() -> None:
    rows = binary_column("preds", [[1, None, 0], [1]])
    assert rows.shape == (2, 3)
    assert rows.ends == (3, 1)
    assert rows.values.isnan().tolist() == [False, True, False, False, True, True]


@pytest.mark.parametrize("label", [2, -1, 0.5, float("inf")])
def test_labels_that_are_neither_one_nor_zero_are_refused(label: float) -> None:
    with pytest.raises(ValueError, match=r"`preds` to hold 1 and 0, got .* at row 1"):
        look(binary_column("preds", torch.tensor([1.0, label])).checks, like=torch.ones(1))


def test_words_are_no_verdicts() -> None:
    with pytest.raises(TypeError, match="`preds` to hold 1 and 0, got 'yes' at row 0"):
        binary_column("preds", ["yes"])
