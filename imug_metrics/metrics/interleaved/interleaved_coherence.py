# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an interleaved answer of one piece?"""

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.functional.interleaved.coupling import Scale
from imug_metrics.metrics.coupled_metric import CoupledMetric
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.options import MetricOptions


class InterleavedCoherence(CoupledMetric):
    """Is an interleaved answer of one piece? Range 0 to 1, higher is better.

    The interleaved coherence score of UniM (arXiv 2603.05075), from holistic coherence HC and stylistic harmony SH:

        ICS = eta * HC + (1 - eta) * SH

    The functional counterpart is `interleaved_coherence`. The detail adds

    - `interleaved_coherence_holistic`, `_style`: mean HC and mean SH of the instances that have both
    - `interleaved_coherence_relative`, `_support`: mean of support * score by instance and the mean support;
      NaN unless a `support` was given

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`; `average` concerns
    the primary estimate alone.

    Args:
        eta: weight of `holistic`, in [0, 1].
        scale: of both scores: `"share"` in [0, 1], or grades 1 to 5, mapped by (s - 1) / 4 (`"grade"`) or s / 5
            (`"grade/5"`).
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is unknown or outside its range.

    Example:
        >>> metric = InterleavedCoherence(scale="grade")
        >>> metric.update([5, 3], [3, 3])
        >>> metric.compute()
        tensor(0.7000, dtype=torch.float64)
    """

    name = "interleaved_coherence"
    description = MetricDescription(
        label="Coherence",
        noun="interleaved coherence",
        unit="share",
        measures="ICS",
        span="0 to 1",
        direction="higher is better",
        meaning="How well the parts of an answer, texts and media, go together, in a judge's eyes.",
        misleads="A coherent answer to another question is coherent, and an answer of text alone has nothing that "
        "could clash.",
    )
    parts = ("holistic", "style")
    product = False
    second_is_graded = True

    def __init__(self, *, eta: float = 0.8, scale: Scale = "share", **kwargs: Unpack[MetricOptions]) -> None:
        super().__init__(eta=eta, scale=scale, **kwargs)

    def update(
        self,
        holistic: Numbers,
        style: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        support: Numbers | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            holistic: HC, `[N]` or `[B, T]` on the metric's scale; NaN where absent.
            style: SH, in the same shape and on the same scale.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`; without `dialogue` and `turn` each
                of `[N]` answers is an instance of its own.
            support: supporting rates in [0, 1], in the same shape; None: not known.

        Raises:
            ValueError: if shapes differ, a number is outside its range or turns are refused.
        """
        self._update(holistic, style, support, dialogue, turn, valid, lengths)
