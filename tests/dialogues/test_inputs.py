# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of an update as packed columns."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from imug_metrics import AnswerAccuracy, VerdictSpecificity
from imug_metrics.dialogues.columns import Column, flatten_lists, score_column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs


def lists_column(lists: list[list[float | None]]) -> Column:
    cells, shape, present, ends = flatten_lists("scores", lists)
    values = torch.tensor([torch.nan if cell is None else cell for cell in cells], dtype=torch.float64)
    return Column(values, shape, present, ends)


def packed(*args: Any, **columns: list[list[float | None]]) -> PackedInputs:
    return pack_inputs({name: lists_column(lists) for name, lists in columns.items()}, *args)


def turns(inputs: PackedInputs) -> list[int]:
    """The turns of the records, without the padding."""
    return inputs.batch.turn[inputs.batch.is_record].tolist()


def test_lists_say_where_dialogues_end_whatever_the_turns_are_called() -> None:
    inputs = packed(None, [2, 4, 6], scores=[[0.1, 0.2, 0.3], [0.4, None]])
    assert turns(inputs) == [2, 4, 6, 2, 4]
    assert inputs.batch.valid.tolist() == [True, True, True, True, False, False]


def test_lengths_beside_lists_that_differ_in_length_must_agree_with_them() -> None:
    lists: list[list[float | None]] = [[0.1, 0.2, 0.3], [0.4, None]]
    assert packed(None, None, None, None, [3, 2], scores=lists).batch.is_record.tolist() == [True] * 5 + [False]
    with pytest.raises(ValueError, match="`scores` to have the dialogues of `lengths`, of 1 turns, got 2 at row 1"):
        packed(None, None, None, None, [3, 1], scores=lists)
    with pytest.raises(ValueError, match="`lengths` to lie in 0 to 3"):
        packed(None, None, None, None, [3, 4], scores=lists)


def test_lists_of_one_length_are_padded_and_end_where_lengths_say() -> None:
    inputs = packed(None, None, None, None, [2, 1], scores=[[0.1, None], [0.4, 0.5]])
    assert turns(inputs) == [1, 2, 1]
    assert inputs.batch.valid.tolist() == [True, False, True, False]


def test_lists_of_two_arguments_must_agree() -> None:
    with pytest.raises(ValueError, match="`target` to have the dialogues of `preds`, of 1 turns, got 2 at row 0"):
        packed(preds=[[0.1], [0.2, 0.3]], target=[[0.1, 0.4], [0.2, 0.3]])


def test_lists_of_text_must_agree_too() -> None:
    keys, texts = [["B", "A"], ["C", "D"]], [["red", "blue"], ["green"]]
    with pytest.raises(ValueError, match="`target` to have the dialogues of `preds`, of 1 turns, got 2 at row 0"):
        AnswerAccuracy().update([["B"], ["C", "D"]], keys)
    with pytest.raises(ValueError, match="`texts` to have the dialogues of `verdicts`, of 2 turns, got 1 at row 1"):
        VerdictSpecificity().update([["red", "blue"], ["green", "red"]], texts)


def test_lengths_that_differ_from_lists_of_text_name_what_the_caller_gave() -> None:
    with pytest.raises(ValueError, match="`preds` to have the dialogues of `lengths`, of 2 turns, got 1 at row 1"):
        AnswerAccuracy().update([["B", "A"], ["C"]], [["B", "A"], ["C"]], lengths=torch.tensor([2, 2]))


@pytest.mark.parametrize("wrong", [1.5, -0.1, math.inf, -math.inf])
def test_bounds_hold_where_a_cell_counts(wrong: float) -> None:
    def pack_within(row: int, **where: Any) -> PackedInputs:
        scores, other = torch.full((2, 3), 0.5), torch.full((2, 3), 0.5)
        (scores if where.pop("output") else other)[row, 2] = wrong
        columns = {"scores": score_column("scores", scores, (0, 1)), "other": score_column("other", other, (0, 1))}
        return pack_inputs(columns, **where)

    masked = torch.tensor([[True, True, True], [True, True, False]])
    for name, output in (("scores", True), ("other", False)):
        with pytest.raises(ValueError, match=rf"`{name}` to lie in \[0, 1\], got {wrong:g} at row \[1, 2\]"):
            pack_within(1, output=output)
        pack_within(1, output=output, lengths=torch.tensor([3, 2]))  # padding
        pack_within(1, output=output, validate=False)
    turn = torch.tensor([[1, 2, 3], [1, 2, 3]])
    pack_within(1, output=True, turn=turn, valid=masked)
    with pytest.raises(ValueError, match="`other` to lie"):  # `valid` speaks of the outputs alone
        pack_within(1, output=False, turn=turn, valid=masked)
