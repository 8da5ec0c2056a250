# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as LaTeX with booktabs."""

from __future__ import annotations

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

    What models and data are called is escaped. The triangles need ``\usepackage{amssymb}``.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> print(latex_table(Table(("Model", "Score"), [[(Cell("a_b"), Cell("0.50", below="0.4 to 0.6"))]])), end="")
        \begin{table}
        \centering
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
    words = " ".join([table.title and f"{table.title}.", *(f"{line.rstrip('.')}." for line in table.caption)]).strip()
    lines += [f"\\caption{{{escaped(words)}}}"] if words else []
    lines += [f"\\label{{tab:{re.sub('[^a-z0-9]+', '-', table.name)}}}"] if table.name else []
    lines += [f"\\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}", r"\toprule"]
    lines.append(_line([escaped(column) for column in table.columns]))
    for rows in table.groups:
        lines += [r"\midrule", *(_line([_text(cell) for cell in row]) for row in rows)] if rows else []
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def escaped(text: str) -> str:
    r"""Text with everything escaped that LaTeX would act upon.

    Example:
        >>> escaped("50 % of a_b")
        '50 \\% of a\\_b'
    """
    return _PATTERN.sub(lambda found: _SPECIAL[found[0]], plain(" ".join(text.split())))


def _line(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _text(cell: Cell) -> str:
    text = escaped(first_line(cell))
    if cell.tone == "bold" and cell.model is None and text:
        text = f"\\textbf{{{text}}}"
    return f"{text} {{\\scriptsize ({escaped(cell.below)})}}" if cell.below else text
