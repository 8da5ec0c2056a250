# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two arms on the same turns: the gain of one over the other."""

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.metrics.paired_metric import PairedMetric


class PairedGain(PairedMetric):
    """What does a change bring on the same records: mean of `scores - baseline`. Above 0 where the change is better.

    Any two arms of one metric: chain-of-thought against plain, after against before verification, interleaved against
    isolated turns, one model against another. Pairing takes the difficulty of the records out of the comparison, so its
    interval is that of the difference and not that of two separate means (Student, Biometrika 6, 1908; here by
    dialogue). The functional counterpart is `paired_gain`; `pair_records` pairs arms that come as two lists.

    A record that one arm lacks is unpaired: it is counted and never used (but see `missing`). The detail adds

    - `paired_gain_scores`, `paired_gain_baseline`: mean of each arm over the pairs; their difference is the gain
    - `paired_gain_slope`: change of the gain per turn within dialogues; above 0 where the gain grows
    - `paired_gain_turn_k`: gain at turn k
    - `paired_gain_better`, `paired_gain_worse`, `paired_gain_equal`: shares of the pairs; they add to 1
    - `paired_gain_unpaired`: number of records that one arm alone has
    - `paired_gain_coverage`: share of all records given that both arms have

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        margin: gains up to this size, either way, count as equal.
        kwargs: see `MetricOptions`. With `missing="zero"` a record scores 0 in an arm that lacks it.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = PairedGain(detail=True)
        >>> metric.update(torch.tensor([[0.9, 0.8], [0.6, 0.7]]), torch.tensor([[0.8, 0.4], [0.6, 0.4]]))
        >>> found = metric.compute()
        >>> [round(float(found[f"paired_gain{key}"]), 3) for key in ("", "_slope", "_turn_2", "_better")]
        [0.2, 0.3, 0.35, 0.75]
    """

    name = "paired_gain"
    configuration = (*DialogueMetric.configuration, "margin")

    def __init__(self, margin: float = 0.0, **kwargs: Unpack[MetricOptions]) -> None:
        if not margin >= 0:
            raise ValueError(f"Expected argument `margin` to be at least 0, got {margin}.")
        self.margin = margin
        super().__init__(**kwargs)

    def update(
        self,
        scores: Numbers,
        baseline: Numbers,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]`, with the change, higher is better; NaN where a record is not scored.
            baseline: of the same shape, without it.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`; `valid` speaks of
                `scores`.

        Raises:
            ValueError: if shapes differ or turns are refused.
        """
        inputs, arms = self._read(scores, baseline, dialogue, turn, subject, valid, lengths)
        arms = self._zero_filled(arms)
        gain = arms.scores - arms.baseline

        def shares() -> dict[str, Tensor]:
            return {"better": gain > self.margin, "worse": gain < -self.margin, "equal": gain.abs() <= self.margin}

        self._add_arms(inputs.batch, arms, gain, shares)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), "better", "worse", "equal"]
