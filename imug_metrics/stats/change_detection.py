# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Has a rate risen above its baseline? Evidence that may be looked at after every unit, for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imug_metrics.errors import ArgumentError
from imug_metrics.stats.confidence_sequences import chernoff_upper_bound

Values: TypeAlias = NDArray[np.float64]

STEPS = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32])
"""How far the rates that are looked for lie above the baseline, as shares of the way from there to 1."""

HALF_OF_STARTS = 200
"""Half of the weight of all places where a rise may begin lies on so many units."""

_LARGEST = 1e300  # products stay finite numbers


def growth(units: ArrayLike, baseline: ArrayLike) -> Values:
    """What a unit multiplies the evidence for each rate above the baseline by.

    For a rate `t` above the baseline `b`, with `t = b + step (1 - b)` for each of `STEPS`,

        L_t(x) = 1 + (t - b) / (b (1 - b)) (x - b) = 1 + step (x - b) / b

    Its mean is at most 1 wherever the mean of `x`, given what came before, is at most `b`.

    Args:
        units: values in [0, 1], any shape.
        baseline: in (0, 1], of a shape that goes with it.

    Returns:
        float64 `[..., rates]`.

    Example:
        >>> growth(1.0, 0.25).tolist()[:2], growth(0.0, 0.25).tolist()[:2]
        ([2.5, 1.75], [0.5, 0.75])
    """
    x, b = np.asarray(units, np.float64), np.asarray(baseline, np.float64)
    return 1 + STEPS * ((x - b) / b)[..., None]


def start_weight(unit: ArrayLike) -> Values:
    """Weight of a rise that begins with a unit, from 1; `h / (h + n)` is left after `n` units, so that all sum to 1."""
    h, number = HALF_OF_STARTS, np.asarray(unit, np.float64)
    return h / ((h + number - 1) * (h + number))


def next_products(products: Values, unit: ArrayLike, values: ArrayLike, baseline: ArrayLike) -> Values:
    """Products of `growth` from each possible start on, summed with the weights of the starts, after one unit more.

    Args:
        products: before the unit, `[..., rates]`; zeros before the first.
        unit: its number, from 1, one for all or `[...]`.
        values: of the unit, in [0, 1], `[...]`.
        baseline: see `growth`.

    Returns:
        Of the shape of `products`: `(products + start_weight(unit)) * growth(values, baseline)`.
    """
    return np.minimum((products + start_weight(unit)[..., None]) * growth(values, baseline), _LARGEST)


def total_evidence(products: Values, units: ArrayLike) -> Values:
    """Evidence for a rise, float64 `[...]`: the mean over rates, and the weight of starts that are still to come.

    It begins at 1 and is a non-negative supermartingale while no unit has a mean above the baseline (an e-process), so
    that it ever reaches `1 / alpha` with a probability of at most `alpha`.
    """
    found: Values = products.mean(-1) + HALF_OF_STARTS / (HALF_OF_STARTS + np.asarray(units, np.float64))
    return found


class Alarm(NamedTuple):
    """A rise that was found.

    Attributes:
        unit: number of the unit after which it was.
        since: number of the unit that it seems to have begun with, by the largest sum of logarithms (CUSUM, Page,
            Biometrika 41, 1954): a guess without an interval.
        rate: mean of the units from there on.
        baseline: what it exceeds.
    """

    unit: int
    since: int
    rate: float
    baseline: float


