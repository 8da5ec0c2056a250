# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as data: what stands in which cell and in what tone. They are shown as text here, in colour by the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from imug_metrics.report.sanitize import plain

Tone = Literal["", "bold", "dim", "good", "bad", "warn"]


class Cell(NamedTuple):
    """One cell, whose second line, if any, is dim.

    Attributes:
        text: on the first line.
        tone: of that line.
        below: on the second line.
    """

    text: str
    tone: Tone = ""
    below: str = ""


@dataclass(frozen=True)
class TextTable:
    """A table; `str` gives it as plain text.

    Attributes:
        header: of each column; lines are parted by line breaks.
        sections: rows of cells, in groups that a rule parts.
        title: above it.
        caption: below it, in lines.

    Example:
        >>> print(TextTable(("Model", "Score"), [[(Cell("a"), Cell("0.50"))]]))
        Model  Score
        ────────────
        a       0.50
    """

    header: tuple[str, ...]
    sections: Sequence[Sequence[Sequence[Cell]]]
    title: str = ""
    caption: tuple[str, ...] = ()

    def __str__(self) -> str:
        header = [heading.split("\n") for heading in self.header]
        tall = max(map(len, header))
        head = list(zip(*([""] * (tall - len(lines)) + lines for lines in header), strict=True))
        sections = [[line for row in rows for line in _lines(row)] for rows in self.sections]
        every = [*head, *(line for lines in sections for line in lines)]
        widths = [max(len(line[place]) for line in every) for place in range(len(self.header))]
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        body = [rule if line is None else _aligned(line, widths) for line in _ruled(sections)]
        parts = [*([self.title] if self.title else []), *(_aligned(line, widths) for line in head), rule, *body]
        return "\n".join([*parts, *map(plain, self.caption)])


def _lines(row: Sequence[Cell]) -> list[tuple[str, ...]]:
    first = tuple(plain(cell.text) for cell in row)
    second = tuple(plain(cell.below) for cell in row)
    return [first, second] if any(second) else [first]


def _ruled(sections: Sequence[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...] | None]:
    """The lines of all sections, None between two of them."""
    lines: list[tuple[str, ...] | None] = []
    for section in sections:
        if lines and section:
            lines.append(None)
        lines.extend(section)
    return lines


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """The first column to the left, the others to the right."""
    first = line[0].ljust(widths[0])
    others = (text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))
    return "  ".join([first, *others]).rstrip()
