# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Boards of 3 x 3 cells found in images, scored by rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arrays import INTEGERS, read_array
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.holders import place_of
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.functional.reduce import reduce_values

EMPTY, FILLED, RED, GREEN = range(4)
NO_BOARD = -1
BEST = 5.0
"""What a point that is met scores."""

Codes = Tensor | Sequence[Any]
"""Integer codes of boards, in a tensor or in lists; None for an absent one."""


def grid_accuracy(
    preds: Codes,
    target: Codes,
    counts: Tensor | Sequence[int] | int = 4,
    *,
    protocol: Protocol = "strict",
    reduction: Literal["none", "mean"] = "mean",
) -> Tensor:
    """How much of a board is right: mean of its points. Range 0 to 1, higher is better.

    The points are those of the grid scorer of IMUG-Bench (arXiv 2606.09169, released scorer), each met or not:
    1 a board was found, 2 the filled cells are the right ones, 3 the red cells are, 4 the green cells are. Where the
    filled cells differ, later points are not met.

    Args:
        preds: integer codes `[N, 3, 3]`, in a tensor, an array or lists: 0 empty, 1 filled, 2 red, 3 green; all -1
            where no board was found, None for an absent image.
        target: codes of the right boards, without -1; None where not known.
        counts: points of the task, one number or `[N]`. A task with three does not look at green; points beyond
            the fourth are never met.
        protocol: `"strict"`: a task's own points and no others count. `"imug"`: a point 1 or 2 that is met is counted
            even if the task has fewer points, as in the released scorer.
        reduction: `"none"` for `[N]` values, NaN where no point counts, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar.

    Raises:
        InputError: if shapes differ, codes are not integers, or one is unknown.

    Example:
        >>> target = torch.tensor([[[2, 0, 0], [0, 3, 0], [0, 0, 1]]])
        >>> grid_accuracy(target, target)
        tensor(1., dtype=torch.float64)
        >>> grid_accuracy(target.clamp(max=1), target)  # the cells without their colours
        tensor(0.5000, dtype=torch.float64)
    """
    points = grid_points(preds, target, counts, protocol=protocol)
    return reduce_values(points.nanmean(1) / BEST, reduction)


def grid_points(
    preds: Codes, target: Codes, counts: Tensor | Sequence[int] | int = 4, *, protocol: Protocol = "strict"
) -> Tensor:
    """The points of boards, one by one.

    Args:
        preds, target, counts, protocol: as in `grid_accuracy`.

    Returns:
        float64 `[N, P]` of 0 and 5, where P is at least 4; NaN where a point does not count.

    Raises:
        InputError: if shapes differ, codes are not integers, or one is unknown.

    Example:
        >>> board = torch.zeros(1, 3, 3, dtype=torch.int8)
        >>> grid_points(board, board, 1), grid_points(board, board, 1, protocol="imug")[0, :2].tolist()
        (tensor([[5., nan, nan, nan]], dtype=torch.float64), [5.0, 5.0])
    """
    boards = read_boards(preds, target, counts)
    if len(boards.shape) > 1:
        raise InputError("preds", "to have shape [N, 3, 3]", [*boards.shape, 3, 3])
    cells, number = boards.preds, boards.counts
    look(board_checks(boards), like=cells)
    points = first_points(cells, boards.target, number, protocol=protocol) * BEST
    beyond = torch.arange(5, max(int(number.max()) if len(number) else 0, 4) + 1, device=cells.device)
    never = torch.where(beyond <= number[:, None], 0.0, torch.nan).double()
    points = torch.cat([points, never], 1)
    return points if boards.present is None else points.masked_fill(~boards.present[:, None], torch.nan)


class Boards(NamedTuple):
    """Boards and their tasks, one row a board.

    Attributes:
        preds, target: signed integer codes `[N, 3, 3]`.
        counts: integers `[N]`, points of the tasks.
        shape: `(N,)` for flat boards, `(B, T)` for padded ones.
        present: bool `[N]`, False where a list holds None; None: all are there.
        ends: for one list a dialogue, the number of turns of each; None: not known.
    """

    preds: Tensor
    target: Tensor
    counts: Tensor
    shape: tuple[int, ...]
    present: Tensor | None
    ends: tuple[int, ...] | None


