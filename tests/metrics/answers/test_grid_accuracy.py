# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`GridAccuracy`: its steps, padding, and what is absent."""

from __future__ import annotations

import pytest
import torch

from imug_metrics import GridAccuracy
from imug_metrics.functional import grid_accuracy
from tests.metrics import cases

CASES = {
    "grid": cases.Case(GridAccuracy, cases.boards, rows="codes"),
}

BOARD = torch.tensor([[2, 0, 0], [0, 3, 0], [0, 0, 1]])


def test_steps_of_boards() -> None:
    preds = torch.stack([BOARD, BOARD.clamp(max=1), torch.full((3, 3), -1), BOARD])
    metric = GridAccuracy(detail=True)
    counts = torch.tensor([4, 4, 4, 2])
    metric.update(preds, BOARD.expand(4, 3, 3), counts, dialogue=[1, 1, 2, 2], turn=[1, 2, 1, 2])
    found = {key.removeprefix("grid_accuracy"): value.item() for key, value in metric.compute().items()}
    assert found[""] == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert found[""] == grid_accuracy(preds, BOARD.expand(4, 3, 3), counts).item()
    assert found["_found"] == 0.75
    assert found["_pattern"] == 0.75
    assert found["_red"] == found["_green"] == pytest.approx(1 / 3), "the task with two points has no colours"
    assert found["_cell"] == pytest.approx((9 + 7 + 0 + 9) / 36)


def test_padded_boards() -> None:
    flat = GridAccuracy(detail=True)
    flat.update(BOARD.expand(3, 3, 3), BOARD.clamp(max=2).expand(3, 3, 3), dialogue=[0, 0, 1], turn=[1, 2, 1])
    padded = GridAccuracy(detail=True)
    valid = torch.tensor([[True, True], [True, False]])
    turn = torch.tensor([[1, 2], [1, 0]])
    boards = BOARD.expand(2, 2, 3, 3)
    padded.update(boards, boards.clamp(max=2), dialogue=[0, 1], turn=turn, valid=valid)
    expected = flat.compute()
    for key, value in padded.compute().items():
        torch.testing.assert_close(value, expected[key], equal_nan=True)


def test_an_absent_image_is_no_board_without_a_board() -> None:
    for missing, expected in (("skip", 1.0), ("zero", 0.5)):
        metric = GridAccuracy(missing=missing)
        metric.update(
            BOARD.expand(2, 3, 3),
            BOARD.expand(2, 3, 3),
            dialogue=[1, 2],
            turn=[1, 1],
            valid=torch.tensor([True, False]),
        )
        assert metric.compute() == expected


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    metric = GridAccuracy(detail=True)
    boards = BOARD.expand(2, 2, 3, 3)
    metric.update(boards, boards, lengths=torch.tensor([1, 2]))
    assert metric.compute()["grid_accuracy_n"] == 3
