# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Points that a judge gives an image, one for each thing asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.arrays import BOOLEANS, REALS, read_array
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.holders import is_absent, opened, place_of, shown
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.functional.reduce import reduce_values

Items = Tensor | Sequence[Any]
"""Points `[N, P]` or `[B, T, P]`, or lists of any length by turn; None for a turn that was not judged."""


def point_score(
    items: Items,
    masks: Tensor | Sequence[Any] | None = None,
    *,
    best: float = 5.0,
    protocol: Protocol = "strict",
    reduction: Literal["none", "mean"] = "mean",
) -> Tensor:
    """Mean of a turn's points divided by the best: range 0 to 1, higher is better.

    In IMUG-Bench (arXiv 2606.09169) a judge gives each evaluation point of an image turn an integer from 0 to 5.

    Args:
        items: points `[N, P]`, or N lists of any length, where None stands for a turn that was not judged.
        masks: bool in the form of `items`, the cells that are points; None: all are.
        best: the highest point.
        protocol: `"strict"` takes whole points from 0 to `best` and refuses others. `"imug"` takes any number as it is,
            as the released summary does, so a score may leave its range.
        reduction: `"none"` for `[N]` values, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar. NaN for a turn without points and for one with a point that is NaN: a mean over the
        rest would forgive it.

    Raises:
        InputError: if shapes differ or a point is outside its range.

    Example:
        >>> point_score([[5, 5, 2], [4], None], reduction="none")
        tensor([0.8000, 0.8000,    nan], dtype=torch.float64)
    """
    points = read_items(items, masks)
    if len(points.shape) > 1:
        raise InputError("items", "to have shape [N, P]", [*points.shape, points.values.shape[-1]])
    look(item_check(points, best, protocol), like=points.values)
    return reduce_values(item_means(points.values, points.there, best), reduction)


class Points(NamedTuple):
    """Points of turns, one row a turn.

    Attributes:
        values: float64 `[N, P]`.
        there: bool `[N, P]`, True where there is a point.
        shape: `(N,)` for flat turns, `(B, T)` for padded ones.
        judged: bool of that shape, False where a list holds None; None: all are.
        ends: for one list a dialogue, the number of turns of each; None: not known.
    """

    values: Tensor
    there: Tensor
    shape: tuple[int, ...]
    judged: Tensor | None = None
    ends: tuple[int, ...] | None = None


def read_items(items: Any, masks: Any = None, argument: str = "items") -> Points:
    """Points of any form as rows.

    Args:
        items: see `point_score`.
        masks: see `point_score`.
        argument: what the points are called, for errors.

    Raises:
        InputError: if the points are no real numbers or have no axis of their own, or `masks` another shape.

    Example:
        >>> read_items([[5, 0], [3]]).there
        tensor([[ True,  True],
                [ True, False]])
    """
    given = opened(argument, items)
    points = _of_tensor(given, argument) if isinstance(given, Tensor) else _of_lists(given, argument)
    return points if masks is None else masked_points(points, masks, argument)


def masked_points(points: Points, masks: Any, argument: str = "items") -> Points:
    """Points of which only those count that `masks` chooses, see `read_items`.

    Raises:
        InputError: if `masks` has another shape, or does not say of every point whether it is one.
    """
    full = (*points.shape, points.values.shape[-1])
    chosen = read_array("masks", masks, BOOLEANS, inner=1, filler=torch.nan).values
    if tuple(chosen.shape) != full:
        raise InputError("masks", f"to have the shape of `{argument}`, {[*full]}", [*chosen.shape])
    chosen = chosen.to(points.there.device).flatten(0, -2)
    if chosen.is_floating_point():  # booleans, and NaN where a list has none
        unsaid = (chosen.isnan() & points.there).any(1)
        if bool(unsaid.any()):
            row = place_of(int(unsaid.nonzero()[0]), points.shape)
            raise InputError("masks", f"to say of every point of `{argument}` whether it is one", "fewer", row)
    return points._replace(there=points.there & (chosen == 1))