class RiseDetector:
    """Looks for a rise of a rate above a baseline, with few false alarms over all time.

    The evidence is `total_evidence`: a mixture over rates above the baseline and over the units that the rise may begin
    with. With a probability of at most `alpha` it gives an alarm at any time while no unit's mean, given the ones
    before, is above the baseline (Ville 1939; such mixtures over starts: Shin, Ramdas and Rinaldo, arXiv:2203.03532,
    who bound the mean time between false alarms instead). It keeps a few numbers however long it runs.

    Without a baseline one is learned from the first `reference` units: their `chernoff_upper_bound` at half of alpha,
    which leaves the other half for the alarm. A rise that stays below that bound is not found, so that a longer
    reference finds smaller ones.

    Args:
        alpha: largest probability of a false alarm ever, in (0, 1).
        baseline: rate that should not be exceeded, in (0, 1); None: it is learned.
        reference: number of units that it is learned from, from 1.

    Attributes:
        alpha, reference: see above.
        given: the baseline that was given.
        baseline: the one that is used; None: not learned yet.
        units: number of units seen, those of the reference included.
        evidence: for a rise, 0 or more; 1 where nothing speaks for one or against it.
        threshold: evidence that gives the alarm.
        alarm: the first one; None: there was none.

    Raises:
        ArgumentError: if an argument is outside its range.

    Example:
        >>> detector = RiseDetector(alpha=0.05, baseline=0.2)
        >>> for unit in range(400):
        ...     detector.add(float(unit % 10 < (2 if unit < 200 else 6)))
        >>> detector.alarm.since, round(detector.alarm.rate, 1)
        (201, 0.8)
    """

    def __init__(self, alpha: float, baseline: float | None = None, reference: int = 200) -> None:
        if not 0 < alpha < 1:
            raise ArgumentError("alpha", f"expected a number between 0 and 1, got {alpha}")
        if baseline is not None and not 0 < baseline < 1:
            raise ArgumentError("baseline", f"expected a rate between 0 and 1, or None, got {baseline}")
        if reference < 1:
            raise ArgumentError("reference", f"expected a number of units from 1, got {reference}")
        self.alpha, self.given, self.baseline, self.reference = alpha, baseline, baseline, reference
        self.threshold = 1 / alpha if baseline is not None else 2 / alpha
        self.units = 0
        self.alarm: Alarm | None = None
        self._learned = 0.0  # sum of the reference
        self._first = 1 if baseline is not None else reference + 1  # unit that is watched
        self._products = np.zeros(len(STEPS))
        self._runs = np.zeros((3, len(STEPS)))  # sum of logarithms, first unit and sum of units since, by rate

    @property
    def evidence(self) -> float:
        """Evidence for a rise, see `total_evidence`."""
        return float(total_evidence(self._products, max(0, self.units + 1 - self._first)))

    def add(self, value: float) -> None:
        """Look at one unit more.

        Raises:
            ArgumentError: if the value is not in [0, 1]; nothing has changed then.
        """
        if not 0 <= value <= 1:
            raise ArgumentError("value", f"expected a number from 0 to 1, got {value}")
        self.units += 1
        if self.baseline is None:
            self._learn(value)
            return
        self._products = next_products(self._products, self.units + 1 - self._first, value, self.baseline)
        self._follow(value, self.baseline)
        if self.alarm is None and self.evidence >= self.threshold:
            _, since, total = self._runs[:, self._runs[0].argmax()].tolist()
            self.alarm = Alarm(self.units, int(since), total / (self.units + 1 - since), self.baseline)

    def _learn(self, value: float) -> None:
        self._learned += value
        if self.units == self.reference:
            self.baseline = float(chernoff_upper_bound(self.reference, self._learned, 1 - self.alpha / 2))

    def _follow(self, value: float, baseline: float) -> None:
        """For each rate, the run of units that speaks most for it."""
        logs, first, sums = self._runs
        new = logs <= 0
        grown = np.log(growth(value, baseline))  # of half or more
        self._runs = np.stack(
            [np.where(new, 0, logs) + grown, np.where(new, self.units, first), np.where(new, 0, sums) + value]
        )

    def state(self) -> dict[str, Any]:
        """All that was seen, in values that JSON holds."""
        return {
            "baseline": self.baseline,
            "units": self.units,
            "learned": self._learned,
            "products": self._products.tolist(),
            "runs": self._runs.tolist(),
            "alarm": self.alarm,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from where a detector of the same arguments has ended.

        Raises:
            ArgumentError: if it is no state of such a detector; nothing has changed then.
        """
        found = _checked(state, self)
        self.baseline, self.units, self._learned, self._products, self._runs, self.alarm = found


def _checked(state: Mapping[str, Any], detector: RiseDetector) -> tuple[Any, ...]:
    """The attributes of a detector, from its state."""
    refused = ArgumentError("state", "expected what `RiseDetector.state` gave of a detector of the same arguments")
    try:
        units, learned, alarm = int(state["units"]), float(state["learned"]), state["alarm"]
        products, runs = (np.array(state[key], np.float64) for key in ("products", "runs"))
        baseline = None if state["baseline"] is None else float(state["baseline"])
        if alarm is not None:
            alarm = Alarm(int(alarm[0]), int(alarm[1]), float(alarm[2]), float(alarm[3]))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise refused from error
    is_learning = detector.given is None and units < detector.reference
    fits = (
        products.shape == (len(STEPS),)
        and runs.shape == (3, len(STEPS))
        and bool(np.isfinite(products).all() and (products >= 0).all() and np.isfinite(runs).all())
        and 0 <= learned <= units
        and (baseline is None) == is_learning
        and (baseline is None or 0 < baseline <= 1)
        and detector.given in (None, baseline)
        and (alarm is None or (1 <= alarm.since <= alarm.unit <= units and 0 <= alarm.rate <= 1))
    )
    if not fits:
        raise refused
    return baseline, units, learned, products, runs, alarm
