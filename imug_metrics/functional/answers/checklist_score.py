# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of weighted yes/no specifications that an output is judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.holders import opened, place_of
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.point_score import Points, masked_points, read_items
from imug_metrics.functional.reduce import reduce_values

ItemAnswers: TypeAlias = Tensor | Sequence[Any]
"""Answers to the items of lists, `[N, P]` or `[B, T, P]`, or lists of any length by turn."""

Code: TypeAlias = Callable[[str], "float | None"]

NOT_APPLICABLE = -1.0
ANSWERS = {"yes": 1.0, "no": 0.0, "n/a": NOT_APPLICABLE}
"""Answers in words, which are read whatever their case and the blanks around them."""

_EXPECTED = "to hold yes (1), no (0), n/a (-1), or None (NaN) where there is no answer"


def checklist_score(
    items: ItemAnswers,
    target: ItemAnswers | None = None,
    *,
    weights: ItemAnswers | None = None,
    masks: ItemAnswers | None = None,
    reduction: Literal["none", "mean"] = "mean",
) -> Tensor:
    """Share of the items of an output's checklist that are met. Range 0 to 1, higher is better.

        sum_i w_i [answer_i = target_i] / sum_i w_i

    over the items that apply and were answered. SpecV (ECCV 2026, yuyouxixi/SpecV) judges outputs by such lists.

    Args:
        items: answers `[N, P]`, or N lists of any length, where None stands for an output that was not judged: 1 or
            "yes", 0 or "no", -1 or "n/a" for an item that does not apply, NaN or None for one without an answer.
        target: the answers that meet the items, 1 or 0 (or yes or no) in the form of `items`; None: all yes.
        weights: of the items, from 0, in the form of `items`; None: all weigh alike.
        masks: bool in the form of `items`, the cells that are items; None: all are.
        reduction: `"none"` for `[N]` values, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar; NaN for an output of which no item that applies was answered.

    Raises:
        InputError: if shapes differ, or an argument holds anything else.

    Example:
        >>> checklist_score([["yes", "no", "n/a"], ["yes", None]], [[1, 1, 1], [1, 1]], reduction="none")
        tensor([0.5000, 1.0000], dtype=torch.float64)
        >>> checklist_score([["yes", "no"]], weights=[[3, 1]])
        tensor(0.7500, dtype=torch.float64)
    """
    found = read_checklist(items, target, weights, masks)
    if len(found.points.shape) > 1:
        raise InputError("items", "to have shape [N, P]", [*found.points.shape, found.met.shape[-1]])
    look(found.checks, like=found.met)
    return reduce_values(found.weighted, reduction)


class Checklists(NamedTuple):
    """Checklists of outputs, one row an output.

    Attributes:
        met: float64 `[N, P]`, 1 where an item that applies has the answer that meets it.
        weights: float64 `[N, P]`; None: all weigh alike.
        applies: bool `[N, P]`, True where there is an item that applies.
        answered: bool `[N, P]`, True where such an item was answered.
        points: the answers as `read_items` gives them.
        checks: of all arguments.
    """

    met: Tensor
    weights: Tensor | None
    applies: Tensor
    answered: Tensor
    points: Points
    checks: tuple[Check, ...]

    @property
    def share(self) -> Tensor:
        """float64 `[N]`, the share of the answered items that are met; NaN without any."""
        return shares(self.met, self.answered.double())

    @property
    def weighted(self) -> Tensor:
        """The same by weight."""
        weights = self.answered.double()
        if self.weights is not None:
            weights = (weights * self.weights).nan_to_num(0, 0, 0)
        return shares(self.met, weights)


