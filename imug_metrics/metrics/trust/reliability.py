# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How little does a model's score stray over repeated runs?"""

from dataclasses import replace

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Candidates, Ids, Turns
from imug_metrics.dialogues.columns import Column
from imug_metrics.functional.scaling.candidates import candidates_open_end, read_candidates
from imug_metrics.functional.trust.reliability import METHODS, Method, run_values
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, within

_OF_RUNS = ("unreliability", "aptitude", "average")


class Reliability(DialogueMetric):
    """How little does a model's score stray over repeated runs of the same record? 0 to `scale`, higher is better.

    With the percentiles P over the runs of one record (Laban et al., arXiv 2505.06120), the mean over records of

        R = scale - U,  U = P90 - P10

    The functional counterpart is `reliability`. The detail holds

    - `reliability`: R, and its curve `_turn_k` and `_slope` over turns
    - `reliability_unreliability`: U; lower is better
    - `reliability_aptitude` and its curve `_aptitude_turn_k`: A90 = P90
    - `reliability_average`: mean of the runs

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Records with fewer
    than two runs that did not fail are undefined and lower the coverage; with `missing="zero"` failed runs score 0, and
    a record whose runs all failed has aptitude 0 and R = scale.

    Args:
        method: how a percentile that falls between two runs is read: `"linear"` (numpy's default), `"lower"`,
            `"higher"`, `"nearest"` or `"midpoint"`.
        scale: the top of the scores' scale: 1, or 100 for percentages.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the method is unknown.

    Example:
        >>> import torch
        >>> metric = Reliability(scale=100.0)
        >>> metric.update(torch.tensor([[90.0, 80.0, 100.0, 70.0, 60.0]]), dialogue=["a"], turn=[1])
        >>> metric.compute()
        tensor(68., dtype=torch.float64)
    """

    name = "reliability"
    description = MetricDescription(
        label="Reliability",
        noun="reliability",
        unit="score",
        measures="`scale` minus the spread of a record's runs, mean over records",
        span="0 to 1, or 0 to `scale`",
        direction="higher is better",
        meaning="How little the score of a record changes when the model is run again.",
        misleads="What always fails is reliable: never read it without the aptitude, and compare models on the same "
        "number of runs only.",
    )
    configuration = (*DialogueMetric.configuration, "method", "scale")

    def __init__(self, method: Method = "linear", *, scale: float = 1.0, **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("method", method, METHODS)
        self.method, self.scale = method, scale
        self.limits = within((0.0, float(scale)), "mean", "turn_", *_OF_RUNS, "aptitude_")
        super().__init__(**kwargs)

    def describe(self) -> MetricDescription:
        """How to read it under this scale."""
        return replace(super().describe(), span="")

    def update(
        self,
        scores: Candidates,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N, R]` or `[B, T, R]`, the R >= 2 runs of a record in the last dimension, higher is better; NaN
                for a run that failed.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if shapes differ or turns are refused.
        """
        given = read_candidates("scores", scores)
        runs = given.values
        zero = self.missing == "zero"
        runs = runs.masked_fill(~runs.isfinite(), 0) if zero else runs
        values = run_values(runs, self.method, self.scale, average=bool(self.detail))
        wanted = values if self.detail else {"reliability": values["reliability"]}
        shape, check = tuple(runs.shape[:-1]), candidates_open_end("scores", given)
        columns = {
            name: Column(value.flatten(), shape, None, given.ends, (), check, argument="scores")
            for name, value in wanted.items()
        }
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        batch = inputs.batch
        found = {name: batch.present(value) for name, value in inputs.columns.items()}
        if zero:  # runs that failed have the score 0, and so agree
            found = {name: value.masked_fill(~batch.valid, 0) for name, value in found.items()}
            found["reliability"] = found["reliability"].masked_fill(~batch.valid, self.scale)
        primary = found.pop("reliability")
        terms = Terms(found, curves={"aptitude": found["aptitude"]}) if self.detail else None
        # Records that failed are scored above, by the definition of R, and are no longer expected to be.
        self._add(batch, primary, batch.valid if zero else None, terms)

    def _ratios(self) -> list[str]:
        curve = [f"aptitude_turn_{k}" for k in self._turns()]
        return [*_OF_RUNS, *curve]
