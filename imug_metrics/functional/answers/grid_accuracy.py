# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Boards of 3 x 3 cells found in images, scored by rule."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.functional.reduce import reduce_values

EMPTY, FILLED, RED, GREEN = range(4)
NO_BOARD = -1
BEST = 5.0
"""What a point that is met scores."""


def grid_accuracy(
    preds: Tensor,
    target: Tensor,
    counts: Tensor | int = 4,
    *,
    protocol: Protocol = "strict",
    reduction: Literal["none", "mean"] = "mean",
) -> Tensor:
    """How much of a board is right: mean of its points. Range 0 to 1, higher is better.

    The points are those of the grid scorer of IMUG-Bench (arXiv 2606.09169, released scorer), each met or not:
    1 a board was found, 2 the filled cells are the right ones, 3 the red cells are, 4 the green cells are. Where the
    filled cells differ, later points are not met.

    Args:
        preds: integer codes `[N, 3, 3]`: 0 empty, 1 filled, 2 red, 3 green; all -1 where no board was found.
        target: codes of the right boards, without -1.
        counts: points of the task, one number or `[N]`. A task with three does not look at green; points beyond
            the fourth are never met.
        protocol: `"strict"`: a task's own points and no others count. `"imug"`: a point 1 or 2 that is met is counted
            even if the task has fewer points, as in the released scorer.
        reduction: `"none"` for `[N]` values, NaN where no point counts, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar.

    Raises:
        ValueError: if shapes differ or a code is unknown; the message names the row.
        TypeError: if codes are not integers.

    Example:
        >>> target = torch.tensor([[[2, 0, 0], [0, 3, 0], [0, 0, 1]]])
        >>> grid_accuracy(target, target)
        tensor(1., dtype=torch.float64)
        >>> grid_accuracy(target.clamp(max=1), target)  # the cells without their colours
        tensor(0.5000, dtype=torch.float64)
    """
    points = grid_points(preds, target, counts, protocol=protocol)
    return reduce_values(points.nanmean(1) / BEST, reduction)


def grid_points(preds: Tensor, target: Tensor, counts: Tensor | int = 4, *, protocol: Protocol = "strict") -> Tensor:
    """The points of boards, one by one.

    Args:
        preds, target, counts, protocol: as in `grid_accuracy`.

    Returns:
        float64 `[N, P]` of 0 and 5, where P is at least 4; NaN where a point does not count.

    Raises:
        ValueError: if shapes differ or a code is unknown; the message names the row.
        TypeError: if codes are not integers.

    Example:
        >>> board = torch.zeros(1, 3, 3, dtype=torch.int8)
        >>> grid_points(board, board, 1), grid_points(board, board, 1, protocol="imug")[0, :2].tolist()
        (tensor([[5., nan, nan, nan]], dtype=torch.float64), [5.0, 5.0])
    """
    preds, target, counts = as_codes(preds), as_codes(target), as_counts(counts, preds)
    look(board_checks(preds, target, counts), like=preds)
    points = first_points(preds, target, counts, protocol=protocol) * BEST
    beyond = torch.arange(5, max(int(counts.max()) if len(counts) else 0, 4) + 1, device=preds.device)
    never = torch.where(beyond <= counts[:, None], 0.0, torch.nan).double()
    return torch.cat([points, never], 1)


def as_codes(codes: Tensor) -> Tensor:
    """Codes of a dtype that has a -1: of unsigned integers it would stand for the largest."""
    return codes if codes.dtype.is_signed or codes.dtype == torch.bool else codes.long()


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


def board_checks(preds: Tensor, target: Tensor, counts: Tensor) -> list[Check]:
    """The checks of the values of boards `[N, 3, 3]` and of their numbers of points `[N]`.

    Raises:
        ValueError: if shapes differ.
        TypeError: if codes are not integers.
    """
    checks = [_code_check("preds", preds, NO_BOARD), _code_check("target", target, EMPTY)]
    if preds.shape != target.shape:
        raise ValueError(
            f"Expected argument `target` to have the shape of `preds`, {list(preds.shape)}, got {list(target.shape)}."
        )

    def message(row: int) -> str:
        return f"Expected argument `counts` to be >= 0, got {int(counts[row])} at row {row}."

    return [*checks, Check(counts < 0, message)]


def _code_check(argument: str, codes: Tensor, least: int) -> Check:
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise TypeError(f"Expected argument `{argument}` to hold integer codes, got {codes.dtype}.")
    if codes.ndim != 3 or codes.shape[1:] != (3, 3):
        raise ValueError(f"Expected argument `{argument}` to have shape [N, 3, 3], got {list(codes.shape)}.")
    wrong = codes.clamp(least, GREEN) != codes
    if least == NO_BOARD:
        absent = codes == NO_BOARD
        wrong = wrong | (absent != absent[:, :1, :1])  # all cells of a board are there or none

    def message(cell: int) -> str:
        row = cell // 9
        return (
            f"Expected argument `{argument}` to hold codes {EMPTY} to {GREEN}"
            f"{'' if least == EMPTY else ' or nine times -1'}, got {codes[row].tolist()} at row {row}."
        )

    return Check(wrong, message)


def as_counts(counts: Tensor | int, preds: Tensor) -> Tensor:
    """Numbers of points as integers `[N]`.

    Raises:
        ValueError: if they are no integers, or not one for each board.
    """
    if isinstance(counts, int):
        return constant(torch.full, (len(preds),), counts, like=preds)
    counts = torch.as_tensor(counts, device=preds.device)
    if counts.is_floating_point() or counts.ndim > 1 or (counts.ndim == 1 and len(counts) != len(preds)):
        raise ValueError(
            f"Expected argument `counts` to be an integer or integers [{len(preds)}], got {counts.dtype} of shape "
            f"{list(counts.shape)}."
        )
    return counts.expand(len(preds))
