# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From columns of records to one vector of sums a dialogue: everything that adds is stacked and summed once.

What is added, and where it stands among the sums, follows from names alone and is found once (`column_plan`); an update
only computes. Means, slopes, curves and the coverage are left out where no component asks for them; what is handed over
as finite columns or by segment is summed in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from imug_metrics._constants import constant, integers
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.metrics.column_plan import VALUES_ALONE, Names, Plan, Structure, column_plan

Ratio = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Terms:
    """What a metric adds beside its values, by name; packed columns `[N]`, NaN where a record does not count.

    Attributes:
        means: values whose mean over records is a ratio.
        averages: the same, weighed as `average` says.
        slopes: by ratio, what the slope is over (None: turns) and values; about each segment's own means.
        curves: values whose mean by turn are the ratios `<name>_turn_1`, ...
        ratios: numerators and denominators, finite.
        sums: finite values that are added, `[N]`, or `[N, C]` for the sums `<name>_0`, ...
        curve_sums: finite values that are added by turn, for the sums `<name>_1`, ...
        by_segment: numerators and denominators of ratios, or sums, known by segment already: `[S]`, or `[S, C]` for the
            ratios `<name>_1`, ...
    """

    means: Mapping[str, Tensor] = field(default_factory=dict)
    averages: Mapping[str, Tensor] = field(default_factory=dict)
    slopes: Mapping[str, tuple[Tensor | None, Tensor]] = field(default_factory=dict)
    curves: Mapping[str, Tensor] = field(default_factory=dict)
    ratios: Mapping[str, Ratio] = field(default_factory=dict)
    sums: Mapping[str, Tensor] = field(default_factory=dict)
    curve_sums: Mapping[str, Tensor] = field(default_factory=dict)
    by_segment: Mapping[str, Ratio | Tensor] = field(default_factory=dict)


NOTHING = Terms()


def dialogue_vectors(
    batch: DialogueBatch,
    values: Tensor,
    expected: Tensor | None,
    terms: Terms | None,
    components: Names,
    *,
    turns: int,
    zero: bool,
    by_dialogue: bool,
) -> Tensor:
    """One vector of sums `[G, P]` a dialogue.

    Args:
        batch: the packed dialogues.
        values: float64 `[N]`, NaN where undefined: of `mean`, `coverage`, `slope` and the curve `turn_1`, `turn_2`, ...
        expected: bool `[N]`, the rows that would have a value were every output there; None: all records.
        terms: what a metric adds; None: nothing.
        components: names of the columns of the result: `<ratio>.num`, `<ratio>.den` and sums; those that nothing was
            said of are 0.
        turns: points of each curve.
        zero: an output that is expected and absent has the value 0.
        by_dialogue: `mean` and what is averaged weigh every dialogue alike.
    """
    covered = None
    if zero:
        covered = batch.valid & (values == values)
        values = values.masked_fill(~batch.valid if expected is None else expected & ~batch.valid, 0)
    structure, columns = (VALUES_ALONE, [values]) if terms is None else _taken_apart(values, terms)
    in_columns = batch.counted and batch.width is not None
    plan = column_plan(structure, components, turns, batch.width if in_columns else None)
    terms = terms or NOTHING
    rows = _rows(batch, plan, columns, terms, covered, expected) if plan.row else None
    parts = _sums(batch, plan, rows, terms)
    natural = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
    if plan.places is not None:
        natural = natural.index_select(1, constant(integers, plan.places, like=natural))
    vectors = batch.sum_dialogues(natural)
    return _weighed_alike(vectors, plan) if by_dialogue and plan.alike[0] else vectors


def _taken_apart(values: Tensor, terms: Terms) -> tuple[Structure, list[Tensor]]:
    """Names, and the distinct columns, of which the values are the first."""
    columns, known = [values], {id(values): 0}

    def place(column: Tensor) -> int:
        found = known.setdefault(id(column), len(columns))
        if found == len(columns):
            columns.append(column)
        return found

    structure = Structure(
        VALUES_ALONE.means + tuple([(name, place(column)) for name, column in terms.means.items()]),
        tuple([(name, place(column)) for name, column in terms.averages.items()]),
        VALUES_ALONE.slopes
        + tuple([(name, None if x is None else place(x), place(y)) for name, (x, y) in terms.slopes.items()]),
        VALUES_ALONE.curves + tuple([(f"{name}_turn", place(column)) for name, column in terms.curves.items()]),
        tuple(terms.ratios),
        tuple([(name, _width(column)) for name, column in terms.sums.items()]),
        tuple(terms.curve_sums),
        tuple([(name, *_form(parts)) for name, parts in terms.by_segment.items()]),
    )
    return structure, columns


