# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far from the best is a policy that chooses a strategy for each turn?"""

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Candidates, Ids, Numbers, Turns
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import SHARE, Column, score_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.errors import InputError
from imug_metrics.functional.scaling.adaptive_policy import policy_columns
from imug_metrics.functional.scaling.candidates import read_candidates, record_columns
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_count, within


class AdaptivePolicy(DialogueMetric):
    """How far from the best is a policy that chooses a strategy for each turn? Its regret; lower is better, from 0.

    When a unit of cost is worth `price` of score, the mean over records of

        regret = max_s u_s - u_chosen,  u_s = score_s - price * cost_s

    A price stands for a budget: the choices that are best at a price are the best for what they cost (Everett,
    Operations Research 11, 1963), so the regret of a policy at the price at which the best choices spend as much as it
    does bounds its loss under that budget. The exact optimum for a budget needs all records at once: `best_policy`,
    `adaptive_policy`, and `learn_rule` for rules that decide before the scores are known. The detail holds

    - `adaptive_policy`: mean regret, with its curve `_turn_t` and `_slope` over turns
    - `adaptive_policy_score`, `_cost`: of the policy; `_best_score`, `_best_cost`: of the best choices at the price
    - `adaptive_policy_agreement`: share of records at which the policy's choice was one of the best
    - `adaptive_policy_fixed_{s}`: mean regret of using strategy s, numbered from 0, everywhere

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. A record whose
    choice is none, or a strategy that lacks the record, is undefined and lowers the coverage.

    Args:
        strategies: number of strategies S.
        price: score that one unit of cost is worth; 0: cost does not matter.
        kwargs: see `MetricOptions`. `missing="zero"` counts absent records as no regret.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = AdaptivePolicy(2, price=0.1, detail=True)
        >>> metric.update([[0.2, 0.9], [0.5, 0.6]], [[1.0, 4.0], [1.0, 4.0]], [0, 0], dialogue=["a", "b"], turn=[1, 1])
        >>> found = metric.compute()
        >>> [round(float(found[f"adaptive_policy{key}"]), 3) for key in ("", "_score", "_best_score", "_fixed_1")]
        [0.2, 0.35, 0.7, 0.1]
    """

    name = "adaptive_policy"
    description = MetricDescription(
        label="Regret",
        noun="regret of the policy",
        unit="score",
        measures="mean regret of the policy's choices when a unit of cost is worth `price` of score",
        span="from 0",
        direction="lower is better; 0 is the optimum",
        meaning="What the policy's choices of a strategy lose against the best choice at each turn.",
        misleads="The optimum sees luck that no rule can follow, so that a part of every regret cannot be had.",
    )
    ranges = within(SHARE, "agreement")
    limits = within((0.0, math.inf), "mean", "turn_", "fixed_", "cost", "best_cost")
    higher_is_better = False
    configuration = (*DialogueMetric.configuration, "strategies", "price")

    def __init__(self, strategies: int, *, price: float = 0.0, **kwargs: Unpack[MetricOptions]) -> None:
        check_count("strategies", strategies, 2)
        if not 0 <= price < math.inf:
            raise ValueError(f"Expected argument `price` to be a finite number from 0, got {price}.")
        self.strategies, self.price = strategies, price
        super().__init__(**kwargs)

    def update(
        self,
        scores: Candidates,
        costs: Candidates,
        preds: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N, S]` or `[B, T, S]`, one column a strategy, higher is better; NaN where a strategy lacks the
                record.
            costs: of the same shape, at least 0.
            preds: int64 `[N]` or `[B, T]`, the column that the policy chose, from 0; -1 for none.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, a cost is below 0, a choice is no column or turns are refused.
        """
        given = {"scores": read_candidates("scores", scores)}
        given["costs"] = read_candidates("costs", costs, given["scores"].values)
        y, c, check = policy_columns(*(array.values for array in given.values()))
        chosen = score_column("preds", preds)
        if y.shape != (*chosen.shape, self.strategies):
            expected = f"to have shape {[*chosen.shape, self.strategies]}, a column a strategy for each of `preds`"
            raise InputError("scores", expected, [*y.shape])
        # Padding of a tensor of numbers is NaN.
        chosen = chosen._replace(values=chosen.values.to(y.device).nan_to_num(-1), checks=(self._check(chosen),))
        columns = {**record_columns(given=given, scores=y, costs=c), "preds": chosen}
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths, checks=[check])
        batch, found = inputs.batch, inputs.columns
        y = batch.present(found["scores"])
        choices = _Choices(y, found["costs"], found["preds"].long(), self.price)
        terms = Terms(averages=self._values(choices)) if self.detail else None
        self._add(batch, choices.regret, None, terms)

    def _check(self, chosen: Column) -> Check:
        """The check that choices are columns."""
        values = chosen.values.nan_to_num(-1.0, torch.inf, -torch.inf)
        wrong = (values < -1) | (values >= self.strategies) | (values != values.floor())

        def error(cell: int) -> InputError:
            expected = f"to hold columns of `scores` from 0 to {self.strategies - 1}, or -1 for none"
            return InputError("preds", expected, f"{float(values[cell]):g}", place_of(cell, chosen.shape))

        return Check(wrong, error)

    def _values(self, of: "_Choices") -> dict[str, Tensor]:
        """Every column of packed records but the regret, NaN where undefined."""
        favourite = of.utility.argmax(1, keepdim=True)
        found = {"score": of.chosen(of.y, of.place), "cost": of.chosen(of.c, of.place)}
        found |= {"best_score": of.chosen(of.y, favourite), "best_cost": of.chosen(of.c, favourite)}
        found["agreement"] = (of.regret <= 0).double().masked_fill(of.lacking, torch.nan)
        fixed = (of.best - of.utility).masked_fill(of.y.isnan(), torch.nan)
        return found | {f"fixed_{column}": values for column, values in enumerate(fixed.unbind(1))}

    def _ratios(self) -> list[str]:
        fixed = [f"fixed_{column}" for column in range(self.strategies)]
        return ["score", "cost", "best_score", "best_cost", "agreement", *fixed]


class _Choices:
    """What a policy chose for packed records: scores `y` and costs `c` `[N, S]`, and the columns chosen `[N]`."""

    def __init__(self, y: Tensor, c: Tensor, choice: Tensor, price: float) -> None:
        self.y, self.c = y, c
        self.utility = (y - price * c).nan_to_num(-torch.inf)
        self.best = self.utility.amax(1, keepdim=True)
        self.place = choice.clamp(0, y.shape[1] - 1)[:, None]
        # None was chosen, or one that lacks the record.
        mine = y.gather(1, self.place)[:, 0]
        self.lacking = (self.place[:, 0] != choice) | (mine != mine)
        self.regret = self.best[:, 0] - self.chosen(self.utility, self.place)

    def chosen(self, side: Tensor, place: Tensor) -> Tensor:
        """The column at `place [N, 1]`; NaN where the policy's own choice lacks the record."""
        return side.gather(1, place)[:, 0].masked_fill(self.lacking, torch.nan)
