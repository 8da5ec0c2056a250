# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which columns an update sums, and where each sum stands: found once from the names of what is added and asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

Names = tuple[str, ...]
_Value = tuple[int, "int | None"]
_Sum = tuple[Any, ...]


class Structure(NamedTuple):
    """The names of what an update adds, and which of its distinct columns stand behind them; all of it hashable."""

    means: tuple[tuple[str, int], ...]
    averages: tuple[tuple[str, int], ...]
    slopes: tuple[tuple[str, int | None, int], ...]
    curves: tuple[tuple[str, int], ...]
    ratios: Names
    sums: tuple[tuple[str, int | None], ...]
    curve_sums: Names
    by_segment: tuple[tuple[str, bool, int | None], ...]

    def cells(self) -> list[str]:
        """Names of the sums of what is added as it is, a column each."""
        of_ratios = [f"{name}.{part}" for name in self.ratios for part in ("num", "den")]
        return of_ratios + [column for name, width in self.sums for column in _numbered(name, "", width, 0)]

    def segments(self) -> list[str]:
        """Names of what is known by segment, a column each."""
        ends = [(name, end, width) for name, ratio, width in self.by_segment for end in _ENDS[ratio]]
        return [column for name, end, width in ends for column in _numbered(name, end, width, 1)]


_ENDS = {True: (".num", ".den"), False: ("",)}

VALUES_ALONE = Structure((("mean", 0),), (), (("slope", None, 0),), (("turn", 0),), (), (), (), ())


def _numbered(name: str, end: str, width: int | None, first: int) -> list[str]:
    return [f"{name}{end}"] if width is None else [f"{name}_{k}{end}" for k in range(first, first + width)]


class Plan:
    """What is computed of the columns `[N]`, and where each component is found among the sums.

    A sum is known by its kind and the number of its column: ("sum", 0), ("count", 0), ("product", 0) and ("square", 0)
    of a slope, ("cell", 0) of what is added as it is, ("covered",), ("expected",), ("segment", 0) of what is known by
    segment; of a curve with the point behind it. In which order they come, a subclass says.

    Args:
        structure: what is added.
        components: what is asked for, by name.
        points: of each curve.

    Attributes:
        values: the distinct columns of values, those with a slope first, and those with a curve side by side: their
            place among the given ones, and the place of what the slope is over (None: turns, or there is no slope).
        slopes: how many have one.
        curves: the first that has a curve, and the first behind them.
        over: those of them whose slope is over something of its own.
        over_turns: the slope of one is over turns.
        coverage: it is asked for.
        cells: how many columns are added as they are, those that are added by turn last.
        curve_cells: how many of them are added by turn.
        is_empty: nothing is asked for that comes from columns.
        places: of the components among the sums; None: the components are the sums.
        first: of places that follow each other; None: they do not.
        zero: behind the sums is one that is 0, for components that nothing was said of.
        alike: the components of ratios that weigh every dialogue alike, numerators and denominators.
    """

    def __init__(self, structure: Structure, components: Names, points: int) -> None:
        asked = {name.rsplit(".", 1)[0] for name in components} | ({"mean"} if "records" in components else set())
        means: dict[str, _Value] = {
            name: (y, None) for name, y in structure.means + structure.averages if name in asked
        }
        in_curves = {name.rpartition("_")[0] for name in asked} - {name for name, *_ in structure.by_segment}
        curves: dict[str, _Value] = {name: (y, None) for name, y in structure.curves if name in in_curves}
        slopes = {name: (y, x) for name, x, y in structure.slopes if name in asked}
        self.coverage = "coverage" in asked and "coverage" not in structure.ratios
        scored = [(0, None)] if self.coverage else []
        curved, sloped = {*curves.values()}, dict.fromkeys(slopes.values())
        in_order = sorted(sloped, key=curved.__contains__)
        self.values = [*dict.fromkeys([*in_order, *curves.values(), *means.values(), *scored])]
        self.slopes = len(sloped)
        first = self.slopes - len(curved & {*sloped})
        self.curves = (first, first + len(curved))
        self.over = [(y, x) for y, x in self.values if x is not None]
        self.over_turns = any(x is None for _, x in self.values[: self.slopes])
        self.cells, self.curve_cells = len(structure.cells()) + len(structure.curve_sums), len(structure.curve_sums)
        self.is_empty = not (self.values or self.cells)
        self.points = points if curves or self.curve_cells else 0
        found = self._of_rows(means, structure) | self._of_slopes(slopes) | self._of_curves(curves, structure)
        found |= {name: ("segment", place) for place, name in enumerate(structure.segments())}
        self._find(components, found, [("segment", place) for place in range(len(structure.segments()))])
        averaged = [name for name in ("mean", *dict(structure.averages)) if f"{name}.num" in components]
        self.alike = [tuple([components.index(f"{name}.{part}") for name in averaged]) for part in ("num", "den")]

    def _sums(self) -> list[_Sum]:
        """The sums of columns, in the order in which they are computed."""
        raise NotImplementedError

    def _find(self, components: Names, found: dict[str, _Sum], by_segment: list[_Sum]) -> None:
        sums = [*([] if self.is_empty else self._sums()), *by_segment]
        place = {key: place for place, key in enumerate(sums)}
        self.zero = any(found.get(name) not in place for name in components)
        places = tuple([place.get(found.get(name, ()), len(sums)) for name in components])
        follows = places and places == tuple(range(places[0], places[0] + len(places)))
        self.first = places[0] if follows else None
        self.places = None if places == tuple(range(len(sums))) else places

    def _of_rows(self, means: dict[str, _Value], structure: Structure) -> dict[str, _Sum]:
        found: dict[str, _Sum] = {f"{name}.num": ("sum", self.values.index(value)) for name, value in means.items()}
        found |= {f"{name}.den": ("count", self.values.index(value)) for name, value in means.items()}
        if self.coverage:
            found |= {"coverage.num": ("covered",), "coverage.den": ("expected",)}
        found |= {name: ("cell", place) for place, name in enumerate(structure.cells())}
        return found | ({"records": found["mean.den"]} if "mean.den" in found else {})

    def _of_slopes(self, slopes: dict[str, _Value]) -> dict[str, _Sum]:
        found: dict[str, _Sum] = {f"{name}.num": ("product", self.values.index(of)) for name, of in slopes.items()}
        return found | {f"{name}.den": ("square", self.values.index(of)) for name, of in slopes.items()}

    def _of_curves(self, curves: dict[str, _Value], structure: Structure) -> dict[str, _Sum]:
        columns: dict[tuple[str, str], _Sum] = {}
        for end, kind in ((".num", "sum"), (".den", "count")):
            columns |= {(name, end): (kind, self.values.index(value)) for name, value in curves.items()}
        cells = enumerate(structure.curve_sums, self.cells - self.curve_cells)
        columns |= {(name, ""): ("cell", place) for place, name in cells}
        return {
            f"{name}_{point}{end}": (*key, point)
            for (name, end), key in columns.items()
            for point in range(1, self.points + 1)
        }


