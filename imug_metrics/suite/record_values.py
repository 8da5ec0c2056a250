# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a metric makes of every single record, taken from its update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


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
    add = getattr(metric, "_add", None)
    if add is None:
        yield seen
        return

    def watched(batch: Any, values: Tensor, *more: Any, **options: Any) -> None:
        found = values.detach().double()
        seen.append(torch.full_like(found, torch.nan).index_copy(0, batch.order, found))
        add(batch, values, *more, **options)

    vars(metric)["_add"] = watched
    try:
        yield seen
    finally:
        del vars(metric)["_add"]