def item_check(points: Points, best: float, protocol: str) -> list[Check]:
    """The check of the points of `point_score`; points that are NaN pass, and with `"imug"` all do.

    Raises:
        ValueError: if `best` is not positive or `protocol` is unknown.
    """
    check_best(best)
    check_protocol(protocol)
    if protocol == "imug":
        return []
    values = points.values
    wrong = ~((values >= 0) & (values <= best) & (values == values.round())) & ~values.isnan() & points.there

    def error(place: int) -> InputError:
        row, got = place // values.shape[-1], float(values.flatten()[place])
        return InputError("items", f"to hold whole numbers from 0 to {best:g}", got, place_of(row, points.shape))

    return [Check(wrong, error)]


def check_best(best: float) -> None:
    """Raise ValueError unless the best point is positive."""
    if not best > 0:
        raise ValueError(f"Expected argument `best` to be positive, got {best}.")


def item_means(values: Tensor, there: Tensor, best: float) -> Tensor:
    """Means `[...]` of points `[..., P]` over the best, NaN without any."""
    count = there.sum(-1)
    means = values.masked_fill(~there, 0).sum(-1) / (best * count.clamp_min(1))
    return means.masked_fill(count == 0, torch.nan)


def item_columns(points: Points, best: float, checks: Sequence[Check], detail: Any) -> dict[str, Column]:
    """Points of turns as rows: `scores`, their mean over the best, and `blank`, whether there are none (which score 0).

    With `detail` also `total`, their sum over the best, and `count`, their number.
    """
    values, there, shape, judged, ends = points
    count = there.sum(-1)
    scores = item_means(values, there, best)
    blank = (count == 0) if judged is None else (count == 0) & judged.flatten()
    columns = {
        "scores": Column(scores.masked_fill(blank, 0), shape, judged, ends, tuple(checks), argument="items"),
        "blank": Column(blank, shape),
    }
    if detail:
        total = values.masked_fill(~there, 0).sum(-1) / best
        columns |= {"total": Column(total, shape), "count": Column(count.double(), shape)}
    return columns


def _of_tensor(items: Tensor, argument: str) -> Points:
    if items.ndim not in (2, 3) or items.is_complex():
        got = f"{[*items.shape]} of {items.dtype}"
        raise InputError(argument, "to have shape [N, P] or [B, T, P]", got)
    values = items.flatten(0, -2).double()
    return Points(values, torch.ones_like(values, dtype=torch.bool), tuple(items.shape[:-1]))


def _of_lists(items: list[Any], argument: str) -> Points:
    """Lists of points, or one list of these a dialogue."""
    rows: list[Any] = [_as_list(entry, argument) for entry in items]
    shape: tuple[int, ...] = (len(rows),)
    ends = None
    if any(isinstance(row, list) and any(isinstance(_as_list(point, argument), list) for point in row) for row in rows):
        for line, row in enumerate(rows):
            if not isinstance(row, list):
                raise InputError(argument, "to hold one list of turns a dialogue", shown(row), line)
        ends = tuple(map(len, rows))
        shape = len(rows), max(ends)
        rows = [_as_list(entry, argument) for row in rows for entry in [*row, *[None] * (shape[1] - len(row))]]
    cells = [_points_of(row, place_of(place, shape), argument) for place, row in enumerate(rows)]
    width = max(map(len, cells), default=0)
    values = torch.tensor([[*row, *[0.0] * (width - len(row))] for row in cells], dtype=torch.float64)
    lengths = torch.tensor([len(row) for row in cells], dtype=torch.int64)
    judged = None if all(row is not None for row in rows) else torch.tensor([row is not None for row in rows])
    judged = judged if judged is None else judged.view(shape)
    return Points(values.view(len(cells), width), torch.arange(width) < lengths[:, None], shape, judged, ends)


def _as_list(entry: Any, argument: str) -> Any:
    """An entry that holds others as a list, any other as it is."""
    if isinstance(entry, (list, tuple)):
        return list(entry)
    if hasattr(entry, "__array__") and getattr(entry, "ndim", 1) > 0:
        found = opened(argument, entry)
        return found.tolist() if isinstance(found, Tensor) else found
    return None if is_absent(entry) else entry


def _points_of(row: Any, place: int | list[int], argument: str) -> list[float]:
    """The points of a turn as floats; none of one that was not judged."""
    if row is None:
        return []
    if not isinstance(row, list):
        raise InputError(argument, "to hold a list of numbers for each turn, or None", shown(row), place)
    points = [REALS.read(point) for point in row]
    for given, point in zip(row, points):
        if point is None:
            raise InputError(argument, "to hold real numbers", shown(given), place)
    return points
