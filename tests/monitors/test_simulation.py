# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The simulation of monitors: what it simulates is what users call, and a part of it holds here too."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from imug_metrics.monitors import VerdictMonitor
from imug_metrics.stats.change_detection import RiseDetector
from tests.monitors.__main__ import KINDS, TEMPLATE, page
from tests.monitors.streams import VerdictsOfDialogues, alarms, dialogues, ever_outside, monitor_alarms

PAGE = Path(__file__).parents[2] / "docs/quality/monitors.md"


def fewer_than(count: int, streams: int, share: float) -> bool:
    """Whether so many of the streams go with a share that is promised."""
    return bool(stats.binomtest(count, streams, share, alternative="greater").pvalue > 1e-3)


@pytest.mark.parametrize("baseline", [0.2, None], ids=["given", "learned"])
def test_streams_are_those_of_detectors(baseline: float | None) -> None:
    rates = np.concatenate([np.full(60, 0.2), np.full(300, 0.7)])
    found = alarms(dialogues, rates, 8, 7, baseline=baseline, reference=50)
    draw = np.random.default_rng(7)
    units = np.stack([dialogues(draw, 8, float(rate)) for rate in rates])
    for stream, unit in enumerate(found.tolist()):
        detector = RiseDetector(0.05, baseline, reference=50)
        for value in units[:, stream].tolist():
            detector.add(value)
        assert (0 if detector.alarm is None else detector.alarm.unit) == unit


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("baseline", [0.2, None], ids=["given", "learned"])
def test_few_streams_ever_give_a_false_alarm(kind: str, baseline: float | None) -> None:
    found = alarms(KINDS[kind], np.full(600, 0.2), 2000, 8, baseline=baseline)
    assert fewer_than(int((found > 0).sum()), 2000, 0.05)


def test_few_monitors_ever_give_any_false_alarm() -> None:
    assert fewer_than(int(monitor_alarms(400, 2000, 9).sum()), 2000, 0.05)


def test_a_false_alarm_is_common_where_units_hang_together() -> None:
    found = alarms(VerdictsOfDialogues(), np.full(2000, 0.2), 500, 10, baseline=0.2)
    assert (found > 0).mean() > 0.3


def test_rates_are_rarely_ever_outside_of_their_bounds_and_often_outside_of_students() -> None:
    outside, fixed = ever_outside(dialogues, 0.2, 500, 1000, 11)
    assert fewer_than(round(outside * 1000), 1000, 0.05)
    assert fixed > 0.2


def test_a_larger_rise_is_found_sooner() -> None:
    waited = []
    for rise in (0.1, 0.2, 0.4):
        rates = np.concatenate([np.full(100, 0.2), np.full(900, 0.2 + rise)])
        found = alarms(dialogues, rates, 300, 12, baseline=0.2)
        assert (found > 0).mean() > 0.95
        waited.append(float(np.median(found)))
    assert waited == sorted(waited, reverse=True)


def test_the_page_is_what_the_simulation_writes() -> None:
    """Its numbers come from 10,000 streams; its words, and which rows there are, from any number."""
    text, worst = page(20)

    def words(page: str) -> str:
        return re.sub(r"\d[\d.,]*|not found", "#", page)

    assert words(PAGE.read_text(encoding="utf-8")) == words(text)
    assert 0 <= worst <= 1
    assert "10,000 streams a row" in PAGE.read_text(encoding="utf-8")
    assert "{" in TEMPLATE.read_text(encoding="utf-8")


def test_a_monitor_has_the_detectors_that_were_simulated() -> None:
    monitor = VerdictMonitor(baseline={"pass_rate_rises": 0.2, "specificity_falls": 0.9})
    assert {name: detector.alpha for name, detector in monitor.detectors.items()} == pytest.approx(
        dict.fromkeys(monitor.detectors, 0.05 / 4)
    )
    assert monitor.detectors["specificity_falls"].baseline == pytest.approx(0.1)
