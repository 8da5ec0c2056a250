# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Aptitude and unreliability over repeated runs."""

from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import Column
from imug_metrics.functional.trust.reliability import METHODS, Method, run_values
from imug_metrics.metrics.dialogue_metric import DialogueMetric, check_choice
from imug_metrics.metrics.options import MetricOptions


class Reliability(DialogueMetric):
    """How little a model's score strays over repeated runs of the same record. Higher is better.

    The functional counterpart is `reliability`, which has the formulas
    (Laban et al., arXiv 2505.06120). Percentiles are taken over the runs of each record, then averaged over records,
    with intervals by dialogue. The detail holds

    - `reliability`: R = scale - U, and its curve `_turn_k` and `_slope` over turns
    - `reliability_unreliability`: U = 90th - 10th percentile; lower is better
    - `reliability_aptitude` and its curve `_aptitude_turn_k`: A90 = 90th percentile
    - `reliability_average`: mean of the runs

    As input to `forward` and `update` the metric accepts

    - `scores`: `[N, R]` or `[B, T, R]`, the R >= 2 runs of a record in the last dimension, higher is better; NaN for a
      run that failed
    - `dialogue`, `turn`, `valid`: of the records, see `align_rows`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`. Records with fewer than two runs that did not fail are undefined and lower the coverage; with
    `missing="zero"` failed runs score 0, and a record whose runs all failed has aptitude 0 and R = scale.

    Args:
        method: how a percentile that falls between two runs is read: `"linear"` (numpy's default), `"lower"`,
            `"higher"`, `"nearest"` or `"midpoint"`.
        scale: the top of the scores' scale: 1, or 100 for percentages.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range, or an update's shapes or turns are refused.

    Example:
        >>> import torch
        >>> metric = Reliability(scale=100.0)
        >>> metric.update(torch.tensor([[90.0, 80.0, 100.0, 70.0, 60.0]]), dialogue=["a"], turn=[1])
        >>> metric.compute()
        tensor(68., dtype=torch.float64)
    """

    name = "reliability"
    configuration = (*DialogueMetric.configuration, "method", "scale")
    curves = ("turn_", "aptitude_turn_")

    def __init__(self, method: Method = "linear", *, scale: float = 1.0, **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("method", method, METHODS)
        self.method, self.scale = method, scale
        super().__init__(**kwargs)

    def update(self, scores: Any, dialogue: Any = None, turn: Any = None, valid: Tensor | None = None) -> None:
        """Add a batch of whole dialogues."""
        scores = torch.as_tensor(scores)
        if scores.ndim not in (2, 3):
            raise ValueError(f"Expected argument `scores` to have shape [N, R] or [B, T, R], got {list(scores.shape)}.")
        zero = self.missing == "zero"
        runs = scores.double().masked_fill(~scores.isfinite(), 0) if zero else scores
        found = run_values(runs, self.method, self.scale)
        columns = {name: Column(values.flatten(), tuple(values.shape)) for name, values in found.items()}
        inputs = self._pack(dialogue, turn, None, valid, **columns)
        batch = inputs.batch
        failed = {"reliability": self.scale} if zero else {}
        columns = {
            name: values.masked_fill(~batch.valid, failed.get(name, 0.0 if zero else torch.nan))
            for name, values in inputs.columns.items()
        }
        scored = (~columns["reliability"].isnan()).double()
        ratios = {n: batch.mean_parts(columns[n]) for n in ("unreliability", "aptitude", "average")}
        curve = [self._by_turn(batch, part) for part in (columns["aptitude"].nan_to_num(0), scored)]
        ratios |= {f"aptitude_turn_{k + 1}": (curve[0][:, k], curve[1][:, k]) for k in range(self.max_turns)}
        # Records that failed are scored above, by the definition of R, and are no longer expected to be.
        self._add(batch, columns["reliability"], batch.valid if zero else None, ratios)

    def _ratios(self) -> list[str]:
        curve = [f"aptitude_turn_{k}" for k in range(1, self.max_turns + 1)]
        return ["unreliability", "aptitude", "average", *curve]
