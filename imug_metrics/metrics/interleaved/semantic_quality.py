# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an interleaved answer right, and are its items well made?"""

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.functional.interleaved.coupling import Scale
from imug_metrics.metrics.coupled_metric import CoupledMetric
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.options import MetricOptions


class SemanticQuality(CoupledMetric):
    """Is an interleaved answer right, and are its items well made? Range 0 to 1, higher is better.

    The semantic-quality coupled score of UniM (arXiv 2603.05075), from semantic correctness SC and generation quality
    GQ; quality counts only as far as the answer is right:

        SQCS = SC * (eta + (1 - eta) * GQ)

    The functional counterpart is `semantic_quality`. The detail adds

    - `semantic_quality_correctness`, `_quality`: mean SC and mean GQ of the instances that have both
    - `semantic_quality_relative`, `_support`: mean of support * score by instance and the mean support; NaN unless a
      `support` was given

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`; `average` concerns
    the primary estimate alone.

    Args:
        eta: share of the score that correctness alone earns, in [0, 1].
        scale: of `correctness`: `"share"` in [0, 1], or grades 1 to 5, mapped by (s - 1) / 4 (`"grade"`) or s / 5
            (`"grade/5"`).
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is unknown or outside its range.

    Example:
        >>> metric = SemanticQuality(detail=True)
        >>> metric.update([1.0, 0.5], [0.8, 0.0], support=[1.0, 0.5])
        >>> found = metric.compute()
        >>> [round(float(found[f"semantic_quality{key}"]), 4) for key in ("", "_relative", "_correctness")]
        [0.645, 0.5575, 0.75]
    """

    name = "semantic_quality"
    description = MetricDescription(
        label="Semantic quality",
        noun="semantic quality",
        unit="share",
        measures="SQCS",
        span="0 to 1",
        direction="higher is better",
        meaning="Whether the answer is right, in a judge's eyes, weighed with the quality of its parts.",
        misleads="The judge reads captions: what a caption leaves out cannot be wrong. It hides which half failed, "
        "correctness or quality.",
    )
    parts = ("correctness", "quality")
    product = True
    second_is_graded = False

    def __init__(self, *, eta: float = 0.7, scale: Scale = "share", **kwargs: Unpack[MetricOptions]) -> None:
        super().__init__(eta=eta, scale=scale, **kwargs)

    def update(
        self,
        correctness: Numbers,
        quality: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        support: Numbers | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            correctness: SC, `[N]` or `[B, T]` on the metric's scale; NaN where absent.
            quality: GQ in [0, 1], in the same shape; NaN where unknown, which leaves the instance unscored.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`; without `dialogue` and `turn` each
                of `[N]` answers is an instance of its own.
            support: supporting rates in [0, 1], in the same shape; None: not known.

        Raises:
            ValueError: if shapes differ, a number is outside its range or turns are refused.
        """
        self._update(correctness, quality, support, dialogue, turn, valid, lengths)
