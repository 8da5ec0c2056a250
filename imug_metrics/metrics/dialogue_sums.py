# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From columns of records to one vector of sums a dialogue: everything that adds is stacked and summed once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.batch import DialogueBatch

Ratio = tuple[Tensor, Tensor]

NOTHING = ""
"""The name of a column of zeros, which stands for components that nothing was said of."""


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


class _Layout:
    """Columns `[S or G, C]` side by side, and where each named one stands; what is said twice counts as said last."""

    def __init__(self) -> None:
        self.blocks: list[Tensor] = []
        self.places: dict[str, int] = {}
        self.width = 0

    def add(self, block: Tensor, names: Iterable[str] = ()) -> int:
        """Put columns behind the others, named in their order; returns where the first of them stands."""
        first = self.width
        self.blocks.append(block if block.ndim == 2 else block[:, None])
        self.width += self.blocks[-1].shape[1]
        self.places.update(zip(names, range(first, self.width)))
        return first


class _Values:
    """Distinct columns of values, each in the place its use asks for: slopes first, then curves, then all others."""

    def __init__(self, terms: Terms, values: Tensor) -> None:
        # A slope over something of its own has a column of its own, whatever else its values are used for.
        own = {name: (x, y if x is None else y.view_as(y)) for name, (x, y) in terms.slopes.items()}
        slopes = [("slope", (None, values)), *own.items()]
        curves = [("turn", values), *((f"{name}_turn", column) for name, column in terms.curves.items())]
        self.slopes, self.curves, self.means = dict(slopes), dict(curves), {"mean": values, **terms.means}
        self.averages = dict(terms.averages)
        of_slopes = [y for _, y in self.slopes.values()]
        in_curves = {id(column) for column in self.curves.values()}
        # What has a slope and a curve lies between both, so that each is one range of columns.
        ordered = [y for y in of_slopes if id(y) not in in_curves]
        self.first_curve = len(_distinct(ordered))
        ordered += [y for y in of_slopes if id(y) in in_curves]
        self.last_slope = len(_distinct(ordered))
        ordered += self.curves.values()
        self.last_curve = len(_distinct(ordered))
        self.all = _distinct([*ordered, *self.means.values(), *self.averages.values()])
        self.place = {id(column): place for place, column in enumerate(self.all)}


