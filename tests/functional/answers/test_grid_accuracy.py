# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Points of boards against the released scorer's, and the codes that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from imug_metrics.functional import grid_accuracy, grid_points
from imug_metrics.functional.answers.grid_accuracy import NO_BOARD

CODES = {"0": 0, "1": 1, "r": 2, "g": 3}
BOARD = torch.tensor([[2, 0, 0], [0, 3, 0], [0, 0, 1]])


def _codes(board: list[list[str]] | None) -> list[list[int]]:
    return [[NO_BOARD] * 3] * 3 if board is None else [[CODES[cell] for cell in line] for line in board]


@pytest.mark.parametrize("file", ["grid_logic.jsonl", "grid.jsonl"])
def test_points_of_the_released_scorer(golden: Path, file: str) -> None:
    rows = [json.loads(line) for line in (golden / file).read_text(encoding="utf-8").splitlines()]
    # The truth may hold anything but the text "0" for a filled cell.
    truth = [[[CODES.get(cell, 1) for cell in line] for line in row["ground_truth"]] for row in rows]
    found = grid_points(
        torch.tensor([_codes(row["detected"]) for row in rows]),
        torch.tensor(truth),
        torch.tensor([row["point_count"] for row in rows]),
        protocol="imug",
    )
    written = [[[k + 1, int(p)] for k, p in enumerate(line) if p == p] for line in found.tolist()]
    assert len(rows) > 400
    assert written == [row["scores"] for row in rows]


@pytest.mark.parametrize(
    ("preds", "points"),
    [
        (BOARD, [5, 5, 5, 5]),
        (BOARD.clamp(max=1), [5, 5, 0, 0]),
        (BOARD.clamp(max=2), [5, 5, 0, 0]),
        (torch.where(BOARD == 3, 1, BOARD), [5, 5, 5, 0]),
        (torch.where(BOARD == 2, 1, BOARD), [5, 5, 0, 5]),
        (torch.zeros(3, 3, dtype=torch.int64), [5, 0, 0, 0]),
        (torch.full((3, 3), NO_BOARD), [0, 0, 0, 0]),
    ],
)
def test_each_point(preds: torch.Tensor, points: list[int]) -> None:
    assert grid_points(preds[None], BOARD[None])[0].tolist() == points


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int8, torch.int32])
def test_codes_may_be_of_any_integer_dtype(dtype: torch.dtype) -> None:
    boards = torch.stack([BOARD, BOARD.clamp(max=1)]).to(dtype)
    assert grid_points(boards, BOARD.expand(2, 3, 3).to(dtype)).tolist() == [[5, 5, 5, 5], [5, 5, 0, 0]]


def test_strict_counts_the_points_of_the_task_alone() -> None:
    boards = BOARD.expand(4, 3, 3)
    strict = grid_points(boards, boards, torch.tensor([0, 1, 3, 6]))
    assert (~strict.isnan()).sum(1).tolist() == [0, 1, 3, 6]
    released = grid_points(boards, boards, torch.tensor([0, 1, 3, 6]), protocol="imug")
    assert (~released.isnan()).sum(1).tolist() == [2, 2, 3, 6]
    torch.testing.assert_close(
        grid_accuracy(boards, boards, torch.tensor([0, 1, 3, 6]), reduction="none"),
        torch.tensor([torch.nan, 1, 1, 4 / 6], dtype=torch.float64),
        equal_nan=True,
    )


@pytest.mark.parametrize(
    ("preds", "target", "error", "message"),
    [
        (BOARD[None].float(), BOARD[None], TypeError, "`preds` to hold integers"),
        (BOARD, BOARD, ValueError, "`preds` to have shape"),
        (BOARD[None], BOARD[None] + 9, ValueError, "`target` to hold codes 0 to 3, got .* at row 0"),
        (BOARD[None] - 1, BOARD[None], ValueError, "`preds` .* or nine times -1"),
        (BOARD[None], torch.full((1, 3, 3), -1), ValueError, "`target`"),
        (BOARD.expand(2, 3, 3), BOARD[None], ValueError, "one board for each of `preds`"),
    ],
)
def test_refused(preds: torch.Tensor, target: torch.Tensor, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        grid_points(preds, target)


def test_counts_are_checked() -> None:
    with pytest.raises(ValueError, match="`counts` to be >= 0, got -1 at row 1"):
        grid_points(BOARD.expand(2, 3, 3), BOARD.expand(2, 3, 3), torch.tensor([2, -1]))
    with pytest.raises(ValueError, match="`counts` to be an integer"):
        grid_points(BOARD[None], BOARD[None], torch.tensor([2, 3]))


def test_no_boards_is_nan() -> None:
    none = torch.zeros(0, 3, 3, dtype=torch.int64)
    assert grid_accuracy(none, none).isnan()
    assert grid_points(none, none).shape == (0, 4)
