# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Do models keep their rank when the judge changes?"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.errors import ArgumentError
from imug_metrics.functional.trust.judge_stability import (
    Judged,
    judge_pairs,
    judged_column,
    judged_sums,
    mean_of_pairs,
    model_means,
    order_agreement,
    top_agreement,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.metrics.plotting import Plot, note, point, quantity
from imug_metrics.plots import forest

_TAU: tuple[float, float] = (-1.0, 1.0)


class JudgeStability(DialogueMetric):
    """Do models keep their rank when the judge changes? -1 to 1, higher is better.

    The mean over pairs of judges of Kendall's tau-b between the models' mean scores by one judge and by the other. It
    does not see that a judge is milder or uses another scale, only that it orders the models otherwise. The functional
    counterpart is `judge_stability`. The detail holds

    - `judge_stability` and `judge_stability_tau`: the same number
    - `judge_stability_top`: share of pairs of judges of whom the same models are the best; models that share the first
      place are so together
    - `judge_stability_tau_<judge>`, as `_tau_a` of the judge a: its mean tau with the others. The judge that stands
      apart has the smallest
    - `judge_stability_judged`: share of outputs that all judges scored, of those that any of them scored; only these
      count

    As output `compute` gives a float64 scalar, or with `detail=True` a dict like that of `DialogueMetric`, without
    curve and slope. Ranks jump, so that intervals come from the `bootstrap`
    alone.

    Args:
        models: their names, at least two.
        judges: their names, at least two.
        kwargs: those of all metrics, see `MetricOptions`; `average` has no meaning here.
            `missing="zero"` is refused: it would order the models by what is absent.

    Raises:
        ArgumentError: if there are fewer than two names, or one comes twice.

    Example:
        >>> metric = JudgeStability(["m", "n"], ["a", "b", "c"], detail=True)
        >>> scores = [[[0.9, 0.8, 0.3], [0.5, 0.6, 0.4]], [[0.7, 0.9, 0.5], [0.6, 0.4, 0.8]]]
        >>> metric.update(scores, dialogue=[1, 2], turn=[1, 1])
        >>> found = metric.compute()
        >>> ends = ("", "_top", "_tau_a", "_tau_b", "_tau_c")
        >>> [round(float(found[f"judge_stability{end}"]), 2) for end in ends]
        [-0.33, 0.33, 0.0, 0.0, -1.0]
    """

    name = "judge_stability"
    description = MetricDescription(
        label="Stability over judges",
        noun="stability over judges",
        unit="correlation",
        measures="mean of Kendall's tau-b of the models' order over pairs of judges",
        span="-1 to 1",
        direction="higher is better",
        low=-1.0,
        high=1.0,
        meaning="How far models keep their rank when another judge scores the same outputs.",
        misleads="Judges that err alike agree: a rank that all of them give can be wrong. Models that are equally good "
        "change places by chance, which the interval shows.",
    )
    primary = "tau"
    steps: tuple[str, ...] = ("tau", "top")
    ranges = within(_TAU, "tau", "tau_") | within(SHARE, "top", "judged")
    configuration = (*DialogueMetric.configuration, "models", "judges")
    plot_lower_bound = -1.0
    plot_upper_bound = 1.0

    def __init__(self, models: Sequence[str], judges: Sequence[str], **kwargs: Unpack[MetricOptions]) -> None:
        self.models, self.judges = _names("models", models), _names("judges", judges)
        self.steps = ("tau", "top", *(f"tau_{judge}" for judge in self.judges))
        if kwargs.get("missing") == "zero":
            raise ValueError(
                "Expected argument `missing` to be 'skip': a score of 0 would order the models by what is absent."
            )
        super().__init__(**kwargs)

    def update(
        self,
        scores: Judged,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N, M, J]` or `[B, T, M, J]`: of the models' outputs at each record, by every judge, in the order
                of the metric's `models` and `judges`; NaN where there is none. An output that a judge did not score
                does not count; a record without any that does lowers the coverage.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ or turns are refused.
        """
        column = judged_column(scores, (len(self.models), len(self.judges)))
        inputs = self._pack({"scores": column}, dialogue, turn, None, valid, lengths)
        batch = inputs.batch
        values = inputs.columns["scores"].masked_fill(~batch.valid[:, None, None], torch.nan)
        counts, totals = judged_sums(values)
        whole = counts.sum(1)
        seen = values.isfinite().any(-1).sum(1).double()
        mean = (totals.mean(-1).sum(1) / whole.clamp_min(1)).masked_fill(whole == 0, torch.nan)
        sums = {"count": counts, "total": totals.flatten(1)}
        self._add(batch, mean, None, Terms(sums=sums, ratios={"judged": (whole, seen)} if self.detail else {}))

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot | None:
        """The tau of all judges, and of each with the others, in rows."""
        if f"{self.name}_top" not in val:
            return None
        keys = {"all judges": "tau", **{judge: f"tau_{judge}" for judge in self.judges}}
        rows = {row: point(val, f"{self.name}_{key}") for row, key in keys.items()}
        said = note(self, val, "bars", slope="", repeated=False)
        return forest(rows, x=quantity(self.describe()), note=said, ax=ax)

    def _needed(self) -> list[str]:
        return self._sums()

    def _ratios(self) -> list[str]:
        return ["judged"] if self.detail else []

    def _sums(self) -> list[str]:
        models, cells = len(self.models), len(self.models) * len(self.judges)
        return [*(f"count_{place}" for place in range(models)), *(f"total_{place}" for place in range(cells))]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        models, judges = len(self.models), len(self.judges)
        counts, totals = (
            torch.stack([sums[f"{name}_{place}"] for place in range(size)], -1)
            for name, size in (("count", models), ("total", models * judges))
        )
        means = model_means(counts, totals.view(*counts.shape, judges))
        tau = order_agreement(means)
        found = {"tau": mean_of_pairs(tau)}
        if not self.detail:
            return found
        pairs = judge_pairs(judges)
        own = {
            f"tau_{name}": mean_of_pairs(tau[..., [place for place, pair in enumerate(pairs) if judge in pair]])
            for judge, name in enumerate(self.judges)
        }
        return found | {"top": mean_of_pairs(top_agreement(means))} | own

    def _supports(self) -> dict[str, str]:
        return dict.fromkeys(self.steps, "count_0")

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        of_scores = (f"{self.name}_mean", f"{self.name}_slope", f"{self.name}_turn_")
        return {key: value for key, value in found.items() if not key.startswith(of_scores)}


def _names(argument: str, names: Sequence[str]) -> tuple[str, ...]:
    found = () if isinstance(names, str) else tuple(map(str, names))
    if len(found) < 2 or len(set(found)) < len(found):
        raise ArgumentError(argument, f"expected two different names or more, got {names!r}")
    return found
