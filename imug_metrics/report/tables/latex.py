# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as LaTeX with booktabs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imug_metrics.report.sanitize import plain
from imug_metrics.report.tables.text import first_line

if TYPE_CHECKING:
    from imug_metrics.report.tables.table import Cell, Table

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # a straight one is not in every encoding
    "-": "-{}",  # before another, which would make one dash of both
    "[": "{[}",  # which would read as an argument after the end of a line, and a star likewise
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "…": r"\ldots{}",
    "−": "$-$",
    "∞": r"$\infty$",
    "≈": r"$\approx$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "▼": r"$\blacktriangledown$",
    "▲": r"$\blacktriangle$",
    "→": r"$\rightarrow$",
    "·": r"$\cdot$",
    "α": r"$\alpha$",
    "ρ": r"$\rho$",
    "λ": r"$\lambda$",
    "Δ": r"$\Delta$",
}
_PATTERN = re.compile("|".join(re.escape(special) for special in _SPECIAL).replace(r"\-", "-(?=-)"))


def latex_table(table: Table) -> str:
    r"""A `table` with a `tabular` between `\toprule` and `\bottomrule`, intervals small beside their values.

    The title is the caption, and what else must be known stands small below the rows. Numbers are to the right, texts
    to the left; nothing is bold, which readers of papers would take for the best value. What models and data are called
    is escaped. The triangles need ``\usepackage{amssymb}``.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> score = Cell("0.50", below="0.4 to 0.6", value=0.504)
        >>> print(latex_table(Table(("Model", "Score"), [[(Cell("a_b"), score)]], "Scores")), end="")
        \begin{table}
        \centering
        \caption{Scores}
        \begin{tabular}{lr}
        \toprule
        Model & Score \\
        \midrule
        a\_b & 0.50 {\scriptsize (0.4 to 0.6)} \\
        \bottomrule
        \end{tabular}
        \end{table}
    """
    lines = [r"\begin{table}", r"\centering"]
    lines += [f"\\caption{{{escaped(table.title)}}}"] if table.title else []
    lines += [f"\\label{{tab:{re.sub('[^a-z0-9]+', '-', table.name)}}}"] if table.name else []
    sides = "".join("r" if _holds_numbers(table, place) else "l" for place in range(len(table.header)))
    lines += [f"\\begin{{tabular}}{{{sides}}}", r"\toprule"]
    lines.append(_line([escaped(column) for column in table.columns]))
    for rows in table.groups:
        lines += [r"\midrule", *(_line([_text(cell) for cell in row]) for row in rows)] if rows else []
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *_note(table.caption), r"\end{table}"]) + "\n"


def escaped(text: str) -> str:
    r"""Text with everything escaped that LaTeX would act upon.

    Example:
        >>> escaped("50 % of a_b")
        '50 \\% of a\\_b'
    """
    return _PATTERN.sub(lambda found: _SPECIAL[found[0]], plain(" ".join(text.split())))


def _holds_numbers(table: Table, place: int) -> bool:
    """Whether any cell of a column is a number or a range of them."""
    cells = (row[place] for row in table.rows)
    return any(isinstance(cell.value, (int, float)) or not math.isnan(cell.lower) for cell in cells)


def _note(caption: Sequence[str]) -> list[str]:
    """The lines below the rows."""
    if not caption:
        return []
    return [r"\par\smallskip", r"\parbox{\linewidth}{\footnotesize", " \\\\\n".join(map(escaped, caption)), "}"]


def _line(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _text(cell: Cell) -> str:
    text = escaped(first_line(cell))
    return f"{text} {{\\scriptsize ({escaped(cell.below)})}}" if cell.below else text
