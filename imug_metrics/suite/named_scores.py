# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The mean of a score or a cost that records carry, and how it changes from turn to turn."""

# No `from __future__ import annotations`: metric classes are in this file.

import math
from dataclasses import replace
from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.suite.carried import COST


class NamedScore(TurnDecay):
    """A score that records carry: its mean first, then what `TurnDecay` says of it.

    The detail is that of `TurnDecay` with mean and slope in each other's place: `<name>` is the mean, `<name>_slope`
    the change per turn within dialogues.

    Args:
        name: of the score, and what the names of all its estimates begin with.
        score_range: ends that it cannot leave, as in `TurnDecay`; None: not known. A suite that is given a metric of
            the score's name feeds that one.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> metric = NamedScore("helpful")
        >>> metric.update([0.5, 0.25], dialogue=["a", "a"], turn=[1, 2])
        >>> found = metric.compute()
        >>> float(found["helpful"]), float(found["helpful_slope"])
        (0.375, -0.25)
    """

    primary = "mean"
    description = MetricDescription(
        label="Score",
        noun="score",
        measures="mean over the records that have it",
        direction="higher is better",
        meaning="A score that the records carry: its mean.",
        misleads="It means what its maker says. What was not scored is left out: read the coverage.",
    )

    def __init__(self, name: str, *, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]) -> None:
        self.name = name
        options: dict[str, Any] = {**kwargs, "detail": True}
        super().__init__(score_range=score_range, **options)

    def describe(self) -> MetricDescription:
        """How to read it, under its own name."""
        return replace(super().describe(), label=self.name, noun=self.name)


class NamedCost(NamedScore):
    """A cost that records carry: mean and sum, and how it changes from turn to turn.

    Args:
        name: of the cost, such as "tokens"; its estimates are called `cost_<name>...`, its sum `cost_<name>_sum`.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> metric = NamedCost("tokens")
        >>> metric.update([10.0, 30.0], dialogue=["a", "a"], turn=[1, 2])
        >>> found = metric.compute()
        >>> float(found["cost_tokens"]), float(found["cost_tokens_sum"])
        (20.0, 40.0)
    """

    higher_is_better = False
    limits = within((0.0, math.inf), "mean", "turn_")
    description = MetricDescription(
        label="Cost",
        noun="cost",
        measures="mean over the records that have it",
        direction="lower is better",
        meaning="What an output costs, as the records say: the mean.",
        misleads="Costs that are not known are left out of mean and sum: read the coverage. It says nothing of what "
        "was got for them.",
    )

    def __init__(self, name: str, **kwargs: Unpack[MetricOptions]) -> None:
        self.kind = name
        options: dict[str, Any] = {**kwargs, "missing": "skip"}
        super().__init__(COST + name, **options)

    def describe(self) -> MetricDescription:
        """How to read it, under its own name."""
        return replace(super().describe(), label=f"Cost, {self.kind}", noun=f"cost in {self.kind}", unit=self.kind)

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        total = found[f"{self.name}_mean"] * found[f"{self.name}_n"]
        return {**super()._finish(found), f"{self.name}_sum": total.nan_to_num(0.0)}