def dialogue_vectors(
    batch: DialogueBatch,
    values: Tensor,
    expected: Tensor | None,
    terms: Terms,
    components: tuple[str, ...],
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
        terms: what a metric adds.
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
    layout = _summed(_Rows(batch, _Values(terms, values)), covered, expected, terms, turns)
    natural = batch.sum_dialogues(torch.cat(layout.blocks, 1))
    if by_dialogue:
        natural = _weighed_alike(layout, natural, ("mean", *terms.averages))
    nothing = layout.places[NOTHING]
    places = tuple([layout.places.get(name, nothing) for name in components])
    return natural.index_select(1, constant(_as_tensor, places, like=natural))


class _Rows:
    """The values as columns `[N, M]`: where each is, filled with 0 elsewhere."""

    def __init__(self, batch: DialogueBatch, given: _Values) -> None:
        columns = [column.double() for column in given.all]
        values = columns[0][:, None] if len(columns) == 1 else torch.stack(columns, 1)
        if batch.record is not None:
            values = values.where(batch.record[:, None], torch.nan)
        self.batch, self.given, self.values = batch, given, values
        # As numbers, since stacking them with numbers would convert them each time.
        self.there = (values == values).to(values)
        self.filled = _zero_for_nan(values)

    def only_records(self, columns: list[Tensor]) -> list[Tensor]:
        """Finite columns `[N, C]` with 0 in padding."""
        if self.batch.record is None or not columns:
            return columns
        return [torch.cat(columns, 1) * self.batch.record[:, None]]

    def slope_columns(self) -> tuple[Tensor, ...]:
        """Columns `[N, K]`, y, weight times x, y times x, weight times x squared, from their own segment.

        What is equal throughout a segment is exactly 0 then.
        """
        values = self.values[:, : self.given.last_slope]
        top = self.batch.largest(values.detach().nan_to_num(-torch.inf))
        y, over = _zero_for_nan(self.batch.less(values, top)), self._over()
        weighted = self.there[:, : self.given.last_slope] * over
        return y, weighted, y * over, weighted * over

    def _over(self) -> Tensor:
        """What slopes are over, `[N, 1]` or `[N, K]`, from a value of its own segment."""
        turn = self._turns()
        others = [x for x, _ in self.given.slopes.values()]
        if all(x is None for x in others):
            return turn[:, None]
        by_value = {id(y): x for x, y in self.given.slopes.values()}
        found = []
        for y in self.given.all[: self.given.last_slope]:
            x = by_value[id(y)]
            found.append(turn if x is None else self._from_the_top(x, y))
        return torch.stack(found, 1)

    def _turns(self) -> Tensor:
        if self.batch.counted and self.batch.width is not None:
            return constant(_from_zero, self.batch.segments, self.batch.width, like=self.filled)
        return self.batch.less(self.batch.turn, self.batch.turn[self.batch.first]).double()

    def _from_the_top(self, x: Tensor, y: Tensor) -> Tensor:
        x = x.double().masked_fill(y != y, torch.nan)
        return _zero_for_nan(self.batch.less(x, self.batch.largest(x.nan_to_num(-torch.inf))))


def _zero_for_nan(values: Tensor) -> Tensor:
    return values.nan_to_num(0.0, torch.inf, -torch.inf)


def _summed(rows: _Rows, covered: Tensor | None, expected: Tensor | None, terms: Terms, turns: int) -> _Layout:
    """Columns by segment: what was summed, slopes made of it, curves, and what came by segment."""
    batch, given, layout = rows.batch, rows.given, _Layout()
    named, own = _finite_columns(terms)
    scored = rows.there[:, given.place[id(given.means["mean"])]]
    if covered is None:
        covered = scored if batch.there is None else batch.there * scored
    cells = [covered[:, None], _expected(batch, scored, expected)[:, None], *rows.only_records(own)]
    sums = batch.sum_segments(torch.cat([rows.filled, rows.there, *rows.slope_columns(), *cells], 1))
    layout.add(sums)
    count, slopes = len(given.all), given.last_slope
    for name, column in {**given.means, **given.averages}.items():
        place = given.place[id(column)]
        layout.places |= {f"{name}.num": place, f"{name}.den": count + place}
    layout.places["records"] = layout.places["mean.den"]
    coverage = ["coverage.num", "coverage.den", *named]
    layout.places |= dict(zip(coverage, range(2 * count + 4 * slopes, layout.width)))
    layout.add(constant(_zeros, batch.segments, like=sums), [NOTHING])
    _add_slopes(layout, given, sums, count, slopes)
    _add_curves(layout, rows, terms, turns)
    for name, parts in terms.by_segment.items():
        for end, part in ({"": parts} if isinstance(parts, Tensor) else dict(zip((".num", ".den"), parts))).items():
            many = part.ndim > 1
            layout.add(part, [f"{name}_{k}{end}" for k in range(1, part.shape[1] + 1)] if many else [f"{name}{end}"])
    return layout


def _finite_columns(terms: Terms) -> tuple[list[str], list[Tensor]]:
    """Columns `[N, C]` that are summed as they are, and the names of their sums."""
    names, columns = [], []
    for name, (numerator, denominator) in terms.ratios.items():
        names += [f"{name}.num", f"{name}.den"]
        columns += [numerator[:, None], denominator[:, None]]
    for name, column in terms.sums.items():
        names += [name] if column.ndim == 1 else [f"{name}_{k}" for k in range(column.shape[1])]
        columns.append(column[:, None] if column.ndim == 1 else column)
    return names, columns


def _expected(batch: DialogueBatch, scored: Tensor, expected: Tensor | None) -> Tensor:
    """1 for the records that are expected to have a value or have one, 0 for others, `[N]`."""
    if expected is None:
        return constant(_ones, len(batch.turn), like=scored) if batch.record is None else batch.record
    expected = torch.maximum(expected.to(scored), scored)
    return expected if batch.record is None else expected * batch.record


def _add_slopes(layout: _Layout, given: _Values, sums: Tensor, count: int, width: int) -> None:
    """Sums of products and squares about the segments' means."""
    first, middle = 2 * count, 2 * count + 2 * width
    mean = sums[:, first + width : middle] / sums[:, count : count + width].clamp_min(1)
    simple, products = (sums[:, at : at + 2 * width].reshape(len(sums), 2, width) for at in (first, middle))
    place = layout.add(torch.addcmul(products, mean[:, None], simple, value=-1).flatten(1))
    for name, (_, column) in given.slopes.items():
        mine = place + given.place[id(column)]
        layout.places |= {f"{name}.num": mine, f"{name}.den": mine + width}


def _add_curves(layout: _Layout, rows: _Rows, terms: Terms, turns: int) -> None:
    """Sums and numbers of values by turn."""
    given, batch = rows.given, rows.batch
    inside, width = slice(given.first_curve, given.last_curve), given.last_curve - given.first_curve
    columns = [rows.filled[:, inside], rows.there[:, inside]]
    columns += rows.only_records([column[:, None] for column in terms.curve_sums.values()])
    if batch.counted and batch.width is not None:  # turns are columns already
        tables = [column.reshape(batch.segments, batch.width, column.shape[1])[:, :turns] for column in columns]
        by_column = [column for table in tables for column in table.unbind(2)]
    else:
        by_column = list(batch.by_turn(torch.cat(columns, 1), turns).unbind(2))
    for name, column in given.curves.items():
        place = given.place[id(column)] - given.first_curve
        layout.add(by_column[place], [f"{name}_{k}.num" for k in range(1, turns + 1)])
        layout.add(by_column[width + place], [f"{name}_{k}.den" for k in range(1, turns + 1)])
    for name, found in zip(terms.curve_sums, by_column[2 * width :]):
        layout.add(found, [f"{name}_{k}" for k in range(1, turns + 1)])


def _weighed_alike(layout: _Layout, columns: Tensor, ratios: tuple[str, ...]) -> Tensor:
    """With the sums of some ratios replaced by their mean in each dialogue, and 1 where there is one."""
    totals, counts = (
        torch.stack([columns[:, layout.places[f"{n}.{part}"]] for n in ratios], 1) for part in ("num", "den")
    )
    replaced = [f"{name}.{part}" for part in ("num", "den") for name in ratios]
    layout.places |= dict(zip(replaced, range(layout.width, layout.width + len(replaced))))
    return torch.cat([columns, totals / counts.clamp_min(1), (counts > 0).to(totals)], 1)


def _as_tensor(values: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device)


def _distinct(columns: list[Tensor]) -> list[Tensor]:
    return list({id(column): column for column in columns}.values())


def _from_zero(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(width, dtype=torch.float64, device=device).repeat(lines)


def _ones(count: int, device: torch.device) -> Tensor:
    return torch.ones(count, dtype=torch.float64, device=device)


def _zeros(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, 1, dtype=torch.float64, device=device)
