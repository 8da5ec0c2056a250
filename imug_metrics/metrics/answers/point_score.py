# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Points that a judge gives images, turn by turn."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.answers.point_score import Items, check_best, item_check, read_items
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.item_metric import ItemMetric
from imug_metrics.metrics.options import MetricOptions, within

_OFFICIAL: dict[str, Any] = {
    "label": "Judged points, official rule",
    "noun": "official point score",
    "span": "0 to 1 (a 9 of 5 leaves it)",
    "meaning": "The benchmark's released rule for the same images: whatever numbers the judge's reply holds are taken.",
    "misleads": "Absent images are left out of the mean or scored on an empty request, and a 9 counts as 180 %.",
}


class PointScore(ItemMetric):
    """Mean of a turn's judged points divided by the best. Range 0 to 1, higher is better.

    Mean over turns of `(p_1 + ... + p_n) / (best * n)` for the n points of a turn, however many they are, as in
    IMUG-Bench (arXiv 2606.09169). The functional counterpart is `point_score`. The detail adds

    - `point_score_full`: share of turns that have the best of every point
    - `point_score_point`: mean over points, where a turn with more of them weighs more

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. A turn with a point
    that is NaN counts as absent.

    Args:
        best: the highest point.
        protocol: `"strict"` refuses points that are not whole numbers from 0 to `best`, `"imug"` takes any number as it
            is, as the released summary does.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = PointScore()
        >>> metric.update([[5, 4], [3], None], dialogue=["a", "a", "b"], turn=[1, 2, 1])
        >>> metric.compute()
        tensor(0.7500, dtype=torch.float64)
    """

    name = "point_score"
    description = MetricDescription(
        label="Judged points",
        noun="judged points",
        unit="share",
        measures="mean over the turns that were judged",
        span="0 to 1",
        direction="higher is better",
        meaning="Mean of the points that the judge gives an image, 0 to 5 for each thing asked for, divided by 5; "
        "coloured boards are scored by rule instead.",
        misleads="It is one judge's opinion: scores of two judges, or of two sets of instructions, do not compare. "
        "See how far it agrees with itself and with people before a difference is believed.",
    )
    configuration = (*ItemMetric.configuration, "best", "protocol")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "point", "full")  # which a mean of official 9s of 5 leaves

    def __init__(self, *, best: float = 5.0, protocol: Protocol = "strict", **kwargs: Unpack[MetricOptions]) -> None:
        check_best(best)
        check_protocol(protocol)
        self.best, self.protocol = float(best), protocol
        super().__init__(**kwargs)

    def describe(self) -> MetricDescription:
        """How to read it under this protocol."""
        found = super().describe()
        return replace(found, **_OFFICIAL) if self.protocol == "imug" else found

    def update(
        self,
        items: Items,
        masks: Tensor | Sequence[Any] | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            items: points `[N, P]` or `[B, T, P]` from 0 to `best`, or N lists of any length (or one list of these a
                dialogue), where None stands for a turn that was not judged and an empty list for one without points,
                which does not count.
            masks: bool in the form of `items`, the cells that are points; None: all are.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ or the protocol refuses a point.
        """
        points = read_items(items, masks)
        checks = item_check(points, self.best, self.protocol)
        self._add_items(points, self.best, checks, dialogue, turn, valid, lengths)
