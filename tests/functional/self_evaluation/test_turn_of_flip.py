# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_of_flip and flips against a table worked by hand."""

import pytest
import torch

from imug_metrics.functional import flips, turn_of_flip

#   held 1, then back; held 3 or more; held 2; never held; held 1 or more
TABLE = [[1, 0, 1], [1, 1, 1], [1, 1, 0], [0, 0], [1]]


def test_table_worked_by_hand() -> None:
    survival = [4 / 5, 4 / 5 * 2 / 3, 4 / 5 * 2 / 3 * 1 / 2]  # at risk 5, 3, 2; flips 1, 1, 1
    each = flips(TABLE)
    assert each.turns.tolist() == [1, 3, 2, 0, 1]
    assert each.censored.tolist() == [False, True, False, False, True]
    assert each.changes.tolist() == [2, 0, 1, 0, 0]
    assert turn_of_flip(TABLE).item() == pytest.approx(sum(survival))
    assert turn_of_flip(TABLE, reduction="none").tolist() == [1, 3, 2, 0, 1]


def test_lengths_end_the_dialogues_of_a_padded_batch() -> None:
    padded = torch.tensor([line + [0] * (3 - len(line)) for line in TABLE])
    lengths = torch.tensor([len(line) for line in TABLE])
    assert turn_of_flip(padded, lengths=lengths).item() == pytest.approx(turn_of_flip(TABLE).item())
    assert flips(padded, lengths=lengths).censored.tolist() == flips(TABLE).censored.tolist()


def test_a_gap_censors_and_a_missing_first_turn_says_nothing() -> None:
    scores, dialogue, turn = [1, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 2], [1, 3, 4, 2, 3, 1]
    each = flips(scores, dialogue=dialogue, turn=turn)
    assert each.turns[0].item() == 1
    assert each.turns[1].isnan()
    assert each.censored.tolist() == [True, False, True]
    assert each.changes.tolist() == [1, 1, 0]


def test_an_absent_answer_that_ends_the_watch_is_silence() -> None:
    padded = torch.tensor([[1, 1, torch.nan, 1], [1, 0, torch.nan, 1], [1, 1, torch.nan, 1], [torch.nan, 1, 1, 1]])
    assert flips(padded, lengths=torch.tensor([4, 4, 2, 4])).silent.tolist() == [True, False, False, True]
    assert flips([1, 1, 0], dialogue=[0, 0, 0], turn=[1, 3, 4]).silent.tolist() == [False]


def test_labels_are_aligned_where_they_equal_the_target() -> None:
    answers, right = [["Paris", "Paris", "Rome"], ["Rome", "Paris"]], [["Paris"] * 3, ["Paris"] * 2]
    assert flips(answers, right).turns.tolist() == [2, 0]
    assert turn_of_flip(torch.tensor([[3, 3, 1]]), torch.tensor([[3, 3, 3]]), reduction="none").tolist() == [2]


def test_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`preds` to hold 1 and 0, got 3 at row \[0, 1\]"):
        flips([[1, 3]])
    with pytest.raises(ValueError, match="`reduction`"):
        turn_of_flip([[1, 0]], reduction="sum")
