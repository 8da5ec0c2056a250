# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does self-correction fix more than it breaks?"""

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.self_evaluation.self_correction import correction_columns, relative_correction
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import within


class SelfCorrection(DialogueMetric):
    """Does self-correction fix more than it breaks? Gain in accuracy, by turn. Range -1 to 1, higher is better.

    With the accuracy Acc1 before and Acc2 after, over the same records, the gain is

        Acc2 - Acc1

    The functional counterparts are `self_correction` and `relative_correction`. The detail adds (arXiv 2412.19513)

    - `self_correction_turn_k`, `self_correction_slope`: the gain by turn, and its slope within dialogues
    - `self_correction_before`, `self_correction_after`: Acc1 and Acc2
    - `self_correction_confidence`: CL = P(right after | right before)
    - `self_correction_critique`: CS = P(right after | wrong before)
    - `self_correction_relative`: RSS = (Acc2 - Acc1^2) / (2 Acc1 (1 - Acc1)); 0.5 where accuracy stays

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. All estimates rest
    on records with both answers. With `missing="zero"` an absent answer after self-correction counts as wrong.

    Args:
        kwargs: those of all metrics, see `MetricOptions`; `average` concerns the primary estimate alone.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = SelfCorrection(detail=True)
        >>> metric.update(preds=[[1, 1], [0, 1]], before=[[0, 1], [1, 0]])
        >>> {key: round(float(metric.compute()[f"self_correction_{key}"]), 2) for key in ("confidence", "critique")}
        {'confidence': 0.5, 'critique': 1.0}
    """

    name = "self_correction"
    description = MetricDescription(
        label="Self-correction",
        noun="gain by self-correction",
        unit="share",
        measures="gain in accuracy, after minus before",
        span="-1 to 1",
        direction="higher is better",
        meaning="Share of answers that a second look makes right, minus the share that it makes wrong.",
        misleads="A model that falls silent where it would lose a right answer looks better: read the coverage. A "
        "gain near 0 may hide that much was fixed and as much broken.",
    )
    plot_lower_bound = -1.0
    plot_upper_bound = 1.0
    level_of_curve = (0.0, "no gain")
    ranges = within(SHARE, "before", "after", "confidence", "critique") | within((-1.0, 1.0), "mean", "turn_")

    def update(
        self,
        preds: Labels,
        before: Labels,
        target: Labels | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: answers after self-correction `[N]` or `[B, T]`: 1 right and 0 wrong, or any labels (numbers, or
                strings in lists) with a `target`; NaN or None where absent.
            before: answers before it, in the same form.
            target: right answers, in the same form; None: `preds` and `before` say what is right.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if labels are neither 1 nor 0 and no target is given, shapes differ or turns are refused.
        """
        inputs = self._pack(correction_columns(preds, before, target), dialogue, turn, None, valid, lengths)
        batch, first = inputs.batch, inputs.columns["before"]
        after, known = batch.present(inputs.columns["preds"]), ~first.isnan()
        if self.missing == "zero":
            after = after.masked_fill(~batch.valid & known, 0)
        gain = after - first
        # An absent answer that counts as wrong has its gain (0 - before) already and must not be set to a gain of 0.
        expected = batch.valid | (known if self.missing == "skip" else known & gain.isnan())
        self._add(batch, gain, expected, self._terms(first, after, gain) if self.detail else None)

    def _terms(self, first: Tensor, after: Tensor, gain: Tensor) -> Terms:
        """Shares of right answers before and after, and after a right and a wrong one."""
        none = gain.isnan()
        means = {
            "before": first.masked_fill(none, torch.nan),
            "after": after.masked_fill(none, torch.nan),
            "confidence": after.masked_fill(first != 1, torch.nan),
            "critique": after.masked_fill(first != 0, torch.nan),
        }
        return Terms(means)

    def _ratios(self) -> list[str]:
        return ["before", "after", "confidence", "critique"]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        count = sums["before.den"].clamp_min(1e-300)
        return {"relative": relative_correction(sums["before.num"] / count, sums["after.num"] / count)}

    def _supports(self) -> dict[str, str]:
        return {"relative": "before.den"}
