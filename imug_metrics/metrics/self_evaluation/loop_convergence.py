# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Convergence of generate-verify-refine loops."""

from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import score_column
from imug_metrics.functional.self_evaluation.loop_convergence import MEASURES, Measure, loop_parts
from imug_metrics.metrics.dialogue_metric import DialogueMetric, check_choice
from imug_metrics.metrics.options import MetricOptions


class LoopConvergence(DialogueMetric):
    """Whether loops of generating, verifying and refining converge. Higher is better for the default, the gain.

    The functional counterpart is `loop_convergence`, which defines the
    measures. A loop is a dialogue and a step is a turn; where a dialogue holds several loops, `subject` tells them
    apart and the intervals stay by dialogue. The detail holds

    - `loop_convergence`: the measure chosen, by default `gain`, last score - first score
    - the other measures: `_gain`, `_monotone` (share of loops that rise at every step), `_never_falls`, `_above` (share
      that end at `bar` or higher), `_sign_changes` and `_oscillation` (lower is better), `_contraction` (below 1: the
      steps shrink)
    - `loop_convergence_slope`: change of the score per step, within loops
    - `loop_convergence_mean` and the curve `_turn_k`: mean score of all steps, and of each

    As input to `forward` and `update` the metric accepts

    - `scores`: `[N]` or `[B, T]`, higher is better; NaN where a step could not be scored, which is passed over
    - `dialogue`, `turn`, `subject`, `valid`: see `align_rows`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`. The curve mixes loops that stop early with loops that go on; the slope does not.

    Args:
        measure: the headline, one of the measures of the functional counterpart.
        bar: score that `above` asks for; 0.8 is a judge's 4 of 5.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the measure is unknown, or an update's shapes or turns are refused.

    Example:
        >>> import torch
        >>> metric = LoopConvergence(detail=True)
        >>> metric.update(torch.tensor([[0.2, 0.6, 0.8, 0.9], [0.5, 0.7, 0.6, 0.7]]))
        >>> found = metric.compute()
        >>> [round(float(found[f"loop_convergence{end}"]), 3) for end in ("", "_monotone", "_contraction")]
        [0.45, 0.5, 0.556]
    """

    name = "loop_convergence"
    primary = "gain"
    configuration = (*DialogueMetric.configuration, "measure", "bar")

    def __init__(self, measure: Measure = "gain", *, bar: float = 0.8, **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("measure", measure, MEASURES)
        self.measure, self.primary, self.bar = measure, measure, bar
        super().__init__(**kwargs)

    def update(
        self,
        scores: Any,
        dialogue: Any = None,
        turn: Any = None,
        subject: Any = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        inputs = self._pack(dialogue, turn, subject, valid, scores=score_column("scores", scores))
        scored = inputs.columns["scores"].masked_fill(~inputs.batch.valid, torch.nan)
        if self.missing == "zero":
            scored = scored.nan_to_num(0)
        self._add(inputs.batch, scored, ratios=loop_parts(inputs.batch, scored, self.bar))

    def _ratios(self) -> list[str]:
        return [*MEASURES]
