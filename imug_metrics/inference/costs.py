# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What requests have cost, summed by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imug_metrics.judges.journal import Address


@dataclass
class Costs:
    """What requests have cost, recorded ones included, each once however often its reply is used.

    Example:
        >>> costs = Costs()
        >>> costs.add({"tokens": 12.0}, replied=True)
        >>> costs.add({}, replied=False)
        >>> costs.total()
        {'requests': 2.0, 'tokens': 12.0}
    """

    counted: set[Address] = field(default_factory=set)
    requests: int = 0
    replies: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)

    def add(self, usage: Mapping[str, float], *, replied: bool) -> None:
        """Add one request."""
        self.requests += 1
        self.replies += replied
        for name, amount in usage.items():
            self.sums[name] = self.sums.get(name, 0.0) + amount
            self.told[name] = self.told.get(name, 0) + replied

    def total(self) -> dict[str, float]:
        """By kind, without those that not every reply told: a part of them would pass for the whole."""
        whole = {name: amount for name, amount in self.sums.items() if self.told[name] == self.replies}
        return {"requests": float(self.requests), **whole}