def _width(column: Tensor) -> int | None:
    """Number of columns; None: it is one, and has no dimension of them."""
    return None if column.ndim == 1 else column.shape[1]


def _form(parts: Ratio | Tensor) -> tuple[bool, int | None]:
    """Whether it is a ratio, and its number of columns."""
    return (False, _width(parts)) if isinstance(parts, Tensor) else (True, _width(parts[0]))


def _sums(batch: DialogueBatch, plan: Plan, rows: Tensor | None, terms: Terms) -> list[Tensor]:
    """Sums by segment `[S, ...]` in the order of the plan: of rows, slopes of them, curves, and what came so."""
    parts = []
    if rows is not None:
        parts.append(batch.sum_segments(rows))
        if plan.slopes:
            parts.append(_slopes(parts[0], len(plan.values), plan.slopes))
        if plan.by_turn:
            every = plan.by_turn == tuple(range(plan.row))
            chosen = rows if every else rows.index_select(1, constant(integers, plan.by_turn, like=rows))
            parts.append(batch.by_turn(chosen, plan.points).flatten(1))
    for part in terms.by_segment.values():
        parts += map(_as_columns, part if isinstance(part, tuple) else (part,))
    if plan.zero:
        parts.append(constant(_zeros, batch.segments, like=batch.turn))
    return parts


def _rows(
    batch: DialogueBatch,
    plan: Plan,
    columns: list[Tensor],
    terms: Terms,
    covered: Tensor | None,
    expected: Tensor | None,
) -> Tensor:
    """The columns of all rows `[N, R]`, 0 where there is nothing to add."""
    parts = []
    if plan.values:
        values, about = _stacked(batch, plan, columns)
        # As numbers, since stacking them with numbers would convert them each time.
        there = (values == values).double()
        parts += [_zero_for_nan(values), there]
        if plan.slopes:
            parts += _slope_columns(batch, plan, about, there)
        if plan.coverage:
            scored = there[:, plan.values.index((0, None))]
            if covered is None:
                covered = scored if batch.there is None else batch.there * scored
            parts += [covered[:, None], _expected(batch, scored, expected)[:, None]]
    parts += _cells(batch, terms)
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


def _stacked(batch: DialogueBatch, plan: Plan, columns: list[Tensor]) -> tuple[Tensor, Tensor]:
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


def _slope_columns(batch: DialogueBatch, plan: Plan, about: Tensor, there: Tensor) -> tuple[Tensor, ...]:
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


def _cells(batch: DialogueBatch, terms: Terms) -> list[Tensor]:
    """Finite columns `[N, C]` that are summed as they are, 0 in padding."""
    given = [column for ratio in terms.ratios.values() for column in ratio]
    cells = [_as_columns(column) for column in (*given, *terms.sums.values(), *terms.curve_sums.values())]
    if batch.record is None or not cells:
        return cells
    return [torch.cat(cells, 1) * batch.record[:, None]]


def _weighed_alike(vectors: Tensor, plan: Plan) -> Tensor:
    """With the sums of some ratios replaced by their mean in each dialogue, and 1 where there is one."""
    totals, counts = (vectors.index_select(1, constant(integers, places, like=vectors)) for places in plan.alike)
    alike = torch.cat([totals / counts.clamp_min(1), (counts > 0).to(totals)], 1)
    return vectors.index_copy(1, constant(integers, sum(plan.alike, ()), like=vectors), alike)


def _zero_for_nan(values: Tensor) -> Tensor:
    return values.nan_to_num(0.0, torch.inf, -torch.inf)


def _as_columns(part: Tensor) -> Tensor:
    return part if part.ndim == 2 else part[:, None]


def _from_zero(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(width, dtype=torch.float64, device=device).repeat(lines)[:, None]


def _ones(count: int, device: torch.device) -> Tensor:
    return torch.ones(count, dtype=torch.float64, device=device)


def _zeros(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, 1, dtype=torch.float64, device=device)
