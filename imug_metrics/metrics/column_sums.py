# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From columns of records to sums by segment, in either of two forms that give the same.

A device takes all columns at once, in one operation. On a CPU an operation that is registered with PyTorch starts as
slowly as ten of PyTorch's own, and so few do the work that those are faster.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from imug_kernels import segment_moments
from torch import Tensor

from imug_metrics._constants import constant, integers
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.metrics.column_plan import MomentPlan, RowPlan


class Columns(NamedTuple):
    """What an update adds up; packed columns.

    Attributes:
        values: the distinct columns `[N]`, NaN where there is no value.
        cells: finite columns `[N]` or `[N, C]` that are summed as they are.
        covered: bool `[N]`, the rows that had a value before absent ones became 0; None: all that have one.
        expected: bool `[N]`, the rows that are expected to have one; None: all records.
    """

    values: list[Tensor]
    cells: list[Tensor]
    covered: Tensor | None
    expected: Tensor | None


def moments(batch: DialogueBatch, plan: MomentPlan, columns: Columns) -> Tensor:
    """All sums by segment `[S, ...]` in one operation, in the order of the plan."""
    cells = [column for cell in columns.cells for column in as_columns(cell).unbind(1)]
    found = {"sum": [columns.values[y] for y, _ in plan.values], "cell": cells}
    return segment_moments(
        _side_by_side([found[kind][place] for kind, place in plan.columns]),
        batch.offsets,
        batch.turn,
        over=_abscissas(batch, plan, columns.values) if plan.over else None,
        valid=batch.record,
        present=batch.there if columns.covered is None else columns.covered,
        expected=columns.expected,
        slopes=plan.slopes,
        curves=plan.curved,
        points=plan.points,
        coverage=plan.scored,
    )


def _side_by_side(columns: list[Tensor]) -> Tensor:
    """Columns `[N]` as floating point `[N, M]`, in their own dtype if they share one."""
    if len({column.dtype for column in columns}) > 1 or not columns[0].is_floating_point():
        columns = [column.double() for column in columns]
    return columns[0][:, None] if len(columns) == 1 else torch.stack(columns, 1)


def _abscissas(batch: DialogueBatch, plan: MomentPlan, values: list[Tensor]) -> Tensor:
    """What each slope is over, float64 `[N, K]`."""
    over = [batch.turns_from_least if x is None else values[x] for _, x in plan.values[: plan.slopes]]
    return _side_by_side([column.double() for column in over])


def sums_of_rows(batch: DialogueBatch, plan: RowPlan, columns: Columns) -> list[Tensor]:
    """Sums by segment `[S, ...]` in the order of the plan: of rows, slopes of them, and curves."""
    rows = _rows(batch, plan, columns)
    parts = [batch.sum_segments(rows)]
    if plan.slopes:
        parts.append(_slopes(parts[0], len(plan.values), plan.slopes))
    if plan.by_turn:
        every = plan.by_turn == tuple(range(plan.size))
        chosen = rows if every else rows.index_select(1, constant(integers, plan.by_turn, like=rows))
        parts.append(batch.by_turn(chosen, plan.points).flatten(1))
    return parts


def _rows(batch: DialogueBatch, plan: RowPlan, columns: Columns) -> Tensor:
    """The columns of all rows `[N, R]`, 0 where there is nothing to add."""
    parts = []
    if plan.values:
        values, about = _stacked(batch, plan, columns.values)
        # As numbers, since stacking them with numbers would convert them each time.
        there = (values == values).double()
        parts += [_zero_for_nan(values), there]
        if plan.slopes:
            parts += _slope_columns(batch, plan, about, there)
        if plan.coverage:
            scored = there[:, plan.values.index((0, None))]
            covered = columns.covered
            if covered is None:
                covered = scored if batch.there is None else batch.there * scored
            parts += [covered[:, None], _expected(batch, scored, columns.expected)[:, None]]
    parts += _cells(batch, columns.cells)
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


def _stacked(batch: DialogueBatch, plan: RowPlan, columns: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Values `[N, M]`, and what slopes are made of, if any: what they are over, and the values that have one."""
    over = [columns[x].double().masked_fill(columns[y] != columns[y], torch.nan) for y, x in plan.over]
    over = [batch.turns_from_least, *over] if plan.turn else over
    every = [*over, *(columns[y].double() for y, _ in plan.values)]
    stacked = every[0][:, None] if len(every) == 1 else torch.stack(every, 1)
    if batch.record is not None:
        stacked = stacked.where(batch.record[:, None], torch.nan)
    if not plan.slopes:
        return stacked, stacked
    values = stacked[:, len(over) :] if over else stacked
    return values, stacked if len(plan.values) == plan.slopes else stacked[:, : len(over) + plan.slopes]


def _slope_columns(batch: DialogueBatch, plan: RowPlan, about: Tensor, there: Tensor) -> tuple[Tensor, ...]:
    """Columns `[N, K]`, y, weight times x, y times x, weight times x squared, from a value of their own segment.

    What is equal throughout a segment is exactly 0 then.
    """
    top = batch.largest(about.nan_to_num(-torch.inf))
    centred = _zero_for_nan(batch.less(about, top))
    y = centred[:, centred.shape[1] - plan.slopes :]
    if plan.abscissas is not None:
        over = centred.index_select(1, constant(integers, plan.abscissas, like=centred))
    elif plan.over or plan.turn:
        over = centred[:, :1]
    else:
        over = constant(_from_zero, batch.segments, batch.width, like=centred)
    weighted = (there if there.shape[1] == plan.slopes else there[:, : plan.slopes]) * over
    return y, weighted, y * over, weighted * over


def _slopes(sums: Tensor, count: int, slopes: int) -> Tensor:
    """Sums of products and squares about the segments' means, `[S, 2 * slopes]`, from the sums of rows."""
    # As `_slope_columns` has them: y, weighted x, their products with x; two by two, so that one operation serves both.
    simple, products = sums[:, 2 * count : 2 * count + 4 * slopes].view(-1, 2, 2, slopes).unbind(1)
    mean = simple[:, 1:] / sums[:, None, count : count + slopes].clamp_min(1)
    return torch.addcmul(products, mean, simple, value=-1).flatten(1)


def _expected(batch: DialogueBatch, scored: Tensor, expected: Tensor | None) -> Tensor:
    """1 for the records that are expected to have a value or have one, 0 for others, `[N]`."""
    if expected is None:
        return constant(_ones, batch.turn.shape[0], like=scored) if batch.record is None else batch.record
    expected = torch.maximum(expected.to(scored), scored)
    return expected if batch.record is None else expected * batch.record


def _cells(batch: DialogueBatch, cells: list[Tensor]) -> list[Tensor]:
    """Finite columns `[N, C]` that are summed as they are, 0 in padding."""
    cells = [as_columns(cell) for cell in cells]
    if batch.record is None or not cells:
        return cells
    return [torch.cat(cells, 1) * batch.record[:, None]]


def _zero_for_nan(values: Tensor) -> Tensor:
    return values.nan_to_num(0.0, torch.inf, -torch.inf)


def as_columns(part: Tensor) -> Tensor:
    """A column `[N]` as `[N, 1]`; columns as they are."""
    return part if part.ndim == 2 else part[:, None]


def _from_zero(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(width, dtype=torch.float64, device=device).repeat(lines)[:, None]


def _ones(count: int, device: torch.device) -> Tensor:
    return torch.ones(count, dtype=torch.float64, device=device)
