# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Boards of 3 x 3 cells found in images, turn by turn."""

from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import Column
from imug_metrics.functional.answers.grid_accuracy import BEST, PROTOCOLS, Protocol, grid_points
from imug_metrics.metrics.dialogue_metric import DialogueMetric, check_choice
from imug_metrics.metrics.options import MetricOptions

_STEPS = ("found", "pattern", "red", "green")


class GridAccuracy(DialogueMetric):
    """How much of a drawn board is right: mean of its points. Range 0 to 1, higher is better.

    The functional counterpart is `grid_accuracy`, which says what the points
    are. The detail adds the share of boards that meet each of them, among the boards whose task has it:
    `grid_accuracy_found`, `_pattern`, `_red`, `_green`, and `grid_accuracy_cell`, the share of the nine cells that are
    right (0 where no board was found), which falls slowly where the points fall at once.

    As input to `forward` and `update` the metric accepts

    - `detected`: integer codes `[N, 3, 3]` or `[B, T, 3, 3]`: 0 empty, 1 filled, 2 red, 3 green; nine times -1 where
      the image holds no board. `imug_metrics.protocols.imug` reads them from images
    - `target`: codes of the right boards, of the same shape
    - `point_count`: points of the task, one number or of shape `[N]` or `[B, T]`
    - `dialogue`, `turn`, `valid`: see `align_rows`; where there is no image,
      `valid` is False

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`.

    Args:
        protocol: `"strict"` or `"imug"`, as in the functional counterpart.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range, shapes differ, or a code is unknown.
        TypeError: if codes are not integers.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[2, 0, 0], [0, 3, 0], [0, 0, 1]]]).expand(2, 3, 3)
        >>> detected = torch.stack([target[0], target[0].clamp(max=1)])  # the second board lacks its colours
        >>> metric = GridAccuracy()
        >>> metric.update(detected, target, dialogue=["a", "a"], turn=[1, 2])
        >>> metric.compute()
        tensor(0.7500, dtype=torch.float64)
    """

    name = "grid_accuracy"
    configuration = (*DialogueMetric.configuration, "protocol")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    def __init__(self, *, protocol: Protocol = "strict", **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("protocol", protocol, PROTOCOLS)
        self.protocol = protocol
        super().__init__(**kwargs)

    def update(
        self,
        detected: Tensor,
        target: Tensor,
        point_count: Tensor | int = 4,
        dialogue: Any = None,
        turn: Any = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        shape = tuple(detected.shape[:-2])
        counts = torch.as_tensor(point_count).expand(shape).flatten()
        cells, wanted = (codes.flatten(0, -3) if codes.ndim == 4 else codes for codes in (detected, target))
        points = grid_points(cells, wanted, counts, protocol=self.protocol) / BEST
        right = (cells == wanted).flatten(1).double().mean(1)
        # A task without points has no score, which is not the same as an absent image.
        scores, blank = points.nanmean(1), points.isnan().all(1)
        inputs = self._pack(
            dialogue,
            turn,
            None,
            valid,
            scores=Column(scores.masked_fill(blank, 0), shape),
            blank=Column(blank, shape),
            steps=Column(points[:, : len(_STEPS)], shape),
            cells=Column(right, shape),
        )
        self._add_boards(inputs.batch, **inputs.columns)

    def _add_boards(self, batch: Any, scores: Tensor, blank: Tensor, steps: Tensor, cells: Tensor) -> None:
        shares = {**dict(zip(_STEPS, steps.unbind(1))), "cell": cells.masked_fill(blank, torch.nan)}
        ratios = {}
        for name, values in shares.items():
            there = batch.valid & ~values.isnan()
            ratios[name] = (batch.sum_segments(values.masked_fill(~there, 0)), batch.sum_segments(there.double()))
        self._add(batch, scores.masked_fill(~batch.valid | blank, torch.nan), expected=~blank, ratios=ratios)

    def _ratios(self) -> list[str]:
        return [*_STEPS, "cell"]
