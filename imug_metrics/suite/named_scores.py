# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The mean of a score or a cost that records carry, and how it changes from turn to turn."""

# No `from __future__ import annotations`: metric classes are in this file.

from dataclasses import replace
from typing import Any

from typing_extensions import Unpack

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.metrics.decay.turn_cost import TurnCost
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.options import MetricOptions
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


class NamedCost(TurnCost):
    """A cost that records carry: its mean first, then what `TurnCost` says of it.

    Args:
        name: of the cost, such as "tokens"; its estimates are called `cost_<name>...`, its sum `cost_<name>_sum`.
        kwargs: those of all metrics, see `MetricOptions`; a cost that is not known never counts as 0.

    Example:
        >>> metric = NamedCost("tokens")
        >>> metric.update([10.0, 30.0], dialogue=["a", "a"], turn=[1, 2])
        >>> found = metric.compute()
        >>> float(found["cost_tokens"]), float(found["cost_tokens_sum"]), float(found["cost_tokens_growth"])
        (20.0, 40.0, 2.0)
    """

    primary = "mean"
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
        self.name = COST + name
        options: dict[str, Any] = {**kwargs, "detail": True, "missing": "skip"}
        super().__init__(name, **options)

    def describe(self) -> MetricDescription:
        """How to read it, under its own name."""
        return replace(super().describe(), label=f"Cost, {self.unit}", noun=f"cost in {self.unit}", unit=self.unit)