def read_checklist(items: Any, target: Any = None, weights: Any = None, masks: Any = None) -> Checklists:
    """Checklists of any form as rows.

    Args:
        items, target, weights, masks: see `checklist_score`.

    Raises:
        InputError: if an argument has another shape than `items`, or holds no numbers and none of the words.
    """
    points = _read("items", items)
    values = points.values
    known = values.isnan() | (values == 0) | (values.abs() == 1)
    checks = [cell_check("items", _EXPECTED, values, known, points)]
    there = points.there if masks is None else masked_points(points, masks).there
    applies = there & (values != NOT_APPLICABLE)
    answered = applies & values.isfinite()
    expected = weighed = None
    if target is not None:
        expected, even = beside("target", target, points)
        known = expected.isnan() | (expected == 0) | (expected == 1)
        checks += [*even, cell_check("target", "to hold yes (1), no (0), or NaN", expected, known, points)]
        answered &= expected.isfinite()
    if weights is not None:
        weighed, even = beside("weights", weights, points)
        checks += [*even, cell_check("weights", "to hold finite numbers from 0", weighed, _is_weight(weighed), points)]
    met = answered & (values == (1 if expected is None else expected))
    return Checklists(met.double(), weighed, applies, answered, points, tuple(checks))


def _is_weight(values: Tensor) -> Tensor:
    return (values >= 0) & (values < torch.inf)


def shares(part: Tensor, whole: Tensor) -> Tensor:
    """Sums `[N]` of cells `[N, P]` over the sums of what they are a part of, each weighted by it; NaN of nothing."""
    total = whole.sum(-1)
    return ((part * whole).sum(-1) / total.masked_fill(total == 0, 1)).masked_fill(total == 0, torch.nan)


def beside(argument: str, values: Any, points: Points, code: Code | None = None) -> tuple[Tensor, tuple[Check, ...]]:
    """Cells `[N, P]` of another argument in the form of the items, NaN where there is none.

    Args:
        argument: its name, for errors.
        values: numbers, or words that `code` turns into numbers.
        points: the items.
        code: from a word to its number, None where it has none; by default of the words for yes and no.

    Returns:
        The cells, and the check that each row that was judged has as many of them as items.

    Raises:
        InputError: if the rows are others, or hold anything else.
    """
    found = _read(argument, values, code)
    if found.shape != points.shape:
        raise InputError(argument, f"to have the rows of `items`, {[*points.shape]}", [*found.shape])
    cells = found.values.to(points.values.device)
    width = points.values.shape[1]
    if cells.shape[1] == width and not isinstance(values, (list, tuple)):
        return cells, ()
    cells = cells.masked_fill(~found.there.to(cells.device), torch.nan)
    cells = F.pad(cells, (0, width - cells.shape[1]), value=torch.nan)
    counts, needed = found.there.sum(1).to(cells.device), points.there.sum(1)
    wrong = counts != needed
    if points.judged is not None:
        wrong &= points.judged.flatten().to(wrong.device)

    def error(row: int) -> InputError:
        expected = f"to have as many entries as `items`, {int(needed[row])}"
        return InputError(argument, expected, int(counts[row]), place_of(row, points.shape))

    return cells, (Check(wrong, error),)


def cell_check(argument: str, expected: str, cells: Tensor, fine: Tensor, points: Points) -> Check:
    """The check that the cells `[N, P]` of an argument are `fine` where there are items."""

    def error(place: int) -> InputError:
        row = place // cells.shape[1]
        return InputError(argument, expected, f"{float(cells.flatten()[place]):g}", place_of(row, points.shape))

    return Check(~fine & points.there, error)


def _read(argument: str, values: Any, code: Code | None = None) -> Points:
    """Numbers of any form as rows, words among them turned into numbers."""
    try:
        return read_items(_coded(opened(argument, values), code), argument=argument)
    except InputError as error:
        if code is not None or error.expected != "to hold real numbers":
            raise
        raise InputError(argument, _EXPECTED, error.got, error.row) from None


def _coded(given: Any, code: Code | None = None) -> Any:
    """Lists with the numbers of their words; a word without a number is left for whoever reads them."""
    if isinstance(given, (list, tuple)):
        return [_coded(entry, code) for entry in given]
    if not isinstance(given, str):
        return given
    found = ANSWERS.get(given.strip().lower()) if code is None else code(given)
    return given if found is None else found
