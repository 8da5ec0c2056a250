# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Watches the verdicts of a running service: how much passes, how much of it rightly, and whether that changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from imug_metrics.errors import ArgumentError
from imug_metrics.monitors.rates import CHANGES, ONE, RATES, rate_values, rates, turned
from imug_metrics.monitors.status import Change, MonitorStatus
from imug_metrics.monitors.verdict_rows import check_id, verdict_rows
from imug_metrics.stats.change_detection import Alarm, RiseDetector

MOST_BYTES = 2**28
_FORM = "imug_metrics.VerdictMonitor 1"


class VerdictMonitor:
    """Watches verdicts as they come: rates with bounds, and alarms, that may be looked at after every turn.

    A verdict accepts (1) or rejects (0) a piece of work, or is a number between; where the truth is known, the work is
    right (1) or wrong (0). The rates are

    - `pass_rate`: mean verdict
    - `agreement`: of verdict `v` with truth `y`, mean of `v y + (1 - v) (1 - y)`
    - `specificity`: share of wrong work that is rejected; it falls where a model grows permissive
    - `sensitivity`: share of right work that is accepted

    **What may be trusted.** Verdicts of one dialogue hang together, so the unit is the dialogue: it counts, with its
    mean of each rate, once it has ended. Then, with the probability `level`, the bounds of all four rates hold after
    every unit at once (`confidence_sequence`, each at a quarter of what may go wrong), if a rate is the same at all
    times; a rate that changes is what the alarms are for. And with at most `1 - level` any of the four alarms ever
    comes without reason: `pass_rate_rises`, `pass_rate_falls`, `agreement_falls`, `specificity_falls` (`RiseDetector`).
    Both are by Bonferroni's rule, and hold however the dialogues and the looks are timed.

    Args:
        level: see above, in (0, 1).
        unit: "dialogue"; or "verdict" where no verdict hangs on another, each of which is a unit then.
        baseline: by change, the rate in (0, 1) that is none yet: of `pass_rate_rises` the largest pass rate, of
            `specificity_falls` the least specificity. What is not named is learned.
        reference: units that a baseline is learned from: none of what they hold can be found, and a change that stays
            within what they leave open is not found either.
        max_open: dialogues that may be open at a time; where there are more, the one that began first ends.

    Attributes:
        count, total: units and their sum by rate, in the order of `RATES`; the sum is a whole number of parts of
            `ONE`, so that it is the same in any order.
        open: of dialogues that have not ended, number and sum of verdicts by rate.
        detectors: one a change.
        missing: verdicts that were absent.

    Not safe for several threads at once.

    Raises:
        ArgumentError: if an argument is not as expected.

    Example:
        >>> monitor = VerdictMonitor(baseline={"specificity_falls": 0.85})
        >>> for dialogue in range(300):
        ...     for turn in range(3):
        ...         accepts = dialogue % 10 == 0 or (dialogue >= 200 and dialogue % 2 == 0)
        ...         monitor.update(accepts, truth=False, dialogue=dialogue)
        ...     monitor.close(dialogue)
        >>> status = monitor.status()
        >>> status.found, round(status.rates["specificity"].value, 2)
        (('pass_rate_rises', 'agreement_falls', 'specificity_falls'), 0.77)
    """

    def __init__(
        self,
        level: float = 0.95,
        *,
        unit: Literal["dialogue", "verdict"] = "dialogue",
        baseline: Mapping[str, float] | None = None,
        reference: int = 200,
        max_open: int = 10_000,
    ) -> None:
        if not 0 < level < 1:
            raise ArgumentError("level", f"expected a number between 0 and 1, got {level}")
        if unit not in ("dialogue", "verdict"):
            raise ArgumentError("unit", f"expected 'dialogue' or 'verdict', got {unit!r}")
        if max_open < 1:
            raise ArgumentError("max_open", f"expected a number of dialogues from 1, got {max_open}")
        self.level, self.unit, self.reference, self.max_open = level, unit, reference, max_open
        self.baseline, self.missing = _checked_baseline(baseline or {}), 0
        self.count, self.total = [0] * len(RATES), [0] * len(RATES)
        self.open: dict[str | int, list[list[float]]] = {}
        self.detectors = {
            name: RiseDetector((1 - level) / len(CHANGES), turned(self.baseline.get(name), falls), reference)
            for name, (_, falls) in CHANGES.items()
        }

    def update(
        self,
        verdicts: float | Sequence[float | None] | None,
        truth: float | Sequence[float | None] | None = None,
        *,
        dialogue: str | int | Sequence[str | int] | None = None,
    ) -> None:
        """Add a verdict, or several in the order in which they came.

        Args:
            verdicts: 1 or True accepts, 0 or False rejects, or a number between; None or NaN: absent, which is counted.
            truth: 1 or True where the work is right, 0 or False where it is wrong, None or NaN where nobody knows; one
                for all, or one a verdict.
            dialogue: the id of the dialogue; one for all, or one a verdict. Needed where the unit is the dialogue.

        Raises:
            InputError: if a value is not as expected; nothing was added then.
        """
        for row in verdict_rows(verdicts, truth, dialogue, need_dialogue=self.unit == "dialogue"):
            if row.verdict is None:
                self.missing += 1
            elif self.unit == "dialogue" and row.dialogue is not None:
                self._add_to(row.dialogue, rate_values(row.verdict, row.truth))
            else:
                self._add(rate_values(row.verdict, row.truth))

    def close(self, dialogue: str | int | None = None) -> None:
        """A dialogue has ended and counts from now on; None: all that are open.

        A verdict on it that comes later begins a dialogue of its own. One that is not open is none to end.
        """
        for key in [*self.open] if dialogue is None else [dialogue]:
            sums = self.open.pop(key, None)
            if sums is not None:
                self._add([total / count if count else None for count, total in sums])

    def status(self) -> MonitorStatus:
        """What is known now."""
        changes = {name: self.change(name) for name in CHANGES}
        found = rates(self.count, self.total, self.level)
        return MonitorStatus(found, changes, self.unit, len(self.open), self.missing)

    def to_bytes(self) -> bytes:
        """Settings and all that was seen, for `from_bytes`: JSON that holds no verdict and no text but ids."""
        return json.dumps(
            {
                "form": _FORM,
                "settings": self.settings(),
                "missing": self.missing,
                "count": self.count,
                "sum": self.total,
                "open": [[key, sums] for key, sums in self.open.items()],
                "detectors": {name: detector.state() for name, detector in self.detectors.items()},
            }
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> VerdictMonitor:
        """The monitor that `to_bytes` was called of; nothing in the bytes is run.

        Raises:
            ArgumentError: if they are none.
        """
        refused = ArgumentError("data", "expected what `VerdictMonitor.to_bytes` gave")
        if len(data) > MOST_BYTES:
            raise refused
        try:
            held = json.loads(data)
            if held["form"] != _FORM:
                raise refused
            monitor = cls(**held["settings"])
            monitor._load(held)
        except (ArgumentError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise refused from error
        return monitor

    def settings(self) -> dict[str, Any]:
        """The arguments it was made with."""
        names = ("level", "unit", "baseline", "reference", "max_open")
        return {name: getattr(self, name) for name in names}

    def _add_to(self, dialogue: str | int, values: list[float | None]) -> None:
        if dialogue not in self.open and len(self.open) >= self.max_open:
            self.close(next(iter(self.open)))
        sums = self.open.setdefault(dialogue, [[0, 0.0] for _ in RATES])
        for of_rate, value in zip(sums, values, strict=True):
            if value is not None:
                of_rate[0] += 1
                of_rate[1] += value

    def _add(self, means: list[float | None]) -> None:
        """One unit."""
        for place, mean in enumerate(means):
            if mean is not None:
                self.count[place] += 1
                self.total[place] += round(mean * ONE)
        by_rate = dict(zip(RATES, means, strict=True))
        for name, (rate, falls) in CHANGES.items():
            value = turned(by_rate[rate], falls)
            if value is not None:
                self.detectors[name].add(value)

    def change(self, name: str) -> Change:
        """Whether a rate has changed, by the name in `CHANGES`."""
        (_, falls), detector = CHANGES[name], self.detectors[name]
        found = detector.alarm
        if found is not None and falls:
            found = Alarm(found.unit, found.since, 1 - found.rate, 1 - found.baseline)
        baseline = turned(detector.baseline, falls)
        return Change(detector.evidence, detector.threshold, baseline, detector.alarm is not None, found)

    def _load(self, held: Mapping[str, Any]) -> None:
        count, total = [int(n) for n in held["count"]], [int(s) for s in held["sum"]]
        missing = int(held["missing"])
        pairs = zip(count, total, strict=True)
        if len(count) != len(RATES) or missing < 0 or not all(0 <= s <= n * ONE for n, s in pairs):
            raise ValueError
        for key, sums in held["open"]:
            check_id(key)
            self.open[key] = [[int(n), float(s)] for n, s in sums]
            if len(sums) != len(RATES) or not all(0 <= s <= n for n, s in self.open[key]):
                raise ValueError
        self.missing, self.count, self.total = missing, count, total
        for name, detector in self.detectors.items():
            detector.load(held["detectors"][name])


def _checked_baseline(baseline: Mapping[str, float]) -> dict[str, float]:
    for name, rate in baseline.items():
        if name not in CHANGES:
            raise ArgumentError("baseline", f"expected a rate for one of {', '.join(CHANGES)}, got {name!r}")
        if not 0 < rate < 1:
            raise ArgumentError("baseline", f"expected rates between 0 and 1, got {rate} of {name}")
    return {name: float(rate) for name, rate in baseline.items()}
