# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which strategy of test-time scaling helps, by how much, at what cost, and does it help late in dialogues?"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch, as_list
from imug_metrics.dialogues.columns import SHARE, Bounds, bounds_check
from imug_metrics.dialogues.holders import shown
from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.functional.scaling.candidates import as_candidates, cost_check, record_columns
from imug_metrics.functional.scaling.strategy_comparison import Columns, pareto_front, strategy_columns
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Ratio, Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, check_range, within
from imug_metrics.metrics.plotting import Plot, note, plot_curves, point
from imug_metrics.metrics.scaling.strategy_table import markdown_table, strategy_cells
from imug_metrics.plots import pareto
from imug_metrics.stats import (
    Weights,
    component_weights,
    interval,
    ratio_spread,
    unpack_moments,
    varying_weights,
)
from imug_metrics.stats.intervals import kept_range
from imug_metrics.stats.multiple_comparisons import Simultaneous, holm_intervals, max_t

SimultaneousRule = Literal["holm", "max-t"]


class StrategyComparison(DialogueMetric):
    """Which strategy helps, by how much, at what cost? Gains over a baseline; higher is better, above 0 it helps.

    Plain sampling, chain-of-thought, self-verification, best-of-n and their mixtures: any strategies scored on the same
    records. Over the records i that a strategy s and the baseline b both have,

        gain_s = mean_i (score_is - score_ib)

    with bounds that hold for all strategies at once, by Holm's rule (Scandinavian Journal of Statistics 6, 1979) and
    Bonferroni's or by the largest difference of a bootstrap (Romano and Wolf, JASA 100, 2005). The primary estimate is
    the gain of the last strategy named. The functional counterpart is `strategy_comparison`; for one comparison of two
    arms `PairedGain` says more. The detail holds, for each strategy `s`,

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

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The coverage is the
    share of records that every strategy has; `missing="zero"` scores 0 where a strategy lacks one.

    Args:
        strategies: names, at least two.
        baseline: the one that the others are compared with; None: the first.
        costs: kinds of cost, such as `"tokens"`, `"seconds"`, `"images"`.
        simultaneous: `"holm"`: Holm's p-values with Bonferroni's bounds; `"max-t"`: both from the largest studentised
            difference over a bootstrap by dialogue, sharper where strategies share their luck; needs `bootstrap`.
        score_range: ends that scores cannot leave, such as (0, 1): bounds of scores, and of gains, then keep to what
            can be; None: not known.
        kwargs: see `MetricOptions`. The state grows with the square of strategies times `max_turns`.

    Raises:
        ValueError: if an argument is outside its range, or two names make the same key ("cot" and "cot_slope").

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
    description = MetricDescription(
        label="Gain of strategy",
        noun="gain of the strategy",
        unit="score",
        measures="gain of the last strategy named",
        span="that of a difference of scores",
        direction="higher is better; above 0 a strategy beats the baseline",
        meaning="Score of a strategy minus that of the baseline, on the same records.",
        misleads="What a strategy lacks is not random, and a strategy that was chosen on these records looks too good.",
    )
    ranges = within(SHARE, "coverage_")
    limits = within((0.0, math.inf), "cost_")
    configuration = (
        *(*DialogueMetric.configuration, "strategies", "baseline", "costs"),
        *("simultaneous", "score_range"),
    )

    def __init__(
        self,
        strategies: Sequence[str],
        *,
        baseline: str | None = None,
        costs: Sequence[str] = (),
        simultaneous: SimultaneousRule = "holm",
        score_range: Bounds | None = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("simultaneous", simultaneous, get_args(SimultaneousRule))
        names = () if isinstance(strategies, str) else tuple(strategies)
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError(f"Expected argument `strategies` to hold two different names or more, got {strategies!r}.")
        if simultaneous == "max-t" and not kwargs.get("bootstrap"):
            raise ValueError("Expected argument `bootstrap` above 0 for simultaneous='max-t', for example 2000.")
        self.strategies, self.baseline = names, names[0] if baseline is None else baseline
        check_choice("baseline", self.baseline, names)
        self.others = tuple(name for name in names if name != self.baseline)
        self.costs, self.simultaneous = tuple(costs), simultaneous
        self.score_range = check_range("score_range", score_range)
        if self.score_range is not None:
            self._keep_to(self.score_range)
        super().__init__(**kwargs)
        self._check_keys()

    def update(
        self,
        scores: Columns,
        costs: Columns | Mapping[str, Columns] | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: one column a strategy, `[N, S]` or `[B, T, S]`, or by name `[N]` or `[B, T]` each; NaN where a
                strategy lacks the record.
            costs: one column a strategy for the first kind of cost, or by kind such columns; at least 0, NaN where not
                known.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if names are not those of the metric, shapes differ, a cost is below 0 or turns are refused.
        """
        read = strategy_columns("scores", scores, self.strategies)
        given = read.values
        spent = {f"cost_{kind}": column for kind, column in self._costs(costs, given).items()}
        checks = [cost_check(column) for column in spent.values()]
        finite = {
            name: part.masked_fill(~part.isfinite(), torch.nan) for name, part in ({"scores": given} | spent).items()
        }
        if self.score_range is not None:
            checks.append(bounds_check("scores", finite["scores"], tuple(given.shape), self.score_range))
        columns = record_columns(given={"scores": read}, **finite)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths, checks=checks)
        found = {name: inputs.batch.present(inputs.columns[name]) for name in ("scores", *spent)}
        values = found["scores"].nan_to_num(0) if self.missing == "zero" else found["scores"]
        by_name = dict(zip(self.strategies, values.unbind(1)))
        last = by_name[self.others[-1]] - by_name[self.baseline]
        terms = self._terms(inputs.batch, by_name, found) if self.detail else None
        self._add(inputs.batch, last, last == last, terms)

    def _keep_to(self, score_range: Bounds) -> None:
        """Let bounds keep to what can be where scores keep to a range."""
        widest = score_range[1] - score_range[0]
        gains = [f"gain_{name}{end}" for name in self.others for end in ("", "_turn_")]
        slopes = [f"gain_{name}_slope" for name in self.others]
        self.ranges = self.ranges | within(score_range, "score_") | within((-widest, widest), "mean", "turn_", *gains)
        self.limits = self.limits | within((-2 * widest, 2 * widest), *slopes)

    def _terms(self, batch: DialogueBatch, by_name: dict[str, Tensor], found: dict[str, Tensor]) -> Terms:
        """Every strategy's score and cost, and the gain of each over the baseline."""
        gains = {f"gain_{name}": by_name[name] - by_name[self.baseline] for name in self.others}
        averages = {**{f"score_{name}": column for name, column in by_name.items()}, **gains}
        for kind in (f"cost_{kind}" for kind in self.costs):
            averages |= {f"{kind}_{name}": column for name, column in zip(self.strategies, found[kind].unbind(1))}
        return Terms(
            averages=averages,
            slopes={f"{name}_slope": (None, gain) for name, gain in gains.items()},
            curves=gains,
            ratios=self._coverages(batch, ~found["scores"].isnan()),
        )

    def table(self, val: Mapping[str, Any] | None = None) -> str:
        """A Markdown table of a result: a line a strategy.

        Args:
            val: a result of `compute()` with `detail=True`; None: computed now.

        Raises:
            ValueError: if the metric was made without `detail=True`.
        """
        return markdown_table(self.cells(val))

    def cells(self, val: Mapping[str, Any] | None = None) -> list[list[str]]:
        """The cells of the table, its header first; an undefined number is a dash.

        Args:
            val: a result of `compute()` with `detail=True`; None: computed now.

        Raises:
            ValueError: if the metric was made without `detail=True`.
        """
        found = self.compute() if val is None else val
        if not isinstance(found, Mapping):
            raise ValueError("Expected a metric with detail=True: its table needs all estimates.")
        return strategy_cells(self.name, self.strategies, self.costs, found)

    def plot_front(self, cost: str | None = None, val: Mapping[str, Any] | None = None, ax: Any = None) -> Plot:
        """Draw the strategies by cost and score, and the front of those that are worth their cost.

        Args:
            cost: the kind of cost; None: the first.
            val: a result of `compute()` with `detail=True`; None: computed now.
            ax: a matplotlib axis; None: a new figure.

        Returns:
            Figure and axis.

        Raises:
            ArgumentError: if the metric has no such cost, or was made without `detail=True`.
            ModuleNotFoundError: if matplotlib is not installed.
        """
        if cost not in self.costs and (cost is not None or not self.costs):
            raise ArgumentError("cost", f"expected a kind of cost of the metric, {list(self.costs)}, got {cost!r}")
        kind = self.costs[0] if cost is None else cost
        found = self.compute() if val is None else val
        if not isinstance(found, Mapping) or f"{self.name}_score_{self.baseline}" not in found:
            raise ArgumentError("val", "expected a result with detail=True: the front needs all estimates")
        each = {name: [f"{self.name}_{what}_{name}" for what in (f"cost_{kind}", "score")] for name in self.strategies}
        points = {name: (point(found, paid), point(found, got)) for name, (paid, got) in each.items()}
        said = note(self, found, "bars", repeated=False, slope="")
        return pareto(points, x=f"{kind} a record", y="mean score", note=said, ax=ax)

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot:
        """Every strategy's gain over turns."""
        overs, y = {name: f"gain_{name}_turn" for name in self.others}, f"gain over {self.baseline} (score)"
        return plot_curves(self, val, overs, behind, ax, y=y, reference=0.0, reference_name=self.baseline)

    def _check_keys(self) -> None:
        """Names become parts of keys: "cot" and "cot_slope" would both claim the key of the slope of "cot"."""
        turns = [f"turn_{k}" for k in self._turns()]
        derived = [f"per_{kind}_{name}" for kind in self.costs for name in self.others]
        names = ["mean", "coverage", "slope", *turns, *self._ratios(), *derived]
        keys = [f"{name}{end}" for name in names for end in ("", "_lower", "_upper")]
        keys += [f"gain_{name}_{end}" for name in self.others for end in ("joint_lower", "joint_upper", "p")]
        keys += [f"front_{kind}_{name}" for kind in self.costs for name in self.strategies]
        twice = next((key for key, count in Counter(keys).items() if count > 1), None)
        if twice is not None:
            raise ValueError(
                f"Expected arguments `strategies`, `costs` to hold names that make different keys, but {self.name}_"
                f"{twice} is made twice of {[*self.strategies, *self.costs]}; rename one."
            )

    def _costs(self, costs: Columns | Mapping[str, Columns] | None, scores: Tensor) -> dict[str, Tensor]:
        """One column a strategy, by kind of cost, in the shape of the scores."""
        if not self.costs:
            if costs is not None:
                raise InputError("costs", "to be None: the metric was made without kinds of cost", shown(costs))
            return {}
        if costs is None:
            raise InputError("costs", f"to be those of {list(self.costs)}", "None")
        by_kind = isinstance(costs, Mapping) and set(costs) == set(self.costs)
        kinds = cast("Mapping[str, Columns]", costs if by_kind else {self.costs[0]: costs})
        if set(kinds) != set(self.costs):
            raise InputError("costs", f"to be by kind, those of {list(self.costs)}", shown(costs))
        columns = {kind: strategy_columns("costs", kinds[kind], self.strategies).values for kind in self.costs}
        return {kind: as_candidates("costs", column, like=scores) for kind, column in columns.items()}

    def _coverages(self, batch: DialogueBatch, there: Tensor) -> dict[str, Ratio]:
        """Share of the records that every strategy has, and that each has, from bool `[N, S]`."""
        shares = {"coverage": there.all(1)}
        shares |= {f"coverage_{name}": column for name, column in zip(self.strategies, there.unbind(1))}
        return {name: (share, batch.is_record) for name, share in shares.items()}

    def _ratios(self) -> list[str]:
        turns = self._turns()
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
        rows = [self._ratio_names.index(name) for name in names]
        support = self._support(names)
        moments, count = unpack_moments(self.moments), len(self._ratio_names)
        value, spread = (part[rows] for part in ratio_spread(moments, count))
        weights = component_weights(moments, support)
        varying = Weights(*(part[rows] for part in varying_weights(moments, count)))
        found = interval(value, spread, weights, varying=varying, level=self.level)
        clusters = torch.minimum(weights.effective, varying.effective)
        if self.simultaneous == "max-t":
            joint = max_t(found.value, found.error, clusters, self._estimates(self.replicates)[:, rows], self.level)
        else:
            joint = holm_intervals(found.value, found.error, clusters, self.level)
        low, high = kept_range(value, *value.new_tensor([self._ends(name) for name in names]).mT)
        return joint._replace(lower=torch.maximum(joint.lower, low), upper=torch.minimum(joint.upper, high))


