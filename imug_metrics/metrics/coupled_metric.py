# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class of metrics that couple two scores of every instance into one."""

from typing import Any

import torch
from typing_extensions import Unpack

from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.interleaved.coupling import Scale, check_eta, check_scale, combine
from imug_metrics.metrics.instance_metric import InstanceMetric
from imug_metrics.metrics.options import MetricOptions, within


class CoupledMetric(InstanceMetric):
    """A metric that couples two scores of every instance into one.

    A subclass names the two (`parts`), says whether they are coupled as a `product`, and whether the second is graded
    on the scale of the first.
    """

    configuration = (*InstanceMetric.configuration, "eta", "scale")
    parts: tuple[str, str]
    product: bool
    second_is_graded: bool

    def __init__(self, *, eta: float, scale: Scale = "share", **kwargs: Unpack[MetricOptions]) -> None:
        self.eta, self.scale = check_eta(eta), check_scale(scale)
        self.ranges = self.ranges | within(SHARE, *self.parts)
        super().__init__(**kwargs)

    def _update(
        self, first: Any, second: Any, support: Any, dialogue: Any, turn: Any, valid: Any, lengths: Any
    ) -> None:
        scales = (self.scale, self.scale if self.second_is_graded else "share")
        columns = {
            name: self._shares(name, given, scale) for name, given, scale in zip(self.parts, (first, second), scales)
        }
        inputs = self._pack_instances(support, dialogue, turn, valid, lengths, **columns)
        left, right = (inputs.columns[name] for name in self.parts)
        left = inputs.batch.present(left)
        values = combine(left, right, self.eta, product=self.product)
        if not self.detail:
            self._add(inputs.batch, values)
            return
        none = values.isnan()
        means = {name: share.masked_fill(none, torch.nan) for name, share in zip(self.parts, (left, right))}
        self._add_supported(inputs, values, None, means)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), *self.parts]