class RowPlan(Plan):
    """The sums of rows of all columns: values, where they are, four of each slope, coverage and cells.

    Behind them stand those of slopes, and of curves turn by turn, each with all columns that are summed by turn.

    Args:
        structure, components: see `Plan`.
        turns: points of each curve.
        line: cells of a line of padded records whose turns are columns; None: turns are given.

    Attributes:
        abscissas: by slope, which column it is over, the turn or one of its own; None: all are over the same.
        turn: the turn has to be a column.
        by_turn: which of a row's columns are summed by turn; (): none. Where turns are columns already, all are.
        size: number of a row's columns.
    """

    def __init__(self, structure: Structure, components: Names, turns: int, line: int | None) -> None:
        self.line = line
        super().__init__(structure, components, turns if line is None else min(line, turns))
        self.turn = self.over_turns and (line is None or bool(self.over))
        self.abscissas = self._abscissas()

    def _abscissas(self) -> tuple[int, ...] | None:
        sloped = self.values[: self.slopes]
        if not self.over or len(sloped) == 1:
            return None
        return tuple([0 if x is None else self.turn + self.over.index((y, x)) for y, x in sloped])

    def _sums(self) -> list[_Sum]:
        count, curved = len(self.values), range(*self.curves)
        row: list[_Sum] = [(kind, place) for kind in ("sum", "count") for place in range(count)]
        row += [("for slopes", place) for place in range(4 * self.slopes)]
        row += [("covered",), ("expected",)] if self.coverage else []
        row += [("cell", place) for place in range(self.cells)]
        self.size = len(row)
        columns = [*curved, *(count + place for place in curved), *range(self.size - self.curve_cells, self.size)]
        self.by_turn = tuple(() if not self.points else columns if self.line is None else range(self.size))
        of_slopes = [(kind, place) for kind in ("product", "square") for place in range(self.slopes)]
        of_curves = [(*row[column], point) for point in range(1, self.points + 1) for column in self.by_turn]
        return [*row, *of_slopes, *of_curves]


class MomentPlan(Plan):
    """The sums as `imug_kernels.segment_moments` has them: of the columns, of slopes, coverage, and of curves.

    Args:
        structure, components, points: see `Plan`.

    Attributes:
        columns: values and cells, in an order in which all that have a curve are side by side.
        curved: the first of these, and the first behind them.
        scored: the column of the values.
    """

    def _sums(self) -> list[_Sum]:
        (first, end), plain = self.curves, self.cells - self.curve_cells
        values: list[_Sum] = [("sum", place) for place in range(len(self.values))]
        cells: list[_Sum] = [("cell", place) for place in range(self.cells)]
        self.columns = [*values[:end], *cells[plain:], *values[end:], *cells[:plain]]
        self.curved = (first, end + self.curve_cells)
        self.scored = self.columns.index(("sum", self.values.index((0, None)))) if self.coverage else 0
        counts = [("count" if kind == "sum" else "number of cells", place) for kind, place in self.columns]
        of_slopes = [(kind, place) for kind in ("product", "square") for place in range(self.slopes)]
        of_curves = [part[slice(*self.curved)] for part in (self.columns, counts)]
        by_turn = [(*key, point) for point in range(1, self.points + 1) for part in of_curves for key in part]
        return [*self.columns, *counts, *of_slopes, ("covered",), ("expected",), *by_turn]


row_plan, moment_plan = lru_cache(maxsize=512)(RowPlan), lru_cache(maxsize=512)(MomentPlan)
