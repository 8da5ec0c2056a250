# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as data: what stands in which cell. The terminal, the page and files show the same ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from imug_metrics._optional import require
from imug_metrics.errors import InputError
from imug_metrics.report.tables.names import Labels

if TYPE_CHECKING:
    from pandas import DataFrame

Tone = Literal["", "bold", "dim", "good", "bad", "warn"]


class Mark(NamedTuple):
    """One thing to know of a number before it is believed.

    Attributes:
        sign: beside the number.
        kind: "coverage", "chance" or "copies".
        text: what it means.
    """

    sign: str
    kind: str
    text: str


class Cell(NamedTuple):
    """One cell: what readers see, and the exact numbers that files hold.

    Attributes:
        text: on the first line.
        tone: of that line.
        below: on the second line, dim.
        value: number or text that files hold; None: the text.
        lower, upper: ends of the value's interval; NaN where there is none.
        n: how many records the value rests on; NaN where that is not told.
        marks: what must be known of the value.
        model: place of the model that the cell names, which has a colour; None: it names none.
        trend: a change that the page shows on a third line; files have it elsewhere.
        drawing: SVG that the page shows above the text.
    """

    text: str
    tone: Tone = ""
    below: str = ""
    value: float | str | None = None
    lower: float = math.nan
    upper: float = math.nan
    n: float = math.nan
    marks: tuple[Mark, ...] = ()
    model: int | None = None
    trend: Cell | None = None
    drawing: str = ""

    @property
    def content(self) -> float | str | None:
        """What files hold; None where a number is undefined."""
        if isinstance(self.value, float) and math.isnan(self.value):
            return None
        return self.text if self.value is None else self.value


@dataclass(frozen=True)
class Table:
    """A table; `str` gives it as plain text, notebooks show it as HTML.

    Attributes:
        header: of each column; lines are parted by line breaks, which are taken out where there is room.
        groups: rows of cells, in groups that a rule parts.
        title: above it.
        caption: below it, in lines.
        name: what its files are called, and the page's anchor.
        sortable: whether the page lets readers sort its rows.
        filterable: whether the page lets readers search its rows and choose among few texts of a column.
        compact: whether plain text breaks the headings and leaves out second lines, so that it fits a terminal.

    Raises:
        InputError: if a row has another number of cells than there are headings.

    Example:
        >>> table = Table(("Model", "Score"), [[(Cell("a"), Cell("0.50", value=0.504, lower=0.4, upper=0.6))]])
        >>> print(table)
        Model  Score
        ────────────
        a       0.50
        >>> print(table.to_csv(), end="")
        Model,Score,Score lower,Score upper
        a,0.504,0.4,0.6
    """

    header: tuple[str, ...]
    groups: Sequence[Sequence[Sequence[Cell]]]
    title: str = ""
    caption: tuple[str, ...] = ()
    name: str = ""
    sortable: bool = False
    filterable: bool = False
    compact: bool = False
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise InputError("groups", f"to hold rows of {len(self.header)} cells, one a heading", len(row))

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings on one line each; where two are alike they are numbered."""
        return tuple(map(Labels(), map(_one_line, self.header)))

    @property
    def rows(self) -> Iterator[Sequence[Cell]]:
        """The rows of all groups."""
        return (row for rows in self.groups for row in rows)

    def records(self) -> list[dict[str, float | str | None]]:
        """One mapping a row, from columns to exact values; an undefined number is None.

        A column with intervals is followed by `<column> lower` and `<column> upper`, one with counts by `<column> n`;
        where another column is called so, they are numbered.
        """
        keys = self._keys()
        return [{key: _entry(row[place], part) for key, (place, part) in keys.items()} for row in self.rows]

    def to_csv(self) -> str:
        """The exact values as CSV; an undefined number is an empty cell."""
        from imug_metrics.report.tables.csv import csv_table

        return csv_table(self)

    def to_markdown(self) -> str:
        """What readers see as a Markdown table."""
        from imug_metrics.report.tables.markdown import markdown_table

        return markdown_table(self)

    def to_latex(self) -> str:
        r"""What readers see as a LaTeX table with the rules of the package booktabs.

        The document needs ``\\usepackage{booktabs}`` and, for names of models in other scripts, a Unicode engine.
        """
        from imug_metrics.report.tables.latex import latex_table

        return latex_table(self)

    def to_pandas(self) -> DataFrame:
        """The exact values as a data frame.

        Raises:
            ModuleNotFoundError: if pandas is not installed.
        """
        frame: DataFrame = require("pandas", purpose="A data frame").DataFrame(self.records())
        return frame

    def __str__(self) -> str:
        from imug_metrics.report.tables.text import text_table

        return text_table(self)

    def _repr_html_(self) -> str:
        from imug_metrics.report.tables.html import html_table

        return html_table(self)

    def _keys(self) -> dict[str, tuple[int, str]]:
        """The keys of records: which part of which column each holds."""
        columns, unique = self.columns, Labels()
        for column in columns:
            unique(column)
        keys: dict[str, tuple[int, str]] = {}
        for place, column in enumerate(columns):
            keys[column] = place, ""
            keys |= {unique(f"{column} {part}"): (place, part) for part in _PARTS if self._has(place, part)}
        return keys

    def _has(self, place: int, part: str) -> bool:
        return any(not math.isnan(getattr(row[place], part)) for row in self.rows)


_PARTS = ("lower", "upper", "n")


def name_cell(name: str, model: int, *, shown: bool = True) -> Cell:
    """The cell of a model's name.

    Args:
        name: of the model.
        model: its place.
        shown: False below a row of the same model, where only files repeat it.

    Example:
        >>> name_cell("steady", 0, shown=False).content
        'steady'
    """
    return Cell(name if shown else "", "bold", value=name, model=model)


def legend(told: Mapping[str, Sequence[Mark]]) -> list[str]:
    """What marks mean, a line each.

    Args:
        told: marks by what they are told of, such as a model and a score.

    Example:
        >>> legend({"steady, Answers": [Mark("!", "coverage", "half is missing")]})
        ['!  steady, Answers: half is missing']
    """
    return [f"{mark.sign}  {what}: {mark.text}" for what, marks in told.items() for mark in marks]


def _one_line(heading: str) -> str:
    return heading.strip("\n").replace("-\n", "").replace("\n", " ")


def _entry(cell: Cell, part: str) -> Any:
    if not part:
        return cell.content
    found = getattr(cell, part)
    return None if math.isnan(found) else found
