# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a monitor knows at one time: rates with their bounds, and which of them have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imug_metrics._numbers import number
from imug_metrics.stats.change_detection import Alarm


@dataclass(frozen=True)
class Rate:
    """A rate so far.

    Attributes:
        value: mean over units, 0 to 1; NaN where there is none.
        lower, upper: bounds that hold at every time at once; 0 and 1 where there is no unit.
        units: number of units: dialogues, or verdicts.
    """

    value: float
    lower: float
    upper: float
    units: int


@dataclass(frozen=True)
class Change:
    """Whether a rate has changed one way.

    Attributes:
        evidence: for the change, 0 or more; NaN where several monitors cannot share it.
        threshold: evidence that gives an alarm.
        baseline: the rate that is still taken for no change; None: it is being learned, or parts have their own.
        is_found: whether the evidence has ever reached the threshold.
        alarm: when it did, in the rate's own direction; None: it did not, or several monitors share the evidence.
    """

    evidence: float
    threshold: float
    baseline: float | None
    is_found: bool
    alarm: Alarm | None = None


@dataclass(frozen=True)
class MonitorStatus:
    """What a monitor knows.

    Attributes:
        rates: by name, `pass_rate`, `agreement`, `specificity`, `sensitivity`.
        changes: by name, `pass_rate_rises`, `pass_rate_falls`, `agreement_falls`, `specificity_falls`.
        unit: "dialogue" or "verdict".
        open: dialogues that have not ended and do not count yet.
        missing: verdicts that were absent.
    """

    rates: Mapping[str, Rate]
    changes: Mapping[str, Change]
    unit: str
    open: int
    missing: int

    @property
    def found(self) -> tuple[str, ...]:
        """Names of the changes that were found."""
        return tuple(name for name, change in self.changes.items() if change.is_found)

    def sentences(self) -> list[str]:
        """What there is to say, a line a rate, and before them one an alarm."""
        said = [_alarm(name, self.changes[name], self.unit) for name in self.found]
        return [*said, *(_rate(name, rate, self.unit) for name, rate in self.rates.items())]


_MEANINGS = {
    "pass_rate_rises": "passes more than its baseline",
    "pass_rate_falls": "passes less than its baseline",
    "agreement_falls": "agrees less with the truth",
    "specificity_falls": "grows permissive: rejects less of what is wrong",
}
_LABELS = {
    "pass_rate": "passes",
    "agreement": "agrees with the truth in",
    "specificity": "rejects of wrong work",
    "sensitivity": "accepts of right work",
}


def _alarm(name: str, change: Change, unit: str) -> str:
    if change.alarm is None:
        return f"{_MEANINGS[name]} (evidence {change.evidence:.3g}, {change.threshold:.3g} are needed)"
    alarm, side = change.alarm, "at most" if name.endswith("rises") else "at least"
    return (
        f"{_MEANINGS[name]}: {number(alarm.rate)} where it should be {side} {number(alarm.baseline)}, since about "
        f"number {alarm.since} of the {unit}s that count for it; found after number {alarm.unit}"
    )


def _rate(name: str, rate: Rate, unit: str) -> str:
    if not rate.units:
        return f"{_LABELS[name]}: nothing yet"
    units = f"{rate.units} {unit}{'' if rate.units == 1 else 's'}"
    return f"{_LABELS[name]} {number(rate.value)} ({number(rate.lower)} to {number(rate.upper)}), {units}"