def read_boards(preds: Any, target: Any, counts: Any) -> Boards:
    """Boards of any form as rows; `board_checks` has the checks of their codes.

    Raises:
        InputError: if shapes differ, or codes or counts are not integers.

    Example:
        >>> read_boards(torch.zeros(2, 3, 3, 3).int(), torch.zeros(2, 3, 3, 3).int(), 4).shape
        (2, 3)
    """
    cells, present, ends = _codes_of("preds", preds)
    wanted, known, _ = _codes_of("target", target)
    shape = tuple(cells.shape[:-2])
    if wanted.shape != cells.shape:
        expected = f"to have one board for each of `preds`, {[*cells.shape]}"
        raise InputError("target", expected, [*wanted.shape])
    number = _read_counts(counts, shape, cells)
    present = known if present is None else present if known is None else present & known
    rows = cells.flatten(0, -3), wanted.to(cells.device).flatten(0, -3)
    return Boards(*rows, number, shape, present, ends)


def _codes_of(argument: str, boards: Any) -> tuple[Tensor, Tensor | None, tuple[int, ...] | None]:
    """Codes `[N, 3, 3]` or `[B, T, 3, 3]`, which of them are there, flat, and where lists of them end."""
    codes, ends = read_array(argument, boards, INTEGERS, inner=2, filler=torch.nan)
    codes = codes.view(0, 3, 3) if codes.shape == (0,) else codes
    if codes.ndim not in (3, 4) or codes.shape[-2:] != (3, 3):
        raise InputError(argument, "to have shape [N, 3, 3] or [B, T, 3, 3]", [*codes.shape])
    present = None
    if codes.is_floating_point():  # integers, and NaN where a list has none
        present = codes[..., 0, 0].flatten() == codes[..., 0, 0].flatten()
        codes = codes.nan_to_num(EMPTY).long()
    # Of unsigned integers -1 would stand for the largest.
    return codes if codes.dtype.is_signed else codes.long(), present, ends


def _read_counts(counts: Any, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Numbers of points as integers `[N]`, on the device of `like`."""
    if isinstance(counts, Tensor) and counts.ndim == 0 and counts.device.type != "meta":
        counts = counts.item()
    rows = like.shape[:-2].numel()
    if isinstance(counts, (int, np.integer)) and not isinstance(counts, bool) and abs(int(counts)) < 2**31:
        return constant(torch.full, (rows,), int(counts), like=like)
    numbers = read_array("counts", counts, INTEGERS).values
    if tuple(numbers.shape) != shape:
        raise InputError("counts", f"to be an integer or to have one for each board, {[*shape]}", [*numbers.shape])
    return numbers.flatten().to(like.device).long()


def first_points(preds: Tensor, target: Tensor, counts: Tensor, *, protocol: Protocol = "strict") -> Tensor:
    """Whether the first four points are met, float64 `[N, 4]`, NaN where one does not count, of checked arguments."""
    check_protocol(protocol)
    met = _met(preds, target)
    place = constant(torch.arange, 1, 5, like=met)
    unwritten = place > counts[:, None]
    if protocol == "imug":
        unwritten = unwritten & ~(met & (place <= 2))
    return met.double().masked_fill(unwritten, torch.nan)


def _met(preds: Tensor, target: Tensor) -> Tensor:
    """Bool `[N, 4]`: board found, filled cells, red cells, green cells."""
    cells, wanted = preds.flatten(1)[:, None], target.flatten(1)[:, None]
    codes = constant(_codes, like=cells)
    right = ((cells == codes) == (wanted == codes)).all(2)  # the empty cells, which are the filled ones, red, green
    found = cells[:, 0, :1] != NO_BOARD
    return torch.cat([found, right & right[:, :1] & found], 1)


def _codes(device: torch.device) -> Tensor:
    return torch.tensor([EMPTY, RED, GREEN], device=device)[:, None]


def board_checks(boards: Boards) -> list[Check]:
    """The checks of the codes of boards and of their numbers of points."""
    checks = [
        _code_check("preds", boards.preds, NO_BOARD, boards.shape),
        _code_check("target", boards.target, EMPTY, boards.shape),
    ]
    counts = boards.counts

    def error(row: int) -> InputError:
        return InputError("counts", "to be >= 0", int(counts[row]), place_of(row, boards.shape))

    return [*checks, Check(counts < 0, error)]


def _code_check(argument: str, codes: Tensor, least: int, shape: tuple[int, ...]) -> Check:
    wrong = codes.clamp(least, GREEN) != codes
    if least == NO_BOARD:
        absent = codes == NO_BOARD
        wrong = wrong | (absent != absent[:, :1, :1])  # all cells of a board are there or none

    def error(cell: int) -> InputError:
        row = cell // 9
        expected = f"to hold codes {EMPTY} to {GREEN}{'' if least == EMPTY else ' or nine times -1'}"
        return InputError(argument, expected, codes[row].tolist(), place_of(row, shape))

    return Check(wrong, error)
