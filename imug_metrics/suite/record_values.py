# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a metric makes of every single record, taken from its update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torchmetrics import Metric

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.metrics.dialogue_metric import DialogueMetric


@contextmanager
def record_values(metric: Metric) -> Iterator[list[Tensor]]:
    """The values `[N]` of the rows of each update within, in the order in which they came; NaN where undefined.

    Args:
        metric: one that hands a value a record on to its sums gives them; of any other nothing comes.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> metric = TurnDecay()
        >>> with record_values(metric) as seen:
        ...     metric.update([0.5, 1.0], dialogue=[1, 1], turn=[2, 1])
        >>> seen
        [tensor([0.5000, 1.0000], dtype=torch.float64)]
    """
    seen: list[Tensor] = []
    if not isinstance(metric, DialogueMetric):
        yield seen
        return

    def keep(batch: DialogueBatch, values: Tensor) -> None:
        found = values.detach().double()
        seen.append(torch.full_like(found, torch.nan).index_copy(0, batch.order, found))

    metric.on_values = keep
    try:
        yield seen
    finally:
        metric.on_values = None
