# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Boards of 3 x 3 cells found in images, turn by turn."""

from collections.abc import Sequence
from typing import Any

import torch
from einops import reduce
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.columns import SHARE, Column
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.answers.grid_accuracy import Codes, board_checks, first_points, read_boards
from imug_metrics.functional.answers.protocol import PROTOCOLS, Protocol
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, within

_STEPS = ("found", "pattern", "red", "green")


class GridAccuracy(DialogueMetric):
    """How much of a drawn board is right: mean of its points. Range 0 to 1, higher is better.

    Mean over boards of (points that are met) / (points of the task), by the grid scorer of IMUG-Bench (arXiv
    2606.09169): 1 a board was found, 2 the filled cells are the right ones, 3 the red cells are, 4 the green cells are;
    where 2 is not met, neither are 3 and 4. The functional counterpart is `grid_accuracy`. The detail adds the share of
    boards that meet each point, among the boards whose task has it: `grid_accuracy_found`, `_pattern`, `_red`,
    `_green`, and `grid_accuracy_cell`, the share of the nine cells that are right (0 where no board was found), which
    falls slowly where the points fall at once.

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        protocol: `"strict"` or `"imug"`, as in the functional counterpart.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[2, 0, 0], [0, 3, 0], [0, 0, 1]]]).expand(2, 3, 3)
        >>> preds = torch.stack([target[0], target[0].clamp(max=1)])  # the second board lacks its colours
        >>> metric = GridAccuracy()
        >>> metric.update(preds, target, dialogue=["a", "a"], turn=[1, 2])
        >>> metric.compute()
        tensor(0.7500, dtype=torch.float64)
    """

    name = "grid_accuracy"
    description = MetricDescription(
        label="Boards",
        noun="board accuracy",
        unit="share",
        measures="mean of a board's points",
        span="0 to 1",
        direction="higher is better",
        meaning="Share of the points of a board of 3 x 3 cells that its image gets right.",
        misleads="One wrong cell costs every point after the first, and the detection is scored as well: another "
        "style of drawing can lose here without being wrong.",
    )
    configuration = (*DialogueMetric.configuration, "protocol")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", *_STEPS, "cell")

    def __init__(self, *, protocol: Protocol = "strict", **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("protocol", protocol, PROTOCOLS)
        self.protocol = protocol
        super().__init__(**kwargs)

    def update(
        self,
        preds: Codes,
        target: Codes,
        counts: Tensor | Sequence[Any] | int = 4,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: integer codes `[N, 3, 3]` or `[B, T, 3, 3]`: 0 empty, 1 filled, 2 red, 3 green; nine times -1 where
                the image holds no board. `imug_metrics.protocols.imug` reads them from images. Where there is no image,
                `valid` is False, or a list holds None.
            target: codes of the right boards, of the same shape, without -1; in a list None where not known.
            counts: points of the task, one number or integers `[N]` or `[B, T]`.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, codes are not integers or unknown, or a count is negative.
        """
        boards = read_boards(preds, target, counts)
        cells, wanted, number, shape = boards.preds, boards.target, boards.counts, boards.shape
        drawn, *others = board_checks(boards)
        present = None if boards.present is None else boards.present.view(shape)
        points = first_points(cells, wanted, number, protocol=self.protocol)
        counted = (points == points).sum(1) + (number - 4).clamp_min(0)  # points beyond the fourth are never met
        # A task without points has no score, which is not the same as an absent image.
        blank = counted == 0
        columns = {
            "scores": Column(
                (points.nansum(1) / counted).masked_fill(blank, 0),
                shape,
                present,
                boards.ends,
                (drawn,),
                argument="preds",
            ),
            "blank": Column(blank, shape, checks=tuple(others)),
        }
        if self.detail:
            right = reduce((cells == wanted).double(), "n row column -> n", "mean")
            columns |= {"steps": Column(points[:, : len(_STEPS)], shape), "cell": Column(right, shape)}
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        blank = inputs.columns["blank"]
        scores = inputs.batch.present(inputs.columns["scores"]).masked_fill(blank, torch.nan)
        self._add(inputs.batch, scores, ~blank, self._terms(inputs) if self.detail else None)

    def _terms(self, inputs: PackedInputs) -> Terms:
        """Shares of boards by point, and of cells."""
        columns = inputs.columns
        shares = dict(zip(_STEPS, columns["steps"].unbind(1)))
        shares["cell"] = columns["cell"].masked_fill(columns["blank"], torch.nan)
        return Terms({name: inputs.batch.present(values) for name, values in shares.items()})

    def _ratios(self) -> list[str]:
        return [*_STEPS, "cell"]