def compare_strategies(
    scores: Mapping[str, Numbers],
    *,
    dialogue: Tensor | Sequence[int] | Sequence[str],
    turn: Tensor | Sequence[int],
    costs: Mapping[str, Mapping[str, Numbers]] | None = None,
    groups: Mapping[str, Sequence[Any]] | None = None,
    baseline: str | None = None,
    simultaneous: SimultaneousRule = "holm",
    score_range: Bounds | None = None,
    **kwargs: Unpack[MetricOptions],
) -> dict[str, dict[str, dict[str, Tensor]]]:
    """Compare strategies over all records and within groups of them: by class, domain, modality, turn.

    Args:
        scores: by strategy, `[N]`, higher is better; NaN where it lacks the record.
        dialogue: ids `[N]`, integers or strings.
        turn: `[N]`, integers from 1.
        costs: by kind of cost, by strategy, `[N]`.
        groups: by name of the grouping, `[N]` values, a list, array or tensor.
        baseline, simultaneous, score_range: as in `StrategyComparison`.
        kwargs: those of all metrics, see `MetricOptions`; `detail` is always True.

    Returns:
        By grouping (`"overall"` first) and by the group's value, the detail of `StrategyComparison`, and
        `strategy_comparison_records`, how many records are in the group. The bounds hold for all strategies of one
        group at once, not for all groups.

    Raises:
        ValueError: if columns differ in length.

    Example:
        >>> found = compare_strategies(
        ...     {"plain": [0.5, 0.4, 0.6], "cot": [0.6, 0.4, 0.9]}, dialogue=["a", "a", "b"], turn=[1, 2, 1],
        ...     groups={"modality": ["text", "image", "text"]},
        ... )
        >>> round(float(found["modality"]["text"]["strategy_comparison_gain_cot"]), 3)
        0.2
    """
    names = tuple(scores)
    kinds = costs or {}
    columns = strategy_columns("scores", scores, names).values
    spent = {kind: strategy_columns("costs", by_name, names).values for kind, by_name in kinds.items()}
    ids = dialogue if isinstance(dialogue, Tensor) else hash_ids(dialogue)
    turns = torch.as_tensor(turn)
    options: MetricOptions = {**kwargs, "detail": True}

    def compared(rows: list[int]) -> dict[str, Tensor]:
        metric = StrategyComparison(
            names,
            baseline=baseline,
            costs=tuple(spent),
            simultaneous=simultaneous,
            score_range=score_range,
            **options,
        )
        part = {kind: column[rows] for kind, column in spent.items()}
        metric.update(columns[rows], part or None, dialogue=ids[rows], turn=turns[rows])
        detail = cast("dict[str, Tensor]", metric.compute())
        return detail | {f"{metric.name}_records": torch.tensor(len(rows))}

    every = {"overall": ["all"] * len(turns), **(groups or {})}
    return {
        title: {str(value): compared(rows) for value, rows in _rows_by_value(title, values, len(turns)).items()}
        for title, values in every.items()
    }


def _rows_by_value(title: str, values: Sequence[Any], count: int) -> dict[Any, list[int]]:
    """The rows of each value of a grouping, in the order of the values."""
    if len(values) != count:
        raise ValueError(f"Expected argument `groups` to hold {count} values of {title!r}, got {len(values)}.")
    rows: dict[Any, list[int]] = {}
    for row, value in enumerate(as_list(values)):
        rows.setdefault(value, []).append(row)
    return {value: rows[value] for value in sorted(rows, key=lambda v: (str(type(v)), v is not None and v))}


def _ratio(sums: Mapping[str, Tensor], name: str) -> Tensor:
    weight = sums[f"{name}.den"]
    return torch.where(weight != 0, sums[f"{name}.num"] / torch.where(weight != 0, weight, 1), torch.nan)
