# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Evidence for a rise: its recursion, its promise, its state."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.stats.change_detection import HALF_OF_STARTS, STEPS, Alarm, RiseDetector, growth, start_weight
from imug_metrics.stats.confidence_sequences import chernoff_upper_bound


def plain_evidence(units: list[float], baseline: float) -> float:
    """The sum over starts and rates as it is defined."""
    of_rates = []
    for step in STEPS.tolist():
        rate = baseline + step * (1 - baseline)
        total = HALF_OF_STARTS / (HALF_OF_STARTS + len(units))
        for start in range(len(units)):
            product = 1.0
            for x in units[start:]:
                product *= rate / baseline * x + (1 - rate) / (1 - baseline) * (1 - x)
            total += float(start_weight(start + 1)) * product
        of_rates.append(total)
    return math.fsum(of_rates) / len(of_rates)


@pytest.mark.parametrize("baseline", [0.05, 0.4, 0.9])
def test_the_recursion_is_the_sum_over_all_starts(baseline: float) -> None:
    units = np.random.default_rng(0).choice([0.0, 0.25, 0.5, 1.0], 60).tolist()
    detector = RiseDetector(0.05, baseline)
    for seen, unit in enumerate(units, 1):
        detector.add(unit)
        assert detector.evidence == pytest.approx(plain_evidence(units[:seen], baseline), rel=1e-10)


def test_weights_of_starts_sum_to_one() -> None:
    weights = start_weight(np.arange(1, 10_001))
    assert weights[:HALF_OF_STARTS].sum() == pytest.approx(0.5)
    assert weights.sum() + HALF_OF_STARTS / (HALF_OF_STARTS + 10_000) == pytest.approx(1)


@pytest.mark.parametrize("baseline", [0.1, 0.5])
@pytest.mark.parametrize("mean", [0.5, 1.0])
def test_growth_is_one_on_average_at_the_baseline_and_less_below(baseline: float, mean: float) -> None:
    rate = baseline * mean
    expected = rate * growth(1.0, baseline) + (1 - rate) * growth(0.0, baseline)
    assert expected == pytest.approx(np.ones(len(STEPS))) if mean == 1 else (expected < 1).all()


def test_a_rise_is_found_with_its_beginning_and_stays_found() -> None:
    draw = np.random.default_rng(1)
    detector = RiseDetector(0.05, 0.2)
    for unit in range(800):
        detector.add(float(draw.random() < (0.2 if unit < 400 else 0.5)))
    assert detector.alarm is not None
    assert 400 < detector.alarm.unit < 500
    assert abs(detector.alarm.since - 400) < 40
    assert detector.alarm.rate == pytest.approx(0.5, abs=0.15)
    found = detector.alarm
    for _ in range(500):
        detector.add(0.0)
    assert detector.alarm == found
    assert detector.evidence < detector.threshold


def test_a_learned_baseline_is_the_bound_of_the_reference() -> None:
    units = np.random.default_rng(2).choice([0.0, 0.5, 1.0], 120).tolist()
    detector = RiseDetector(0.1, reference=100)
    for unit in units[:99]:
        detector.add(unit)
    assert detector.baseline is None
    assert detector.evidence == 1
    for unit in units[99:]:
        detector.add(unit)
    assert detector.baseline == pytest.approx(float(chernoff_upper_bound(100, math.fsum(units[:100]), 0.95)))
    assert detector.threshold == 20
    assert detector.evidence == pytest.approx(plain_evidence(units[100:], detector.baseline))


def test_a_reference_of_ones_leaves_no_rise_to_be_found() -> None:
    detector = RiseDetector(0.05, reference=3)
    for _ in range(500):
        detector.add(1.0)
    assert detector.baseline == 1
    assert detector.evidence == pytest.approx(1)
    assert detector.alarm is None


def test_evidence_stays_a_finite_number() -> None:
    detector = RiseDetector(0.05, 0.001)
    for _ in range(400):
        detector.add(1.0)
    assert math.isfinite(detector.evidence)
    assert detector.alarm is not None


@pytest.mark.parametrize("baseline", [None, 0.3])
@pytest.mark.parametrize("seen", [0, 5, 20, 150])
def test_a_state_goes_on_where_it_ended(baseline: float | None, seen: int) -> None:
    units = [*np.random.default_rng(3).random(seen), *[1.0] * 60]
    whole, first, second = (RiseDetector(0.05, baseline, reference=20) for _ in range(3))
    for unit in units:
        whole.add(float(unit))
    for unit in units[:seen]:
        first.add(float(unit))
    second.load(json.loads(json.dumps(first.state())))
    for unit in units[seen:]:
        second.add(float(unit))
    assert second.state() == whole.state()
    assert second.alarm is not None or baseline is None


def spoilt() -> dict[str, dict[str, Any]]:
    detector = RiseDetector(0.05, 0.3)
    for _ in range(40):
        detector.add(1.0)
    state = json.loads(json.dumps(detector.state()))
    changes: dict[str, Any] = {
        "products": [1.0],
        "runs": [[1.0] * 5] * 2,
        "units": -1,
        "baseline": 0.31,
        "learned": "x",
        "alarm": [3, 9, 0.1, 0.3],
    }
    found = {key: {**state, key: value} for key, value in changes.items()}
    return {
        **found,
        "nan": {**state, "products": [math.nan] * 5},
        "empty": {},
        "below": {**state, "products": [-1.0] * 5},
    }


@pytest.mark.parametrize("name", ["products", "runs", "units", "baseline", "learned", "alarm", "nan", "empty", "below"])
def test_another_state_is_refused_and_changes_nothing(name: str) -> None:
    detector = RiseDetector(0.05, 0.3)
    detector.add(1.0)
    before = detector.state()
    with pytest.raises(ArgumentError, match="`state`"):
        detector.load(spoilt()[name])
    assert detector.state() == before


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_rate_is_refused_and_changes_nothing(value: float) -> None:
    detector = RiseDetector(0.05, 0.3)
    with pytest.raises(ArgumentError, match="`value`"):
        detector.add(value)
    assert detector.units == 0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": 0.05, "baseline": 0.0}, "baseline"),
        ({"alpha": 0.05, "baseline": 1.0}, "baseline"),
        ({"alpha": 0.05, "reference": 0}, "reference"),
    ],
)
def test_arguments_outside_their_range_are_refused(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        RiseDetector(**arguments)


def test_an_alarm_tells_what_it_exceeds() -> None:
    detector = RiseDetector(0.05, 0.2)
    for _ in range(30):
        detector.add(1.0)
    assert detector.alarm == Alarm(detector.alarm.unit if detector.alarm else 0, 1, 1.0, 0.2)
