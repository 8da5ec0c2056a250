# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an interleaved answer right, and are its items well made?"""

from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.functional.interleaved.coupling import Scale
from imug_metrics.metrics.coupled_metric import CoupledMetric
from imug_metrics.metrics.options import MetricOptions


class SemanticQuality(CoupledMetric):
    """SQCS of UniM: semantic correctness coupled with generation quality. Range 0 to 1, higher is better.

    The functional counterpart is `semantic_quality`, which has the
    formula. The detail adds

    - `semantic_quality_correctness`, `_quality`: mean SC and mean GQ of the instances that have both
    - `semantic_quality_relative`, `_support`: mean of support * score by instance and the mean support, where a
      `support` was given

    As input to `forward` and `update` the metric accepts

    - `correctness`: SC, `[N]` or `[B, T]` on the given scale; NaN where absent
    - `quality`: GQ in [0, 1], in the same shape; NaN where unknown, which leaves the instance unscored
    - `dialogue`, `turn`, `valid`: see `align_rows`; without them each of `[N]`
      answers is an instance of its own
    - `support`: supporting rates in [0, 1], in the same shape

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`; `average` concerns the headline alone.

    Args:
        eta, scale: as in the functional counterpart.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is unknown, shapes differ, or a number is outside its range.

    Example:
        >>> metric = SemanticQuality(detail=True)
        >>> metric.update([1.0, 0.5], [0.8, 0.0], support=[1.0, 0.5])
        >>> found = metric.compute()
        >>> [round(float(found[f"semantic_quality{key}"]), 4) for key in ("", "_relative", "_correctness")]
        [0.645, 0.5575, 0.75]
    """

    name = "semantic_quality"
    parts = ("correctness", "quality")
    product = True
    second_is_graded = False

    def __init__(self, *, eta: float = 0.7, scale: Scale = "share", **kwargs: Unpack[MetricOptions]) -> None:
        super().__init__(eta=eta, scale=scale, **kwargs)

    def update(
        self,
        correctness: Any,
        quality: Any,
        dialogue: Any = None,
        turn: Any = None,
        valid: Tensor | None = None,
        support: Any = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        self._update(correctness, quality, dialogue, turn, valid, support)
