# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a run may spend, and when it has to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from imug_metrics.errors import ArgumentError

GIVE_UP_AFTER = 20
"""Requests in a row without any reply after which nothing more is asked: the model is gone, not wrong."""


class StoppedError(Exception):
    """Nothing more may be asked; dialogues that are not finished are left to a later run."""


@dataclass(frozen=True)
class SpendLimits:
    """What one call may spend at most; replies that an earlier call has recorded cost nothing.

    Attributes:
        requests: to the model.
        tokens: that it tells of; those of requests under way when the limit is met come on top.
        seconds: from the first request on.

    Raises:
        ArgumentError: if one is not above 0.

    Example:
        >>> SpendLimits(requests=1000)
        SpendLimits(requests=1000, tokens=None, seconds=None)
    """

    requests: float | None = None
    tokens: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and not 0 < value < math.inf:
                raise ArgumentError(limit.name, f"expected a number above 0, got {value}")


@dataclass
class Spending:
    """What has been spent, and whether there is a reason to stop.

    Attributes:
        limits: that hold.
        spent: by kind of cost, over all new requests.
        stopped: why nothing more is asked; None: it goes on.
    """

    limits: SpendLimits
    spent: dict[str, float] = field(default_factory=lambda: {"requests": 0.0})
    stopped: str | None = None
    _failures: int = 0
    _begin: float | None = None

    def begin(self) -> None:
        """Count a request before it is made.

        Raises:
            StoppedError: if it may not be made.
        """
        now = time.monotonic()
        self._begin = now if self._begin is None else self._begin
        spent = {**self.spent, "seconds": now - self._begin}
        for limit in fields(self.limits):
            most = getattr(self.limits, limit.name)
            if most is not None and spent.get(limit.name, 0.0) >= most and self.stopped is None:
                self.stopped = f"the limit of {most:g} {limit.name} is reached"
        if self.stopped is not None:
            raise StoppedError(self.stopped)
        self.spent["requests"] += 1

    def end(self, usage: Mapping[str, float]) -> None:
        """Count what a reply has cost."""
        self._failures = 0
        self._add(usage)
        if self.limits.tokens is not None and "tokens" not in usage:
            self.stopped = "there is a limit of tokens, but the model does not tell how many it used"

    def fail(self, reason: str, usage: Mapping[str, float], *, is_final: bool) -> None:
        """Count a request without a usable reply; `is_final`: the model is there, and will not do it."""
        self._add(usage)
        self._failures = 0 if is_final else self._failures + 1
        if self._failures >= GIVE_UP_AFTER:
            self.stopped = f"{GIVE_UP_AFTER} requests in a row had no reply, the last one because: {reason}"

    def _add(self, usage: Mapping[str, float]) -> None:
        for name, amount in usage.items():
            self.spent[name] = self.spent.get(name, 0.0) + amount
