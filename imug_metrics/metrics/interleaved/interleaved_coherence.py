# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Coupled scores of interleaved answers: right and well made, and of one piece."""

from typing import Any

import torch
from torch import Tensor

from imug_metrics.functional.interleaved.interleaved_coherence import Scale, check_eta, couple, graded
from imug_metrics.metrics.instance_metric import InstanceMetric


class CoupledMetric(InstanceMetric):
    """A metric that couples two scores of every instance into one.

    A subclass names the two (`parts`), says whether they are coupled as a `product`, and whether the second is graded
    on the scale of the first.
    """

    configuration = (*InstanceMetric.configuration, "eta", "scale")
    parts: tuple[str, str]
    product: bool
    second_is_graded: bool

    def __init__(self, *, eta: float, scale: Scale = "share", **kwargs: Any) -> None:
        graded("scale", [], scale)
        self.eta, self.scale = check_eta(eta), scale
        super().__init__(**kwargs)

    def _update(self, first: Any, second: Any, dialogue: Any, turn: Any, valid: Any, support: Any) -> None:
        scales = (self.scale, self.scale if self.second_is_graded else "share")
        columns = {
            name: self._shares(name, given, scale) for name, given, scale in zip(self.parts, (first, second), scales)
        }
        records = self._open_instances(dialogue, turn, valid, support, **columns)
        valid = records.batch.valid
        shares = [records.columns[name].masked_fill(~valid, torch.nan) for name in self.parts]
        values = couple(*shares, self.eta, product=self.product)
        means = {
            name: records.batch.mean_parts(share.masked_fill(values.isnan(), torch.nan))
            for name, share in zip(self.parts, shares)
        }
        self._add_supported(records, values, None, means)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), *self.parts]


class SemanticQuality(CoupledMetric):
    """SQCS of UniM: semantic correctness coupled with generation quality. Range 0 to 1, higher is better.

    The functional twin is `semantic_quality`, which has the
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
        eta, scale: as in the functional twin.
        kwargs: those of `DialogueMetric`.

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

    def __init__(self, *, eta: float = 0.7, scale: Scale = "share", **kwargs: Any) -> None:
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


class InterleavedCoherence(CoupledMetric):
    """ICS of UniM: holistic coherence and stylistic harmony of interleaved answers. Range 0 to 1, higher is better.

    The functional twin is `interleaved_coherence`, which has
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
        eta, scale: as in the functional twin.
        kwargs: those of `DialogueMetric`.

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

    def __init__(self, *, eta: float = 0.8, scale: Scale = "share", **kwargs: Any) -> None:
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
