# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Convergence of generate-verify-refine loops."""

import math
from dataclasses import replace
from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE, score_column
from imug_metrics.functional.self_evaluation.loop_convergence import MEASURES, Measure, loop_parts
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, within

_HIGHER = {"direction": "higher is better", "unit": "share"}
_LOWER = {"direction": "lower is better", "higher_is_better": False, "low": 0.0}
_MEASURED: dict[str, dict[str, Any]] = {
    "monotone": {**_HIGHER, "label": "Rising loops", "meaning": "Share of loops in which every step gains."},
    "never_falls": {**_HIGHER, "label": "Loops that never fall", "meaning": "Share of loops in which no step loses."},
    "above": {**_HIGHER, "label": "Loops that arrive", "meaning": "Share of loops that end at the threshold or above."},
    "sign_changes": {
        **_LOWER,
        "label": "Turns of loops",
        "unit": "changes of sign",
        "meaning": "How often a loop changes between gaining and losing.",
    },
    "oscillation": {
        **_LOWER,
        "label": "Oscillation",
        "unit": "share",
        "high": 1.0,
        "meaning": "Share of the steps at which a loop changes between gaining and losing.",
    },
    "contraction": {
        "label": "Contraction",
        "direction": "below 1 the loop settles, above 1 it diverges",
        "higher_is_better": None,
        "unit": "ratio",
        "meaning": "How large each step of a loop is against the one before.",
    },
}
"""What differs from the gain, by measure."""


class LoopConvergence(DialogueMetric):
    """Do loops of generating, verifying and refining converge? By default their gain; higher is better.

    A loop is a dialogue and a step is a turn; where a dialogue holds several loops, `subject` tells them apart and the
    intervals stay by dialogue. With the scores s_0, ..., s_m of the scored steps of a loop and d_i = s_i - s_(i-1),

        gain         s_m - s_0
        contraction  (|d_2| + ... + |d_m|) / (|d_1| + ... + |d_(m-1)|)

    as mean over loops, and for contraction as ratio of the sums. The measures are ours; the functional counterpart
    `loop_convergence` defines all of them. The detail holds

    - `loop_convergence`: the measure chosen
    - all measures: `_gain`, `_monotone` (share of loops that rise at every step), `_never_falls`, `_above` (share
      that end at `threshold` or higher), `_sign_changes` and `_oscillation` (lower is better), `_contraction` (below 1:
      the steps shrink)
    - `loop_convergence_slope`: change of the score per step, within loops
    - `loop_convergence_mean` and the curve `_turn_k`: mean score of all steps, and of each

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The curve mixes
    loops that stop early with loops that go on; the slope does not.

    Args:
        measure: the primary estimate, one of the measures of the functional counterpart.
        threshold: score that `above` asks for; 0.8 is a judge's 4 of 5.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the measure is unknown.

    Example:
        >>> import torch
        >>> metric = LoopConvergence(detail=True)
        >>> metric.update(torch.tensor([[0.2, 0.6, 0.8, 0.9], [0.5, 0.7, 0.6, 0.7]]))
        >>> found = metric.compute()
        >>> [round(float(found[f"loop_convergence{end}"]), 3) for end in ("", "_monotone", "_contraction")]
        [0.45, 0.5, 0.556]
    """

    name = "loop_convergence"
    description = MetricDescription(
        label="Loop gain",
        noun="gain of a loop",
        unit="score",
        measures="gain, last minus first score of a loop",
        span="by measure; the gain's is that of a difference of scores",
        direction="by measure; of the gain, higher is better",
        meaning="What a loop of attempts and feedback has gained by its last step.",
        misleads="A loop that stops when its own verifier is content gains by selection: score it with another judge. "
        "The curve over steps holds ever harder loops.",
    )
    curve_of = "mean score"
    primary = "gain"
    configuration = (*DialogueMetric.configuration, "measure", "threshold")
    ranges = within(SHARE, "monotone", "never_falls", "above") | within((0.0, math.inf), "contraction")
    limits = within((0.0, math.inf), "sign_changes") | within(SHARE, "oscillation")

    def __init__(self, measure: Measure = "gain", *, threshold: float = 0.8, **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("measure", measure, MEASURES)
        self.measure, self.primary, self.threshold = measure, measure, threshold
        super().__init__(**kwargs)

    def describe(self) -> MetricDescription:
        """How to read it by this measure."""
        found = super().describe()
        if self.measure == "gain":
            return found
        label = _MEASURED[self.measure]["label"]
        return replace(found, span="", noun=label.lower(), measures=label.lower(), **_MEASURED[self.measure])

    def update(
        self,
        scores: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]`, higher is better; NaN where a step could not be scored, which is passed over.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.
            subject: the loop within its dialogue, where a dialogue holds several; in the form of `dialogue`.

        Raises:
            ValueError: if shapes differ or turns are refused.
        """
        inputs = self._pack({"scores": score_column("scores", scores)}, dialogue, turn, subject, valid, lengths)
        scored = inputs.batch.present(inputs.columns["scores"])
        if self.missing == "zero":
            scored = inputs.batch.zero_filled(scored)
        parts = loop_parts(inputs.batch, scored, self.threshold, self._measures())
        self._add(inputs.batch, scored, None, Terms(by_segment=parts))

    def _measures(self) -> tuple[Measure, ...]:
        return MEASURES if self.detail else (self.measure,)

    def _ratios(self) -> list[str]:
        return [*self._measures()]
