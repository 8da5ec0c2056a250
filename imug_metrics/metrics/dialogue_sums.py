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
from imug_metrics.metrics.column_plan import VALUES_ALONE, Names, Plan, Structure, moment_plan, row_plan
from imug_metrics.metrics.column_sums import Columns, as_columns, moments, sums_of_rows

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
        values: floating `[N]`, NaN where undefined: of `mean`, `coverage`, `slope` and the curve `turn_1`, ...
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
    structure, values_columns = (VALUES_ALONE, [values]) if terms is None else _taken_apart(values, terms)
    terms = terms or NOTHING
    columns = Columns(values_columns, _cells(terms), covered, expected)
    plan: Plan
    if batch.is_on_cpu:
        in_columns = batch.counted and batch.width is not None
        plan = row_plan(structure, components, turns, batch.width if in_columns else None)
        parts = [] if plan.is_empty else sums_of_rows(batch, plan, columns)
    else:
        plan = moment_plan(structure, components, turns)
        parts = [] if plan.is_empty else [moments(batch, plan, columns)]
    parts += _by_segment(batch, plan, terms)
    vectors = batch.sum_dialogues(_chosen(parts[0] if len(parts) == 1 else torch.cat(parts, 1), plan))
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


def _cells(terms: Terms) -> list[Tensor]:
    """Finite columns `[N]` or `[N, C]` that are summed as they are; those that are summed by turn come last."""
    of_ratios = [column for ratio in terms.ratios.values() for column in ratio]
    return [*of_ratios, *terms.sums.values(), *terms.curve_sums.values()]


def _by_segment(batch: DialogueBatch, plan: Plan, terms: Terms) -> list[Tensor]:
    """What is known by segment `[S, C]` already, and the zero that the plan asks for."""
    given = [part for parts in terms.by_segment.values() for part in (parts if isinstance(parts, tuple) else (parts,))]
    zero = [constant(_zeros, batch.segments, like=batch.turn)] if plan.zero else []
    return [*map(as_columns, given), *zero]


def _chosen(sums: Tensor, plan: Plan) -> Tensor:
    """The components among the sums."""
    if plan.places is None:
        return sums
    if plan.first is not None:
        return sums[:, plan.first : plan.first + len(plan.places)]
    return sums.index_select(1, constant(integers, plan.places, like=sums))


def _weighed_alike(vectors: Tensor, plan: Plan) -> Tensor:
    """With the sums of some ratios replaced by their mean in each dialogue, and 1 where there is one."""
    totals, counts = (vectors.index_select(1, constant(integers, places, like=vectors)) for places in plan.alike)
    alike = torch.cat([totals / counts.clamp_min(1), (counts > 0).to(totals)], 1)
    return vectors.index_copy(1, constant(integers, sum(plan.alike, ()), like=vectors), alike)


def _zeros(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, 1, dtype=torch.float64, device=device)
