# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two arms on the same turns: the gain of one over the other."""

import math
from types import MappingProxyType

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions, check_range, within
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
    - `paired_gain_ratio`: mean of the scores over mean of the baseline, where scores are at least 0: how many times as
      much, or as often, as without the change; 1 is no change. Its interval is made on the logarithm
    - `paired_gain_unpaired`: number of records that one arm alone has
    - `paired_gain_coverage`: share of all records given that both arms have

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        margin: gains up to this size, either way, count as equal.
        score_range: ends that scores of both arms cannot leave, such as (0, 1): bounds then keep to them; others are
            refused. None: not known, and nothing is said of a ratio unless both means are positive.
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
    description = MetricDescription(
        label="Gain",
        noun="gain",
        unit="score",
        measures="mean difference over the records that both arms have",
        span="that of a difference of scores",
        direction="higher is better; above 0 the first arm leads",
        meaning="Score of the first arm minus that of the second, on the records that both have.",
        misleads="What one arm lacks leaves the comparison, and a mean of 0 can be half the records better and half "
        "worse.",
    )
    level_of_curve = (0.0, "no gain")
    configuration = (*DialogueMetric.configuration, "margin", "score_range")
    ranges = within(SHARE, "better", "worse", "equal") | within((0.0, math.inf), "ratio")
    events = MappingProxyType({"ratio": ("scores", "baseline")})

    def __init__(
        self, margin: float = 0.0, *, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]
    ) -> None:
        if not margin >= 0:
            raise ValueError(f"Expected argument `margin` to be at least 0, got {margin}.")
        self.margin, self.score_range = margin, check_range("score_range", score_range)
        self.bounds = self.score_range
        if self.score_range is not None:
            widest = self.score_range[1] - self.score_range[0]
            self.ranges = self.ranges | within(self.score_range, "scores", "baseline")
            self.ranges = self.ranges | within((-widest, widest), "mean", "turn_")
        super().__init__(**kwargs)

    def update(
        self,
        scores: Numbers,
        baseline: Numbers,
        *,
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

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.detail:
            return {}
        scores, baseline = (sums[f"{arm}.num"] / sums[f"{arm}.den"].clamp_min(1e-300) for arm in ("scores", "baseline"))
        known = (baseline > 0) & (scores >= 0)
        return {"ratio": torch.where(known, scores / torch.where(known, baseline, 1), torch.nan)}
