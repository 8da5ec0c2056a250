# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulate streams that are watched after every unit, and write docs/quality/monitors.md; fails at false alarms."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.monitors.streams import (
    Streams,
    VerdictsOfDialogues,
    alarms,
    dialogues,
    ever_outside,
    monitor_alarms,
    verdicts,
    widths,
)

UNITS, CHANGE, AFTER, RATE = 1000, 500, 5000, 0.2
RATES, RISES, COUNTS = (0.05, 0.2, 0.5), (0.05, 0.1, 0.2), (50, 200, 1000, 10_000)
BASELINES = {
    "given": {"baseline": RATE},
    "learned from 200": {"reference": 200},
    "learned from 500": {"reference": 500},
}
KINDS: dict[str, Streams] = {"single verdicts": verdicts, "dialogues": dialogues}
TEMPLATE = Path(__file__).with_name("template.md")


class Quiet(NamedTuple):
    """Streams without a change."""

    kind: str
    rate: float
    given: float
    learned: float
    outside: float
    outside_fixed: float


class Found(NamedTuple):
    """Streams with a change."""

    rise: float
    shape: str
    baseline: str
    early: float
    found: float
    median: float
    slow: float


def quiet(streams: int) -> Iterator[Quiet]:
    """Shares of streams with a false alarm, and of those whose rate was ever outside of its bounds."""
    for kind, units in KINDS.items():
        for seed, rate in enumerate(RATES):
            still = np.full(UNITS, rate)
            given = alarms(units, still, streams, seed, baseline=rate) > 0
            learned = alarms(units, still, streams, seed + 10) > 0
            outside = ever_outside(units, rate, UNITS, streams, seed + 20)
            yield Quiet(kind, rate, float(given.mean()), float(learned.mean()), *outside)


def misused(streams: int) -> float:
    """The share of false alarms where verdicts of dialogues pass for single ones."""
    still = np.full(UNITS * 4, RATE)
    return float((alarms(VerdictsOfDialogues(), still, streams, 30, baseline=RATE) > 0).mean())


def changed(streams: int) -> Iterator[Found]:
    """How long it takes to find a change of the mean of dialogues."""
    for rise in RISES:
        for shape, share in (("at once", np.ones(AFTER)), ("over 500", np.minimum(1, np.arange(AFTER) / 500))):
            rates = np.concatenate([np.full(CHANGE, RATE), RATE + rise * share])
            for name, options in BASELINES.items():
                unit = alarms(dialogues, rates, streams, 40, **options)
                early = (unit > 0) & (unit <= CHANGE)
                waited = np.where(unit == 0, np.inf, unit - CHANGE)[~early]
                slow = np.quantile(waited, [0.5, 0.9], method="higher")
                yield Found(
                    rise, shape, name, float(early.mean()), float(np.isfinite(waited).mean()), *map(float, slow)
                )


def page(streams: int) -> tuple[str, float]:
    """The page, and the largest share of false alarms on it."""
    still, found = [*quiet(streams)], [*changed(max(streams // 5, 1))]
    whole = float(monitor_alarms(UNITS, streams, 50).mean())
    worst = max(whole, *(max(row.given, row.learned) for row in still))
    text = TEMPLATE.read_text(encoding="utf-8").format(
        streams=f"{streams:,}",
        fewer=f"{max(streams // 5, 1):,}",
        units=f"{UNITS:,}",
        worst=_share(worst),
        whole=_share(whole),
        misused=_share(misused(streams)),
        quiet=_table([[r.kind, r.rate, *map(_share, r[2:])] for r in still]),
        changed=_table(
            [[f"+{r.rise}", r.shape, r.baseline, _share(r.early), _share(r.found), *map(_waited, r[5:])] for r in found]
        ),
        widths=_table([_widths(rate, count) for rate in RATES for count in COUNTS]),
    )
    return text, worst


def _widths(rate: float, count: int) -> list[object]:
    always, once = widths(rate, count)
    return [rate, f"{count:,}", f"{always:.3f}", f"{once:.3f}", f"{always / once:.2f}"]


def _share(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def _waited(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "not found"


def _table(rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.monitors", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/quality"), help="folder of the page")
    parser.add_argument("--streams", type=int, default=10_000, help="streams without a change, a row")
    options = parser.parse_args(arguments)
    text, worst = page(options.streams)
    (options.out / "monitors.md").write_text(text, encoding="utf-8")
    print(f"most false alarms: {worst:.2%}")
    sys.exit(worst > 0.05)


if __name__ == "__main__":
    main()
