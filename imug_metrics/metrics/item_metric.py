# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class of metrics of several numbers a record, whose mean is the record's score."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.checks import Check
from imug_metrics.functional.answers.point_score import Points, item_columns
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms


class ItemMetric(DialogueMetric):
    """What metrics of items share: the mean of each record's items, the share of full records, the mean over items."""

    def _add_items(
        self, points: Points, best: float, checks: Sequence[Check], dialogue: Any, turn: Any, valid: Any, lengths: Any
    ) -> None:
        """Add items, the best of which are `best`; a record without any does not count."""
        columns = item_columns(points, best, checks, self.detail)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        blank = inputs.columns["blank"]
        scores = inputs.batch.present(inputs.columns["scores"]).masked_fill(blank, torch.nan)
        self._add(inputs.batch, scores, ~blank, self._terms(inputs.columns, scores) if self.detail else None)

    def _terms(self, columns: dict[str, Tensor], scores: Tensor) -> Terms:
        """The share of full records, and the mean over items."""
        skipped = scores.isnan()
        full = (scores >= 1).double().masked_fill(skipped, torch.nan)
        items = columns["total"].masked_fill(skipped, 0), columns["count"].masked_fill(skipped, 0)
        return Terms({"full": full}, ratios={"point": items})

    def _ratios(self) -> list[str]:
        return ["full", "point"]
