# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which columns an update sums, and where each sum stands: found once from the names of what is added and asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

Names = tuple[str, ...]
_Value = tuple[int, "int | None"]


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

    Args:
        structure: what is added.
        components: what is asked for, by name.
        turns: points of each curve.
        line: cells of a line of padded records whose turns are columns; None: turns are given.

    Attributes:
        values: the distinct columns of values, those with a slope first: their place among the given ones, and the
            place of what the slope is over (None: turns, or there is no slope).
        slopes: how many have one.
        over: those of them whose slope is over something of its own.
        abscissas: by slope, which column it is over, the turn or one of its own; None: all are over the same.
        turn: the turn has to be a column.
        coverage: it is asked for.
        row: number of a row's columns.
        points: of each curve.
        by_turn: which of a row's columns are summed by turn; (): none. Where turns are columns already, all are.
        places: of the components among the sums; None: the components are the sums.
        size: number of the sums. They stand by kind: of rows, of slopes, of curves, known by segment; a name that is
            said twice means the later one.
        zero: behind them is one that is 0, for components that nothing was said of.
        alike: the components of ratios that weigh every dialogue alike, numerators and denominators.
    """

    def __init__(self, structure: Structure, components: Names, turns: int, line: int | None) -> None:
        asked = {name.rsplit(".", 1)[0] for name in components} | ({"mean"} if "records" in components else set())
        means: dict[str, _Value] = {
            name: (y, None) for name, y in structure.means + structure.averages if name in asked
        }
        in_curves = {name.rpartition("_")[0] for name in asked}
        curves: dict[str, _Value] = {name: (y, None) for name, y in structure.curves if name in in_curves}
        slopes = {name: (y, x) for name, x, y in structure.slopes if name in asked}
        self.coverage = "coverage" in asked and "coverage" not in structure.ratios
        scored = [(0, None)] if self.coverage else []
        self.values = [*dict.fromkeys([*slopes.values(), *curves.values(), *means.values(), *scored])]
        self.slopes = len({*slopes.values()})
        self.over = [(y, x) for y, x in self.values if x is not None]
        over_turns = any(x is None for _, x in self.values[: self.slopes])
        self.turn = over_turns and (line is None or bool(self.over))
        self.abscissas = self._abscissas()
        self.points = turns if line is None else min(line, turns)
        found = self._of_rows(means, structure)
        found |= self._of_slopes(slopes)
        found |= self._of_curves(curves, structure.curve_sums, in_columns=line is not None)
        segments = structure.segments()
        found |= {name: self.size + place for place, name in enumerate(segments)}
        self.size += len(segments)
        self.zero = any(name not in found for name in components)
        places = tuple([found.get(name, self.size) for name in components])
        self.places = None if places == tuple(range(self.size)) else places
        averaged = [name for name in ("mean", *dict(structure.averages)) if f"{name}.num" in components]
        self.alike = [tuple([components.index(f"{name}.{part}") for name in averaged]) for part in ("num", "den")]

    def _abscissas(self) -> tuple[int, ...] | None:
        sloped = self.values[: self.slopes]
        if not self.over or len(sloped) == 1:
            return None
        return tuple([0 if x is None else self.turn + self.over.index((y, x)) for y, x in sloped])

    def _of_rows(self, means: dict[str, _Value], structure: Structure) -> dict[str, int]:
        """Columns of a row: values, where they are, four of each slope, and cells that are summed as they are."""
        count = len(self.values)
        found = {f"{name}.num": self.values.index(value) for name, value in means.items()}
        found |= {f"{name}.den": count + self.values.index(value) for name, value in means.items()}
        cells = [*(("coverage.num", "coverage.den") if self.coverage else ()), *structure.cells()]
        found |= {name: 2 * count + 4 * self.slopes + place for place, name in enumerate(cells)}
        self.row = self.size = 2 * count + 4 * self.slopes + len(cells) + len(structure.curve_sums)
        return found | ({"records": found["mean.den"]} if "mean.den" in found else {})

    def _of_slopes(self, slopes: dict[str, _Value]) -> dict[str, int]:
        found = {f"{name}.num": self.size + self.values.index(value) for name, value in slopes.items()}
        found |= {f"{name}.den": self.size + self.slopes + self.values.index(value) for name, value in slopes.items()}
        self.size += 2 * self.slopes
        return found

    def _of_curves(self, curves: dict[str, _Value], sums: Names, in_columns: bool) -> dict[str, int]:
        """A curve's points are turn by turn, each with all columns that are summed by turn."""
        count, last = len(self.values), self.row - len(sums)
        columns = {(name, ".num"): self.values.index(value) for name, value in curves.items()}
        columns |= {(name, ".den"): count + self.values.index(value) for name, value in curves.items()}
        columns |= {(name, ""): last + place for place, name in enumerate(sums)}
        self.by_turn = tuple(range(self.row) if columns and in_columns else dict.fromkeys(columns.values()))
        place = {column: place for place, column in enumerate(self.by_turn)}
        found = {
            f"{name}_{point + 1}{end}": self.size + point * len(self.by_turn) + place[column]
            for (name, end), column in columns.items()
            for point in range(self.points)
        }
        self.size += self.points * len(self.by_turn)
        return found


column_plan = lru_cache(maxsize=512)(Plan)
