# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From sums over dialogues to estimates with intervals."""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from imug_metrics._constants import constant, integers
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.metrics.options import Detail, within
from imug_metrics.metrics.packed_metric import PackedMetric
from imug_metrics.stats import (
    Interval,
    Moments,
    Weights,
    component_weights,
    delta_spread,
    interval,
    percentile_interval,
    ratio_spread,
    ratios,
    varying_weights,
)
from imug_metrics.stats.intervals import NO_FORMULA, REASONS, UNDEFINED, kept_range

_Entry = TypeVar("_Entry")


class EstimatedMetric(PackedMetric):
    """What `DialogueMetric` makes of its sums: ratios of them, estimates derived from them, and their intervals.

    A subclass says which estimate is the primary one, which range an estimate cannot leave, and how else it differs
    from a ratio; and sets the names of its ratios, sums and components.
    """

    primary: str = "mean"
    ranges: dict[str, Bounds] = within(SHARE)  # that estimates cannot leave, by name or by beginning ("turn_")
    limits: Mapping[str, Bounds] = {}  # the same of estimates that are no mean within them: they do not choose a method
    steps: tuple[str, ...] = ()  # estimates that jump, so that only the bootstrap gives them an interval
    events: Mapping[str, tuple[str, ...]] = {}  # by estimate, ratios whose numerators say which dialogues vary it
    fitted: Mapping[str, int] = {}  # parameters that estimates fit, by name or by beginning, where there are several
    replicates: Tensor
    detail: Detail
    bootstrap: int
    level: float
    _ratio_names: list[str]
    _sum_names: list[str]
    _components: tuple[str, ...]
    _derived_names: list[str] | None

    @property
    def _totals(self) -> Tensor:
        """The sums over all dialogues `[P]`, whose names are `_components`."""
        return self.moments[0, 1:] if self.detail else self.moments

    def _ratios(self) -> list[str]:
        """Names of the ratios a subclass adds."""
        return []

    def _sums(self) -> list[str]:
        """Names of the plain sums a subclass adds."""
        return []

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Estimates made of sums: ratios' numerators as `<name>.num` and denominators as `<name>.den`, and `_sums`.

        Works on sums of any shape and must not change when all sums are scaled.
        """
        return {}

    def _supports(self) -> dict[str, str]:
        """Sums that say how much each dialogue weighs in an estimate, where the rule does not say it."""
        return {}

    def _intervals(self, moments: Moments) -> tuple[list[str], Interval]:
        """Names of all estimates, and the estimates with their intervals."""
        names = self._estimate_names()
        value, spread, weights, varying = self._with_spreads(names, moments)
        found = self._stepped(names, self._bounded(names, value, spread, weights, varying), weights)
        return names, self._limited(names, found)

    def _bounded(self, names: list[str], value: Tensor, spread: Tensor, weights: Weights, varying: Weights) -> Interval:
        """Intervals `[..., E]`, by what is known of each estimate: its range, and how much it fits."""
        low, high = constant(_columns, tuple(map(self._range, names)), like=value).unbind()
        fitted = constant(integers, tuple(_named_or_begun(self.fitted, name, 1) for name in names), like=value)
        return interval(value, spread, weights, varying=varying, fitted=fitted, low=low, high=high, level=self.level)

    def _with_spreads(self, names: list[str], moments: Moments) -> tuple[Tensor, Tensor, Weights, Weights]:
        """Estimates, their spreads, and the weights of the dialogues that carry and that vary them."""
        count = len(self._ratio_names)
        value, spread = ratio_spread(moments, count)
        weights, varying = self._weights(names, moments), varying_weights(moments, count)
        if len(names) > count:
            derived = delta_spread(lambda sums: _stacked(self._derived(self._named(sums))), moments)
            value, spread = torch.cat([value, derived[0]]), torch.cat([spread, derived[1]])
            varying = self._with_events(names[count:], varying, weights)
        return value, spread, weights, varying

    def _with_events(self, derived: list[str], varying: Weights, weights: Weights) -> Weights:
        """Which dialogues vary each estimate: of ratios what was counted, of derived ones the ratio with the fewest."""
        count = len(varying.total)
        found = [varying]
        for row, name in enumerate(derived, count):
            chosen, rows = weights, [row]
            if name in self.events:
                chosen, rows = varying, [self._ratio_names.index(ratio) for ratio in self.events[name]]
            of = Weights(*(part[rows] for part in chosen))
            fewest = of.effective.argmin(0, keepdim=True)
            found.append(Weights(*(part.gather(0, fewest) for part in of)))
        return Weights(*map(torch.cat, zip(*found)))

    def _stepped(self, names: list[str], found: Interval, weights: Weights) -> Interval:
        """With the bounds of estimates that jump from the bootstrap alone: the delta method says nothing of a step."""
        if not self.steps:
            return found
        jumps = constant(integers, tuple(name in self.steps for name in names), like=found.value).bool()
        lower = upper = torch.full_like(found.value, torch.nan)
        if self.bootstrap:
            lower, upper = percentile_interval(self._estimates(self.replicates), self.level, weights.effective)
        unknown = found.value.isnan()
        reason = torch.where(lower.isnan(), REASONS.index(NO_FORMULA), 0).masked_fill(unknown, REASONS.index(UNDEFINED))
        return found._replace(
            lower=torch.where(jumps, lower.masked_fill(unknown, torch.nan), found.lower),
            upper=torch.where(jumps, upper.masked_fill(unknown, torch.nan), found.upper),
            reason=torch.where(jumps, reason.to(found.reason), found.reason),
        )

    def _limited(self, names: list[str], found: Interval) -> Interval:
        """With bounds that stop at the ends of their estimates, and hold these."""
        ends = constant(_columns, tuple(map(self._ends, names)), like=found.value)
        low, high = kept_range(found.value, *ends.unbind())
        lower, upper = torch.maximum(found.lower, low), torch.minimum(found.upper, high)
        return found._replace(lower=torch.minimum(lower, found.value), upper=torch.maximum(upper, found.value))

    def _ends(self, name: str) -> Bounds:
        """The ends that neither an estimate nor its bounds leave; no line is steeper than its scores lie apart."""
        if name == "slope":
            low, high = self._ends("mean")
            return low - high, high - low
        return _named_or_begun(self.limits, name, self._range(name))

    def _range(self, name: str) -> Bounds:
        """The range by which the method of an estimate's interval is chosen, and which it cannot leave."""
        return SHARE if name == "coverage" else _named_or_begun(self.ranges, name, (-torch.inf, torch.inf))

    def _estimates(self, totals: Tensor) -> Tensor:
        """All estimates `[..., E]` from totals `[..., P]`."""
        found = ratios(totals, len(self._ratio_names))
        derived = self._derived(self._named(totals))
        return torch.cat([found, _stacked(derived)], -1) if derived else found

    def _primary_of(self, totals: Tensor) -> Tensor:
        """The primary estimate `[...]` from totals `[..., P]`."""
        if self._components == ratio_components(self.primary):
            return ratios(totals, 1)[..., 0]
        if self.primary in self._ratio_names:
            return ratios(totals, len(self._ratio_names))[..., self._ratio_names.index(self.primary)]
        return self._derived(self._named(totals))[self.primary]

    def _estimate_names(self) -> list[str]:
        if self._derived_names is None:
            self._derived_names = [*self._derived(self._named(self._totals))]
        return [*self._ratio_names, *self._derived_names]

    def _named(self, totals: Tensor) -> dict[str, Tensor]:
        return dict(zip(self._components, totals.unbind(-1)))

    def _component_names(self) -> list[str]:
        numerators, denominators = ([f"{name}.{part}" for name in self._ratio_names] for part in ("num", "den"))
        return [*numerators, *denominators, *self._sum_names]

    def _support(self, names: list[str]) -> Tensor:
        """The component of each estimate that says how much each dialogue weighs: as a rule its ratio's denominator."""
        columns = {name: column for column, name in enumerate(self._components)}
        chosen = self._supports()
        found = [chosen.get(name, f"{name}.den" if f"{name}.den" in columns else "mean.den") for name in names]
        return constant(integers, tuple(columns[name] for name in found), like=self.moments)

    def _weights(self, names: list[str], moments: Moments) -> Weights:
        """Weights of the dialogues behind each estimate."""
        return component_weights(moments, self._support(names))


def _named_or_begun(table: Mapping[str, _Entry], name: str, default: _Entry) -> _Entry:
    """What a table says of a name, or else of its longest beginning up to a `_`."""
    beginnings = (name[: end + 1] for end, letter in enumerate(name) if letter == "_")
    found = [table[part] for part in (*beginnings, name) if part in table]
    return found[-1] if found else default


def ratio_components(name: str) -> tuple[str, str]:
    """The two sums of a ratio."""
    return f"{name}.num", f"{name}.den"


def _columns(rows: tuple[Bounds, ...], device: torch.device) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64, device=device).mT


def _stacked(estimates: dict[str, Tensor]) -> Tensor:
    return torch.stack([*estimates.values()], -1)
