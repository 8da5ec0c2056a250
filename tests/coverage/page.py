# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The page docs/quality/coverage.md from what was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.coverage.comparisons import Told
from tests.coverage.grid import CORRELATIONS, USUAL, WANTED, Row

_HARDEST = CORRELATIONS[-1]
_TEMPLATE = Path(__file__).with_name("template.md")


def below(rows: Sequence[Row]) -> list[Row]:
    """Judged cells whose coverage is below what is wanted beyond the chance of the simulation; extra ones left out."""
    return [row for row in rows if row.correlation < _HARDEST and row.is_judged and row.certain[1] < WANTED]


def page(rows: Sequence[Row], told: Sequence[Told], made: Mapping[str, Any]) -> str:
    """The page's text."""
    regular, bad = [row for row in rows if row.correlation < _HARDEST], below(rows)
    judged = sum(row.is_judged for row in regular)
    low = sum(row.is_judged and row.covered < WANTED for row in regular) - len(bad)
    verdict = f"Of {judged:,} cells {len(bad) or 'none'} {'are' if len(bad) > 1 else 'is'} below it"
    verdict += f" (in {low} more the count is, by no more than chance explains)." if low else "."
    return _TEMPLATE.read_text(encoding="utf-8").format(
        wanted=f"{WANTED:.0%}".replace("%", " %"),
        usual=f"{USUAL:.0%}".replace("%", " %"),
        verdict=verdict,
        table=_summary(rows),
        reasons=_reasons(regular),
        size=_size(told),
        power=_power(told),
        details="\n".join(f"    {line}" for line in _details(rows).splitlines()),
        runs=made["runs"],
        seed=made["seed"],
        **made["versions"],
    )


def _summary(rows: Sequence[Row]) -> str:
    lines = []
    for extra in (False, True):
        for estimate in dict.fromkeys(row.estimate for row in rows):
            of = [row for row in rows if row.estimate == estimate and (row.correlation >= _HARDEST) == extra]
            judged = [row for row in of if row.is_judged]
            if of:
                lines.append([f"{estimate}, extra" if extra else estimate, *_of_estimate(of, judged)])
    return _table(["estimate", "cells", "worst", "where", "below 92 %", "without bounds", "width"], lines)


def _of_estimate(rows: Sequence[Row], judged: Sequence[Row]) -> list[str]:
    without = 1 - sum(row.given for row in rows) / sum(row.runs for row in rows)
    counts = f"{len(judged)} of {len(rows)}"
    if not judged:
        return [counts, "", "", "", _cent(without), ""]
    worst = min(judged, key=lambda row: row.covered)
    low, high = worst.certain
    width = median(row.width / row.given for row in judged)  # a few ratios of next to nothing are of any width
    bad = sum(row.certain[1] < WANTED for row in judged)
    where = f"{worst.dialogues}, {worst.lengths}; {worst.scores}; {worst.correlation:g}"
    covered = f"{_cent(worst.covered)} ({_cent(low)}–{_cent(high)})"
    return [counts, covered, where, str(bad or "none"), _cent(without), f"{width:.3g}"]


def _reasons(rows: Sequence[Row]) -> str:
    lines = []
    for estimate in dict.fromkeys(row.estimate for row in rows):
        of = [row for row in rows if row.estimate == estimate]
        reasons: Counter[str] = sum((row.reasons for row in of), Counter())
        runs = sum(row.runs for row in of)
        lines += [[estimate, why, _cent(count / runs)] for why, count in reasons.most_common()]
    return _table(["estimate", "reason", "share of data sets"], lines)


def _size(told: Sequence[Told]) -> str:
    equal = [one for one in told if not one.ahead]
    sizes = list(dict.fromkeys(one.dialogues for one in equal))
    lines = []
    for models, kind in dict.fromkeys((one.models, one.scores) for one in equal):
        of = {one.dialogues: one for one in equal if (one.models, one.scores) == (models, kind)}
        shares = [f"{_cent(of[g].share)} ({_cent(of[g].certain[0])}–{_cent(of[g].certain[1])})" for g in sizes]
        lines.append([f"{models} models, {kind}", *shares])
    return _table(["told apart though equal", *(f"{g} dialogues" for g in sizes)], lines)


def _power(told: Sequence[Told]) -> str:
    lines = [
        [f"{one.scores}, {one.dialogues} dialogues", _cent(one.share), _cent(one.apart / one.runs)]
        for one in told
        if one.ahead
    ]
    return _table(["the better of two is seen", "by the paired difference", "by two intervals"], lines)


def _details(rows: Sequence[Row]) -> str:
    lines = [
        [
            row.estimate,
            f"{row.dialogues}, {row.lengths}",
            row.scores,
            f"{row.correlation:g}",
            _cent(row.covered) if row.given else "",
            _cent(row.given / row.runs),
            f"{row.width / row.given:.3g}" if row.given else "",
        ]
        for row in rows
    ]
    return _table(["estimate", "dialogues", "scores", "correlation", "held", "given", "width"], lines)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cent(share: float) -> str:
    return f"{100 * share:.1f} %"
