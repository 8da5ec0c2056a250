# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Coupled scores of interleaved answers: right and well made, and of one piece."""

from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.functional.interleaved.coupling import Scale
from imug_metrics.metrics.coupled_metric import CoupledMetric
from imug_metrics.metrics.options import MetricOptions


class InterleavedCoherence(CoupledMetric):
    """ICS of UniM: holistic coherence and stylistic harmony of interleaved answers. Range 0 to 1, higher is better.

    The functional counterpart is `interleaved_coherence`, which has
    the formula. The detail adds

    - `interleaved_coherence_holistic`, `_style`: mean HC and mean SH of the instances that have both
    - `interleaved_coherence_relative`, `_support`: mean of support * score by instance and the mean support, where a
      `support` was given

    As input to `forward` and `update` the metric accepts

    - `holistic`, `style`: HC and SH, `[N]` or `[B, T]` on the given scale; NaN where absent
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
        >>> metric = InterleavedCoherence(scale="grade")
        >>> metric.update([5, 3], [3, 3])
        >>> metric.compute()
        tensor(0.7000, dtype=torch.float64)
    """

    name = "interleaved_coherence"
    parts = ("holistic", "style")
    product = False
    second_is_graded = True

    def __init__(self, *, eta: float = 0.8, scale: Scale = "share", **kwargs: Unpack[MetricOptions]) -> None:
        super().__init__(eta=eta, scale=scale, **kwargs)

    def update(
        self,
        holistic: Any,
        style: Any,
        dialogue: Any = None,
        turn: Any = None,
        valid: Tensor | None = None,
        support: Any = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        self._update(holistic, style, dialogue, turn, valid, support)
