# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class of metrics of how far images are from the first one of their dialogue."""

import math
from typing import TYPE_CHECKING

from typing_extensions import Unpack

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.functional.images.perceptual_drift import Distance, Drift, earlier_distances, first_distances
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, within

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


class DriftMetric(EmbeddingMetric):
    """Mean distance of images to the first one of their dialogue, to the one before, and by the turns between.

    Args:
        distance: how images are compared, one of those that the subclass has checked.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if absent images should count as 0.
    """

    higher_is_better = False
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "distance")
    plot_lower_bound = 0.0

    def __init__(
        self, distance: Distance, *, encoder: "Encoder | str | None" = None, **kwargs: Unpack[MetricOptions]
    ) -> None:
        if kwargs.get("missing") == "zero":
            raise ValueError("Expected argument `missing` to be 'skip': a distance of 0 is the best of all.")
        self.distance = distance
        ends = (0.0, math.inf if distance == "squared" else 2.0)
        self.ranges = self.ranges | within(ends, "mean", "turn_", "previous", "delta_", "last_vs_first")
        super().__init__(encoder=encoder, **kwargs)

    def _ratios(self) -> list[str]:
        return ["previous", "last_vs_first", *(f"delta_{k}" for k in range(1, self.max_turns))] if self.detail else []

    def _details(self, batch: DialogueBatch, drift: Drift, to_first: bool) -> Terms:
        """What stands beside the drift, which is that to the first image, or to references."""
        first = drift.values if to_first else first_distances(batch, drift.rows, drift.there, self.distance)
        most = self.max_turns - 1
        earlier = earlier_distances(drift, batch, max(most, 1), self.distance)
        sums, counts = earlier.by_turns(most)
        means = {"previous": earlier.previous(), "last_vs_first": first.detach().where(batch.is_last(), math.nan)}
        return Terms(means, by_segment={"delta": (batch.sum_segments(sums), batch.sum_segments(counts))})
