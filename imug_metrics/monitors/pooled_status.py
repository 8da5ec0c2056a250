# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What several monitors know together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imug_metrics.errors import ArgumentError
from imug_metrics.monitors.rates import CHANGES, rates, turned
from imug_metrics.monitors.status import Change, MonitorStatus
from imug_metrics.monitors.verdict_monitor import VerdictMonitor


def pooled_status(monitors: Sequence[VerdictMonitor]) -> MonitorStatus:
    """What several monitors know together, each of a part of the dialogues: of machines, or of a day.

    Rates add up: counts and sums are those of one monitor that saw all, in any order of the parts, and so are the
    bounds. Evidence hangs on the order of the units and is not that of one monitor; instead its mean over the parts is
    taken, which is evidence of the same kind (a mean of e-processes is one), so that an alarm of it comes without
    reason with the same small probability. Where a baseline was learned, each part has learned its own, with a chance
    of its own to be wrong: there the evidence is NaN, and the parts' own alarms have to be looked at, one by one.

    Args:
        monitors: one or more of the same settings.

    Raises:
        ArgumentError: if there is none, or settings differ.

    Example:
        >>> first, second = VerdictMonitor(unit="verdict"), VerdictMonitor(unit="verdict")
        >>> first.update([1, 0, 1])
        >>> second.update([1])
        >>> pooled_status([first, second]).rates["pass_rate"].value
        0.75
    """
    if not monitors:
        raise ArgumentError("monitors", "expected one or more, got none")
    first = monitors[0]
    for row, monitor in enumerate(monitors):
        if monitor.settings() != first.settings():
            raise ArgumentError(
                "monitors", f"expected the same settings, got {first.settings()} at 0 and {monitor.settings()} at {row}"
            )
    count = [sum(found) for found in zip(*(monitor.count for monitor in monitors), strict=True)]
    total = [sum(found) for found in zip(*(monitor.total for monitor in monitors), strict=True)]
    changes = {name: _pooled(name, monitors) for name in CHANGES}
    opened, missing = (sum(found) for found in zip(*((len(m.open), m.missing) for m in monitors), strict=True))
    return MonitorStatus(rates(count, total, first.level), changes, first.unit, opened, missing)


def _pooled(name: str, monitors: Sequence[VerdictMonitor]) -> Change:
    detectors = [monitor.detectors[name] for monitor in monitors]
    if len(detectors) == 1:
        return monitors[0].change(name)
    threshold, given = detectors[0].threshold, detectors[0].given
    if given is None:
        return Change(math.nan, threshold, None, False)
    evidence = math.fsum(detector.evidence for detector in detectors) / len(detectors)
    return Change(evidence, threshold, turned(given, CHANGES[name][1]), evidence >= threshold)
