# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Points that a judge gives an image, one for each thing asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.inputs import place_of
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.functional.reduce import reduce_values

Items = Tensor | Sequence[Sequence[float] | None]


def point_score(
    items: Items,
    masks: Tensor | None = None,
    *,
    best: float = 5.0,
    protocol: Protocol = "strict",
    reduction: Literal["none", "mean"] = "mean",
) -> Tensor:
    """Mean of a turn's points divided by the best: range 0 to 1, higher is better.

    In IMUG-Bench (arXiv 2606.09169) a judge gives each evaluation point of an image turn an integer from 0 to 5.

    Args:
        items: points `[N, P]`, or N lists of any length, where None stands for a turn that was not judged.
        masks: bool `[N, P]`, the cells of a tensor that are points; None: all are.
        best: the highest point.
        protocol: `"strict"` takes whole points from 0 to `best` and refuses others. `"imug"` takes any number as it is,
            as the released summary does, so a score may leave its range.
        reduction: `"none"` for `[N]` values, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar. NaN for a turn without points and for one with a point that is NaN: a mean over the
        rest would forgive it.

    Raises:
        ValueError: if shapes differ or a point is outside its range; the message names the row.

    Example:
        >>> point_score([[5, 5, 2], [4], None], reduction="none")
        tensor([0.8000, 0.8000,    nan], dtype=torch.float64)
    """
    values, there = item_columns(items, masks)
    look(item_check(values, there, best, protocol), like=values)
    return reduce_values(item_means(values, there, best), reduction)


def item_columns(items: Items, masks: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Points as float64 `[..., P]` and bool of that shape, True where there is a point.

    Raises:
        ValueError: if the points have no axis of their own, or `masks` another shape.

    Example:
        >>> item_columns([[5, 0], [3]])[1]
        tensor([[ True,  True],
                [ True, False]])
    """
    if not isinstance(items, Tensor):
        if masks is not None:
            raise ValueError("Expected argument `masks` to be None where `items` are lists.")
        return _pad([list(row) if row is not None else [] for row in items])
    if items.ndim not in (2, 3) or items.is_complex():
        raise ValueError(
            f"Expected argument `items` to have shape [N, P] or [B, T, P], got {items.dtype} {list(items.shape)}."
        )
    if masks is None:
        return items.double(), torch.ones_like(items, dtype=torch.bool)
    if masks.shape != items.shape or masks.dtype != torch.bool:
        raise ValueError(
            f"Expected argument `masks` to be bool of shape {list(items.shape)}, got {masks.dtype} {list(masks.shape)}."
        )
    return items.double(), masks


def item_check(values: Tensor, there: Tensor, best: float, protocol: str) -> list[Check]:
    """The check of the points of `point_score`; points that are NaN pass, and with `"imug"` all do.

    Raises:
        ValueError: if `best` is not positive or `protocol` is unknown.
    """
    if not best > 0:
        raise ValueError(f"Expected argument `best` to be positive, got {best}.")
    check_protocol(protocol)
    if protocol == "imug":
        return []
    wrong = ~((values >= 0) & (values <= best) & (values == values.round())) & ~values.isnan() & there

    def message(place: int) -> str:
        row, got = place // values.shape[-1], float(values.flatten()[place])
        return (
            f"Expected argument `items` to hold whole numbers from 0 to {best:g}, got {got} at row "
            f"{place_of(row, tuple(values.shape[:-1]))}."
        )

    return [Check(wrong, message)]


def item_means(values: Tensor, there: Tensor, best: float) -> Tensor:
    """Means `[...]` of points `[..., P]` over the best, NaN without any."""
    count = there.sum(-1)
    means = values.masked_fill(~there, 0).sum(-1) / (best * count.clamp_min(1))
    return means.masked_fill(count == 0, torch.nan)


def _pad(rows: list[list[float]]) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows), default=0)
    cells = [[*map(float, row), *[0.0] * (width - len(row))] for row in rows]
    values = torch.tensor(cells, dtype=torch.float64).reshape(len(rows), width)
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    return values, torch.arange(width) < lengths[:, None]
