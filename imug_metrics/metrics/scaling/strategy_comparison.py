# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies of test-time scaling on the same records: gains, costs, and what they do over turns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.inputs import Column
from imug_metrics.functional.reduce import column_means
from imug_metrics.functional.scaling.strategy_comparison import pareto_front, strategy_columns
from imug_metrics.metrics.dialogue_metric import DialogueMetric, check_choice
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.metrics.plotting import plot_curve
from imug_metrics.stats import delta_interval, unpack_moments, within_sums
from imug_metrics.stats.multiple_comparisons import Simultaneous, holm_intervals, max_t


class StrategyComparison(DialogueMetric):
    """Gain of several strategies over a baseline on the same records, with intervals that hold for all of them at once.

    Plain sampling, chain-of-thought, self-verification, best-of-n and their mixtures: any strategies scored on the same
    records. Higher is better. The functional counterpart is
    `strategy_comparison`; for one comparison of two arms
    `PairedGain` says more. The headline is the gain of the last strategy named. The
    detail holds, for each strategy `s`,

    - `strategy_comparison_score_{s}`: its mean score, and `strategy_comparison_coverage_{s}`: the share of the records
      that it has
    - `strategy_comparison_gain_{s}`: mean of its score - the baseline's, over the records that both have, its curve
      `_gain_{s}_turn_t`, and `_gain_{s}_slope`, the change of the gain per turn within dialogues: above 0 where the
      strategy helps most late in a dialogue and so eases exposure bias
    - `_gain_{s}_joint_lower`, `_gain_{s}_joint_upper`: bounds that cover all strategies' gains at once, beside the
      plain `_lower` and `_upper` of one gain alone; `_gain_{s}_p`: its p-value, adjusted for their number

    and for each kind of cost `c`: `_cost_{c}_{s}`, the mean cost of a record; `_per_{c}_{s}`, the gain for each further
    unit of it (NaN for a strategy that costs no more than the baseline); `_front_{c}_{s}`, 1 where no other strategy
    scores as high for less, or higher for as little (the Pareto front).

    As input to `forward` and `update` the metric accepts

    - `scores`: one column a strategy, `[N, S]` or `[B, T, S]`, or by name `[N]` or `[B, T]` each; NaN where a strategy
      lacks the record
    - `costs`: one column a strategy for the first kind of cost, or by kind such columns
    - `dialogue`, `turn`, `valid`: of the records, see `align_rows`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`. The coverage is the share of records that every strategy has; `missing="zero"` scores 0 where a
    strategy lacks one.

    Args:
        strategies: names, at least two.
        baseline: the one that the others are compared with; None: the first.
        costs: kinds of cost, such as `"tokens"`, `"seconds"`, `"images"`.
        simultaneous: `"holm"`: Holm's p-values with Bonferroni's bounds; `"max-t"`: both from the largest studentised
            difference over a bootstrap by dialogue, sharper where strategies share their luck; needs `bootstrap`.
        kwargs: see `MetricOptions`. The state grows with the square of strategies times `max_turns`.

    Raises:
        ValueError: if an argument is outside its range, two names make the same key ("cot" and "cot_slope"), or an
            update's shapes or turns are refused.

    Example:
        >>> metric = StrategyComparison(["plain", "cot"], costs=["tokens"], detail=True)
        >>> metric.update(
        ...     {"plain": [[0.5, 0.4], [0.7, 0.3]], "cot": [[0.5, 0.6], [0.8, 0.5]]},
        ...     {"tokens": {"plain": [[10, 10], [10, 10]], "cot": [[60, 60], [60, 60]]}},
        ...     dialogue=["a", "b"],
        ... )
        >>> found = metric.compute()
        >>> keys = ("gain_cot", "gain_cot_slope", "per_tokens_cot")
        >>> [round(float(found[f"strategy_comparison_{key}"]), 4) for key in keys]
        [0.125, 0.15, 0.0025]
    """

    name = "strategy_comparison"
    configuration = (*DialogueMetric.configuration, "strategies", "baseline", "costs", "simultaneous")

    def __init__(
        self,
        strategies: Sequence[str],
        *,
        baseline: str | None = None,
        costs: Sequence[str] = (),
        simultaneous: Literal["holm", "max-t"] = "holm",
        bootstrap: int = 0,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("simultaneous", simultaneous, ("holm", "max-t"))
        names = () if isinstance(strategies, str) else tuple(strategies)
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError(f"Expected argument `strategies` to hold two different names or more, got {strategies!r}.")
        if simultaneous == "max-t" and not bootstrap:
            raise ValueError("Expected argument `bootstrap` above 0 for simultaneous='max-t', for example 2000.")
        self.strategies, self.baseline = names, names[0] if baseline is None else baseline
        check_choice("baseline", self.baseline, names)
        self.others = tuple(name for name in names if name != self.baseline)
        self.costs, self.simultaneous = tuple(costs), simultaneous
        self.curves = ("turn_", *(f"gain_{name}_turn_" for name in self.others))
        super().__init__(bootstrap=bootstrap, **kwargs)
        self._check_keys()

    def update(
        self,
        scores: Any,
        costs: Any = None,
        dialogue: Any = None,
        turn: Any = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        columns = {"scores": strategy_columns("scores", scores, self.strategies), **self._costs(costs)}
        shape = tuple(columns["scores"].shape[:-1])
        some = torch.where(columns["scores"].isfinite().any(-1), 0.0, torch.nan).double().flatten()
        rows = {name: Column(values.flatten(0, -2), tuple(values.shape[:-1])) for name, values in columns.items()}
        inputs = self._pack(dialogue, turn, None, valid, there=Column(some, shape), **rows)
        batch, found = inputs.batch, inputs.columns
        values = found["scores"].masked_fill(~(batch.valid[:, None] & found["scores"].isfinite()), torch.nan)
        there = ~values.isnan()
        if self.missing == "zero":
            values = values.nan_to_num(0)
        ratios = self._score_ratios(batch, values)
        for kind in self.costs:
            spent = found[kind].masked_fill(~batch.valid[:, None], torch.nan)
            by_name = {f"cost_{kind}_{name}": spent[:, i] for i, name in enumerate(self.strategies)}
            ratios |= column_means(batch, by_name, self.average == "dialogue")
        every = batch.sum_segments(torch.ones_like(batch.turn, dtype=torch.float64))
        ratios["coverage"] = batch.sum_segments(there.all(1).double()), every
        for name, column in zip(self.strategies, there.unbind(1)):
            ratios[f"coverage_{name}"] = batch.sum_segments(column.double()), every
        gain = values[:, self.strategies.index(self.others[-1])] - values[:, self.strategies.index(self.baseline)]
        self._add(batch, gain, ~gain.isnan(), ratios)

    def table(self, val: dict[str, Tensor] | None = None) -> str:
        """A Markdown table of a result: a line a strategy.

        Args:
            val: a result of `compute()` with `detail=True`; None: computed now.
        """
        header, *lines = [[cell.replace("|", r"\|") for cell in line] for line in self.cells(val)]
        ruled = [header, ["---", *["---:"] * (len(header) - 1)], *lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in ruled)

    def cells(self, val: dict[str, Tensor] | None = None) -> list[list[str]]:
        """The cells of the table, its header first; an undefined number is a dash.

        Args:
            val: a result of `compute()` with `detail=True`; None: computed now.
        """
        found: Any = self.compute() if val is None else val
        header = ["strategy", "coverage", "score", "gain", "all at once", "p", "gain a turn"]
        header += [part for kind in self.costs for part in (kind, f"gain per {kind}", f"{kind} front")]
        return [header, *(self._line(name, found) for name in self.strategies)]

    def _draw(self, val: dict[str, Tensor], ax: Any) -> Any:
        """Every strategy's gain over turns."""
        for name in self.others:
            figure, ax = plot_curve(f"{self.name}_gain_{name}", val, ax, label=name)
        ax.axhline(0, color="grey", linewidth=0.8)
        ax.set_ylabel(f"gain over {self.baseline}")
        ax.legend()
        return figure, ax

    def _check_keys(self) -> None:
        """Names become parts of keys: "cot" and "cot_slope" would both claim the key of the slope of "cot"."""
        names = self._estimate_names()
        keys = [f"{name}{end}" for name in names for end in ("", "_lower", "_upper")]
        keys += [f"gain_{name}_{end}" for name in self.others for end in ("joint_lower", "joint_upper", "p")]
        keys += [f"front_{kind}_{name}" for kind in self.costs for name in self.strategies]
        twice = next((key for key, count in Counter(keys).items() if count > 1), None)
        if twice is not None:
            raise ValueError(
                f"Expected arguments `strategies`, `costs` to hold names that make different keys, but {self.name}_"
                f"{twice} is made twice of {[*self.strategies, *self.costs]}; rename one."
            )

    def _costs(self, costs: Any) -> dict[str, Tensor]:
        if not self.costs:
            if costs is not None:
                raise ValueError("Expected no argument `costs`: the metric was made without kinds of cost.")
            return {}
        if costs is None:
            raise ValueError(f"Expected argument `costs` of {list(self.costs)}.")
        kinds = costs if isinstance(costs, Mapping) and set(costs) == set(self.costs) else {self.costs[0]: costs}
        if set(kinds) != set(self.costs):
            raise ValueError(f"Expected argument `costs` by {list(self.costs)}, got only one of them.")
        return {kind: strategy_columns("costs", kinds[kind], self.strategies) for kind in self.costs}

    def _score_ratios(self, batch: DialogueBatch, values: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Means of scores and gains, slopes of the gains, and their curves."""
        by_name = dict(zip(self.strategies, values.unbind(1)))
        gains = {name: by_name[name] - by_name[self.baseline] for name in self.others}
        columns = {f"score_{name}": column for name, column in by_name.items()}
        columns |= {f"gain_{name}": gain for name, gain in gains.items()}
        for name, gain in gains.items():
            for turn in range(1, self.max_turns + 1):
                columns[f"gain_{name}_turn_{turn}"] = gain.masked_fill(batch.turn != turn, torch.nan)
        found = column_means(batch, columns, self.average == "dialogue")
        for name, gain in gains.items():
            sums = within_sums(batch.turn.double(), gain.nan_to_num(0), ~gain.isnan(), batch.segment, len(batch.owner))
            found[f"gain_{name}_slope"] = sums
        return found

    def _ratios(self) -> list[str]:
        turns = range(1, self.max_turns + 1)
        curves = [f"gain_{name}_turn_{turn}" for name in self.others for turn in turns]
        each = [f"{what}_{name}" for name in self.strategies for what in ("score", "coverage")]
        each += [f"gain_{name}{end}" for name in self.others for end in ("", "_slope")]
        return [*each, *curves, *(f"cost_{kind}_{name}" for kind in self.costs for name in self.strategies)]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {}
        for kind in self.costs:
            base = _ratio(sums, f"cost_{kind}_{self.baseline}")
            for name in self.others:
                extra = _ratio(sums, f"cost_{kind}_{name}") - base
                dearer = extra > 0
                gain = _ratio(sums, f"gain_{name}")
                found[f"per_{kind}_{name}"] = torch.where(dearer, gain / torch.where(dearer, extra, 1), torch.nan)
        return found

    def _supports(self) -> dict[str, str]:
        return {f"per_{kind}_{name}": f"gain_{name}.den" for kind in self.costs for name in self.others}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        joint = self._joint()
        for i, name in enumerate(self.others):
            ends = zip(("joint_lower", "joint_upper", "p"), joint)
            found |= {f"{self.name}_gain_{name}_{end}": bound[i] for end, bound in ends}
        for kind in self.costs:
            score, cost = (
                torch.stack([found[f"{self.name}_{what}_{name}"] for name in self.strategies])
                for what in ("score", f"cost_{kind}")
            )
            for name, front in zip(self.strategies, pareto_front(score, cost)):
                found[f"{self.name}_front_{kind}_{name}"] = front.double()
        return found

    def _joint(self) -> Simultaneous:
        """Bounds and p-values of all gains together."""
        names = [f"gain_{name}" for name in self.others]
        rows = [self._estimate_names().index(name) for name in names]
        support = self._support(names)
        moments = unpack_moments(self.moments)
        found = delta_interval(lambda sums: self._estimates(sums)[rows], moments, support, self.level)
        clusters = moments.present[support]
        if self.simultaneous == "max-t":
            return max_t(found.value, found.error, clusters, self._estimates(self.replicates)[:, rows], self.level)
        return holm_intervals(found.value, found.error, clusters, self.level)

    def _line(self, name: str, found: Mapping[str, Tensor]) -> list[str]:
        def number(key: str, sign: str = "+") -> str:
            value = float(found.get(f"{self.name}_{key}", torch.nan))
            return "–" if value != value else f"{value:{sign}.3g}"

        def at_once(key: str) -> str:
            bounds = [number(f"{key}_joint_{end}") for end in ("lower", "upper")]
            return "–" if "–" in bounds else " to ".join(bounds)

        gain = f"gain_{name}"
        line = [
            name,
            *(number(f"{what}_{name}", "") for what in ("coverage", "score")),
            number(gain),
            at_once(gain),
            number(f"{gain}_p", ""),
        ]
        line.append(number(f"{gain}_slope"))
        for kind in self.costs:
            front = "yes" if float(found.get(f"{self.name}_front_{kind}_{name}", 0)) else ""
            line += [number(f"cost_{kind}_{name}", ""), number(f"per_{kind}_{name}"), front]
        return line


def compare_strategies(
    scores: Mapping[str, Any],
    dialogue: Any,
    turn: Any,
    *,
    costs: Mapping[str, Any] | None = None,
    groups: Mapping[str, Sequence[Any]] | None = None,
    **kwargs: Any,
) -> dict[str, dict[str, dict[str, Tensor]]]:
    """Compare strategies over all records and within groups of them: by class, domain, modality, turn.

    Args:
        scores: by strategy, `[N]`, higher is better; NaN where it lacks the record.
        dialogue, turn: `[N]`.
        costs: by kind of cost, by strategy, `[N]`.
        groups: by name of the grouping, `[N]` values, a list, array or tensor.
        kwargs: those of `StrategyComparison`.

    Returns:
        By grouping (`"overall"` first) and by the group's value, the detail of `StrategyComparison`, and
        `strategy_comparison_records`, how many records are in the group. The bounds hold for all strategies of one
        group at once, not for all groups.

    Raises:
        ValueError: if columns differ in length.

    Example:
        >>> found = compare_strategies(
        ...     {"plain": [0.5, 0.4, 0.6], "cot": [0.6, 0.4, 0.9]}, ["a", "a", "b"], [1, 2, 1],
        ...     groups={"modality": ["text", "image", "text"]},
        ... )
        >>> round(float(found["modality"]["text"]["strategy_comparison_gain_cot"]), 3)
        0.2
    """
    names = tuple(scores)
    columns = {name: torch.as_tensor(column).double() for name, column in scores.items()}
    spent = {k: {n: torch.as_tensor(c[n]).double() for n in names} for k, c in (costs or {}).items()}
    given = {
        title: values.tolist() if hasattr(values, "tolist") else values for title, values in (groups or {}).items()
    }
    grouped: dict[str, Sequence[Any]] = {"overall": ["all"] * len(turn), **given}
    found: dict[str, dict[str, dict[str, Tensor]]] = {}
    for title, values in grouped.items():
        if len(values) != len(turn):
            raise ValueError(f"Expected argument `groups` to hold {len(turn)} values of {title!r}, got {len(values)}.")
        rows: dict[Any, list[int]] = {}
        for row, value in enumerate(values):
            rows.setdefault(value, []).append(row)
        for value in sorted(rows, key=lambda value: (str(type(value)), value is not None and value)):
            metric = StrategyComparison(names, costs=tuple(spent), detail=True, **kwargs)
            mine = rows[value]
            part = {kind: {name: column[mine] for name, column in c.items()} for kind, c in spent.items()}
            places = [dialogue[row] for row in mine], [int(turn[row]) for row in mine]
            if torch.is_tensor(dialogue):
                places = dialogue[mine], places[1]
            metric.update({name: column[mine] for name, column in columns.items()}, part or None, *places)
            detail = metric.compute() | {f"{metric.name}_records": torch.tensor(len(mine))}
            found.setdefault(title, {})[str(value)] = detail
    return found


def _ratio(sums: Mapping[str, Tensor], name: str) -> Tensor:
    weight = sums[f"{name}.den"]
    return torch.where(weight != 0, sums[f"{name}.num"] / torch.where(weight != 0, weight, 1), torch.nan)
