# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated streams of units, and what detectors and bounds make of thousands of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from imug_metrics.monitors.rates import CHANGES
from imug_metrics.stats.change_detection import STEPS, next_products, total_evidence
from imug_metrics.stats.confidence_sequences import chernoff_upper_bound, confidence_sequence, log_evidence_against

Values: TypeAlias = NDArray[np.float64]
Streams: TypeAlias = Callable[[np.random.Generator, int, float], Values]
"""Units of so many streams at one time, of the given rate."""

TURNS = 4
SPREAD = (1 - 0.3) / 0.3  # of the beta distribution, for an intra-class correlation of 0.3


def verdicts(draw: np.random.Generator, streams: int, rate: float) -> Values:
    """Single verdicts, none of which hangs on another."""
    return (draw.random(streams) < rate).astype(np.float64)


def dialogues(draw: np.random.Generator, streams: int, rate: float) -> Values:
    """Means of dialogues of four verdicts with an intra-class correlation of 0.3 (beta-binomial)."""
    chance = draw.beta(rate * SPREAD, (1 - rate) * SPREAD, streams)
    return draw.binomial(TURNS, chance) / TURNS


class VerdictsOfDialogues:
    """The verdicts of such dialogues one by one, as if none hung on another."""

    def __init__(self) -> None:
        self._seen = 0
        self._chance = np.zeros(0)

    def __call__(self, draw: np.random.Generator, streams: int, rate: float) -> Values:
        if self._seen % TURNS == 0:
            self._chance = draw.beta(rate * SPREAD, (1 - rate) * SPREAD, streams)
        self._seen += 1
        return (draw.random(streams) < self._chance).astype(np.float64)


def alarms(
    units: Streams,
    rates: Values,
    streams: int,
    seed: int,
    *,
    alpha: float = 0.05,
    baseline: float | None = None,
    reference: int = 200,
) -> NDArray[np.int64]:
    """Number of the unit after which each stream gave an alarm; 0: it gave none.

    Args:
        units: draws them.
        rates: the true rate at each time.
        streams: how many.
        seed: of the draws.
        alpha, baseline, reference: of the detector.
    """
    draw = np.random.default_rng(seed)
    products, found = np.zeros((streams, len(STEPS))), np.zeros(streams, np.int64)
    learned, bound = np.zeros(streams), np.full(streams, np.nan if baseline is None else baseline)
    first = 1 if baseline is not None else reference + 1
    threshold = (1 if baseline is not None else 2) / alpha
    for unit, rate in enumerate(rates, 1):
        values = units(draw, streams, float(rate))
        if unit < first:
            learned += values
            if unit == reference:
                bound = chernoff_upper_bound(reference, learned, 1 - alpha / 2)
            continue
        products = next_products(products, unit + 1 - first, values, bound)
        reached = total_evidence(products, unit + 1 - first) >= threshold
        found[reached & (found == 0)] = unit
    return found


def monitor_alarms(count: int, streams: int, seed: int) -> NDArray[np.bool_]:
    """Which streams of dialogues ever gave any of a monitor's four alarms, where nothing changes.

    In each dialogue the share of right work and the leniency have their own luck; baselines are the true rates.
    """
    draw = np.random.default_rng(seed)
    truth = {"pass_rate": 0.7 * 0.9 + 0.3 * 0.2, "agreement": 0.7 * 0.9 + 0.3 * 0.8, "specificity": 0.8}
    products = {name: np.zeros((streams, len(STEPS))) for name in CHANGES}
    units = {name: np.zeros(streams) for name in CHANGES}
    found = np.zeros(streams, bool)
    for _ in range(count):
        right = draw.binomial(TURNS, draw.beta(0.7 * SPREAD, 0.3 * SPREAD, streams))
        wrong = TURNS - right
        accepted = draw.binomial(right, draw.beta(0.9 * SPREAD, 0.1 * SPREAD, streams))
        rejected = draw.binomial(wrong, draw.beta(0.8 * SPREAD, 0.2 * SPREAD, streams))
        means = {
            "pass_rate": (accepted + wrong - rejected) / TURNS,
            "agreement": (accepted + rejected) / TURNS,
            "specificity": np.divide(rejected, wrong, out=np.zeros(streams), where=wrong > 0),
        }
        for name, (rate, falls) in CHANGES.items():
            there = wrong > 0 if rate == "specificity" else np.ones(streams, bool)
            values, baseline = (1 - means[rate], 1 - truth[rate]) if falls else (means[rate], truth[rate])
            units[name] += there
            grown = next_products(products[name], np.maximum(units[name], 1), values, baseline)
            products[name] = np.where(there[:, None], grown, products[name])
            found |= total_evidence(products[name], units[name]) >= len(CHANGES) / 0.05
    return found


def ever_outside(units: Streams, rate: float, count: int, streams: int, seed: int) -> tuple[float, float]:
    """Shares of streams whose rate was ever outside of bounds of 95 %: of those for all times, and of Student's.

    Both are looked at after every unit, Student's from the thirtieth on, where it holds well at any one time.
    """
    draw = np.random.default_rng(seed)
    total, squares = np.zeros(streams), np.zeros(streams)
    outside, outside_fixed = np.zeros(streams, bool), np.zeros(streams, bool)
    for unit in range(1, count + 1):
        values = units(draw, streams, rate)
        total, squares = total + values, squares + values * values
        outside |= log_evidence_against(rate, unit, total) >= np.log(20)
        if unit >= 30:
            error = np.sqrt(np.maximum(squares - total**2 / unit, 0) / (unit * (unit - 1)))
            outside_fixed |= np.abs(total / unit - rate) > special.stdtrit(unit - 1, 0.975) * error
    return float(outside.mean()), float(outside_fixed.mean())


def widths(rate: float, count: int) -> tuple[float, float]:
    """Widths of the bounds for all times, and of Wilson's interval for one, after so many units of that mean."""
    lower, upper = confidence_sequence(count, rate * count)
    fixed = stats.binomtest(round(rate * count), count).proportion_ci(method="wilson")
    return float(upper - lower), float(fixed.high - fixed.low)
