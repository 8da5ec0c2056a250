# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cells of numbers as all tables show them: estimates, changes, shares, counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imug_metrics._numbers import number
from imug_metrics.metrics.options import LEAST_COVERAGE
from imug_metrics.report.estimates import Estimate, span
from imug_metrics.report.tables.table import Cell, Mark, Tone

_SIGNS = {-1: "▼ ", 0: "", 1: "▲ "}


def estimate_cell(
    found: Estimate, digits: int = 2, *, reason: str = "", n: float = math.nan, marks: Sequence[Mark] = ()
) -> Cell:
    """A value with its interval below it, or with the reason why there is none.

    Example:
        >>> cell = estimate_cell(Estimate(0.504, 0.4, 0.6))
        >>> cell.text, cell.below, cell.value
        ('0.50', '0.40 to 0.60', 0.504)
    """
    below = span(found, digits) or (reason if found.known else "")
    return Cell(number(found.value, digits), "", below, found.value, found.lower, found.upper, n, tuple(marks))


def change_cell(
    found: Estimate,
    digits: int = 3,
    *,
    higher_is_better: bool | None = True,
    unit: str = "",
    reason: str = "",
    marks: Sequence[Mark] = (),
) -> Cell:
    """A change with its sign, and ▼ or ▲ where its interval lies wholly below or above 0.

    Example:
        >>> change_cell(Estimate(-0.08, -0.1, -0.06))[:3]
        ('▼ −0.080', 'bad', '−0.100 to −0.060')
    """
    cell = estimate_cell(found, digits, reason=reason, marks=marks if found.known else ())
    text = f"{_SIGNS[found.direction]}{number(found.value, digits, signed=True)}{unit if found.known else ''}"
    return cell._replace(text=text, tone=direction_tone(found.direction, higher_is_better))


def direction_tone(direction: int, higher_is_better: bool | None) -> Tone:
    """Whether a rise (1) or a fall (-1) is for the better or for the worse.

    Example:
        >>> direction_tone(-1, True), direction_tone(-1, False), direction_tone(-1, None), direction_tone(0, True)
        ('bad', 'good', '', '')
    """
    if higher_is_better is None or not direction:
        return ""
    return "good" if (direction > 0) == higher_is_better else "bad"


def coverage_cell(share: float) -> Cell:
    """A share of outputs, rounded towards "not all" (99.97 % must not read as complete), marked where many are missing.

    Example:
        >>> coverage_cell(0.9997).text, [mark.sign for mark in coverage_cell(0.6).marks]
        ('99.9 %', ['!'])
    """
    if math.isnan(share):
        return Cell("–", value=share)
    text = "100 %" if share >= 1 else f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"
    return share_cell(text, share)._replace(value=share)


def share_cell(text: str, share: float) -> Cell:
    """A count or share of outputs in words of its own, marked where too many are missing.

    Example:
        >>> cell = share_cell("31/60", 31 / 60)
        >>> cell.text, cell.tone, cell.marks[0].sign
        ('31/60', 'warn', '!')
    """
    if is_covered(share):
        return Cell(text)
    return Cell(text, "warn", marks=(Mark("!", "coverage", f"below {100 * LEAST_COVERAGE:.0f} %"),))


def is_covered(share: float) -> bool:
    """Whether so few outputs are missing that a score can be read as it is.

    Example:
        >>> is_covered(0.99), is_covered(0.6), is_covered(float("nan"))
        (True, False, True)
    """
    return not share < LEAST_COVERAGE


def count_cell(count: float, text: str = "") -> Cell:
    """A whole number; a dash where it is not known.

    Example:
        >>> count_cell(1200).text, count_cell(float("nan")).text
        ('1,200', '–')
    """
    return Cell(text or ("–" if math.isnan(count) else f"{count:,.0f}"), value=float(count))
