# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The page docs/quality/pieces.md from what was counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imug_metrics.stats.sightings import FALSE_ALARM
from tests.pieces.simulation import Row, Tail

_TEMPLATE = Path(__file__).with_name("template.md")


def page(silent: Sequence[Row], back: Sequence[Row], loaders: Sequence[Row], tails: Sequence[Tail], made: str) -> str:
    """The page's text."""
    alarms = sum(row.noticed for row in silent)
    return _TEMPLATE.read_text(encoding="utf-8").format(
        made=made,
        verdict=f"{alarms} of {sum(row.runs for row in silent):,} data sets of whole dialogues were warned of",
        allowed=f"{FALSE_ALARM:g}",
        silent=_table(("dialogues", "data sets", "warned"), [(row.dialogues, row.runs, row.noticed) for row in silent]),
        tails=_tails(tails),
        power=_power(back),
        estimates=_estimates([row for row in back if row.kind in ("5%", "20%", "100%")]),
        loaders=_estimates(loaders),
    )


def _tails(tails: Sequence[Tail]) -> str:
    head = ("sightings", "data sets", *(f"below {level:g}" for level in tails[0].levels))
    return _table(head, [(tail.sightings, tail.runs, *(f"{share:.6f}" for share in tail.shares)) for tail in tails])


def _power(rows: Sequence[Row]) -> str:
    """Share of data sets that were noticed, by number of dialogues and what came back."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    found = {(row.dialogues, row.kind): row.noticed / row.runs for row in rows}
    sizes = sorted({row.dialogues for row in rows})
    lines = [(size, *(f"{found[size, kind]:.1%}" for kind in kinds)) for size in sizes]
    return _table(("dialogues", *(kind if kind == "one" else f"{kind} came twice" for kind in kinds)), lines)


def _estimates(rows: Sequence[Row]) -> str:
    head = ("came", "dialogues", "counted before", "estimate", "its error", "warned")
    return _table(
        head,
        [
            (
                row.kind,
                row.dialogues,
                f"{row.repeated:,.1f}",
                f"{row.estimate:,.1f}",
                f"± {row.spread:,.1f}",
                f"{row.noticed / row.runs:.1%}",
            )
            for row in rows
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown, its numbers with separators."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
