# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What do more samples bring, and what a selector of them?"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Candidates, Ids, Turns
from imug_metrics.dialogues.columns import Bounds, bounds_check
from imug_metrics.functional.scaling.best_of_n import expected_best, picked_score
from imug_metrics.functional.scaling.candidates import absent_candidates, read_candidates, record_columns
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_count, check_range, within
from imug_metrics.metrics.plotting import Plot, plot_curves, point


class BestOfN(DialogueMetric):
    """What do more samples bring? Expected true score of a selector's pick among k, without bias; higher is better.

    Each turn comes with n >= k candidates. With y_(i) the true score of the one that the selector ranks i-th, from the
    lowest, the value is the mean of the pick over all subsets of k, so no luck of one draw is in it:

        best of k = sum_{i = k..n} C(i - 1, k - 1) / C(n, k) * y_(i)

    For y in {0, 1}, ranked by y itself, this is pass@k (Chen et al., arXiv 2107.03374). The functional counterpart is
    `best_of_n_curve`, which gives every k. The detail holds, for each k of `ks`,

    - `best_of_n_selected_{k}`: expected true score of the selector's pick; at the largest k this is `best_of_n`, with
      its curve `_turn_t` and `_slope` over turns
    - `best_of_n_oracle_{k}`: of the truly best; for scores in {0, 1} pass@k
    - `best_of_n_gain_{k}`: selected - mean of the candidates, what selecting among k brings over one sample
    - `best_of_n_gap_{k}`: oracle - selected, what a better selector could still bring

    and `best_of_n_single`, the mean of the candidates (k = 1), and `best_of_n_regret`, the best score among all n
    candidates of a turn less that of the selector's pick among them; lower is better.

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. A record with fewer
    than k candidates says nothing of k: it is left out of the estimates at k, and lowers the coverage where it lacks
    the largest. With ragged n the points of the curve therefore rest on different records; gains and gaps are taken on
    the same ones. With `missing="zero"` a record without any candidate scores 0 at every k.

    Args:
        k: the largest k, that of the primary estimate.
        ks: the k of the curve, from 2; None: powers of two up to k, and k. The state grows with the square of their
            number.
        score_range: ends that scores cannot leave, such as (0, 1): bounds then keep to what can be; None: not known.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = BestOfN(k=4, detail=True)
        >>> right = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
        >>> chosen_by = torch.tensor([[0.9, 0.4, 0.3, 0.1], [0.2, 0.3, 0.4, 0.1]])
        >>> metric.update(right, chosen_by, dialogue=["a", "b"], turn=[1, 1])
        >>> found = metric.compute()
        >>> [round(float(found[f"best_of_n{key}"]), 3) for key in ("_single", "", "_oracle_4", "_gain_4", "_gap_4")]
        [0.375, 0.5, 1.0, 0.125, 0.5]
    """

    name = "best_of_n"
    description = MetricDescription(
        label="Best of n",
        noun="score of the best of n",
        unit="score",
        measures="expected true score of the candidate that the selector picks among k",
        span="that of the scores",
        direction="higher is better",
        meaning="True score of the candidate that the selector picks among several.",
        misleads="A selector that is the true score itself means nothing, and the gain ignores what the candidates "
        "cost.",
    )
    configuration = (*DialogueMetric.configuration, "ks", "score_range")

    def __init__(
        self,
        k: int = 8,
        *,
        ks: Sequence[int] | None = None,
        score_range: Bounds | None = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_count("k", k, 2)
        chosen = [2**i for i in range(1, k.bit_length())] if ks is None else list(ks)
        if not all(isinstance(each, int) and 2 <= each <= k for each in chosen):
            raise ValueError(f"Expected argument `ks` to hold integers from 2 to `k`, {k}, got {ks}.")
        self.ks = tuple(sorted({*chosen, k}))
        self.score_range = check_range("score_range", score_range)
        if self.score_range is not None:
            widest = self.score_range[1] - self.score_range[0]
            self.ranges = within(self.score_range, "mean", "turn_", "single", "selected_", "oracle_")
            self.limits = within((-widest, widest), "gain_") | within((0.0, widest), "gap_", "regret")
        super().__init__(**kwargs)

    def update(
        self,
        scores: Candidates,
        selector: Candidates | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: true scores `[N, n]` or `[B, T, n]` of the candidates; NaN where one is not there, so that n may
                differ.
            selector: the selector's scores of the same shape; NaN: the candidate is not there. None: the oracle
                selects, and every gap is 0.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if shapes differ or turns are refused.
        """
        read = {"scores": read_candidates("scores", scores)}
        if selector is not None:
            read["selector"] = read_candidates("selector", selector, read["scores"].values)
        given = {name: array.values for name, array in read.items()}
        absent = absent_candidates(given["scores"], given.get("selector"))
        columns = record_columns(absent, given=read, **given)
        checks = []
        if self.score_range is not None:
            scored = given["scores"].masked_fill(absent, torch.nan)
            checks.append(bounds_check("scores", scored, tuple(scored.shape), self.score_range))
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths, checks=checks)
        batch = inputs.batch
        found = {name: batch.present(inputs.columns[name]) for name in given}
        y, keys = found["scores"], found.get("selector")
        zero = self.missing == "zero"
        if not self.detail:
            selected = expected_best(y, keys, self.ks[-1:])[:, 0]
            self._add(batch, selected.masked_fill(~batch.valid, 0) if zero else selected, batch.valid if zero else None)
            return
        values = self._values(y, keys)
        if zero:
            values = {name: value.masked_fill(~batch.valid, 0) for name, value in values.items()}
        primary = values[f"selected_{self.ks[-1]}"]
        self._add(batch, primary, batch.valid if zero else None, Terms(averages=values))

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot:
        """The oracle's and the selector's curve over the number of candidates."""
        overs, first = {"oracle": "oracle", "selected": "selected"}, {1: point(val, f"{self.name}_single")}
        axes: dict[str, Any] = {"x": "candidates", "y": "score of the pick"}
        figure, ax = plot_curves(self, val, overs, behind, ax, first=first, **axes)
        if ax.lines:
            ax.set_xscale("log", base=2)
            ax.set_xticks([1, *self.ks], ["1", *map(str, self.ks)])
        return figure, ax

    def _values(self, y: Tensor, keys: Tensor | None) -> dict[str, Tensor]:
        """Every ratio's values `[N]` of packed records, NaN where undefined."""
        oracle = expected_best(y, None, self.ks)
        selected = oracle if keys is None else expected_best(y, keys, self.ks)
        count = (~y.isnan()).sum(1)
        single = y.nansum(1, dtype=torch.float64) / count
        best = y.nan_to_num(nan=-torch.inf).amax(1).double() if y.shape[1] else single
        regret = best - (best if keys is None else picked_score(y, keys))
        found = {"single": single, "regret": regret.masked_fill(count == 0, torch.nan)}
        columns = {"oracle": oracle, "selected": selected, "gain": selected - single[:, None]}
        for name, values in columns.items():
            found |= {f"{name}_{k}": column for k, column in zip(self.ks, values.unbind(1))}
        return found

    def _ratios(self) -> list[str]:
        return ["single", "regret", *(f"{name}_{k}" for k in self.ks for name in ("oracle", "selected", "gain"))]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        return {f"gap_{k}": _ratio(sums, f"oracle_{k}") - _ratio(sums, f"selected_{k}") for k in self.ks}

    def _supports(self) -> dict[str, str]:
        return {f"gap_{k}": f"oracle_{k}.den" for k in self.ks}


def _ratio(sums: dict[str, Tensor], name: str) -> Tensor:
    weight = sums[f"{name}.den"]
    return torch.where(weight != 0, sums[f"{name}.num"] / torch.where(weight != 0, weight, 1), torch.nan)
