# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The last step of every functional metric: values as they are, or their mean."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch


def reduce_values(values: Tensor, reduction: str) -> Tensor:
    """Values with NaN where undefined, or the mean of those that are defined (NaN when none is).

    Raises:
        ValueError: if `reduction` is neither `"none"` nor `"mean"`.

    Example:
        >>> import torch
        >>> reduce_values(torch.tensor([1.0, torch.nan, 0.5]), "mean")
        tensor(0.7500)
    """
    if reduction not in ("mean", "none"):
        raise ValueError(f"Expected argument `reduction` to be 'mean' or 'none', got {reduction!r}.")
    return values.nanmean() if reduction == "mean" else values


def column_means(
    batch: DialogueBatch, columns: dict[str, Tensor], by_dialogue: bool = False
) -> dict[str, tuple[Tensor, Tensor]]:
    """Sums and weights by segment `[S]` whose ratio, once summed, is each column's mean over the records that have it.

    Args:
        batch: the packed dialogues.
        columns: by name, packed values `[N]`, NaN where undefined.
        by_dialogue: every dialogue weighs alike, and not every record.

    Example:
        >>> from imug_metrics.dialogues.batch import pack
        >>> batch = pack(torch.tensor([0, 0, 1]), torch.tensor([1, 2, 1]))
        >>> column_means(batch, {"a": torch.tensor([0.0, 1.0, torch.nan])})["a"]
        (tensor([1., 0.], dtype=torch.float64), tensor([2., 0.], dtype=torch.float64))
    """
    values = torch.stack([column.double() for column in columns.values()], 1)
    weight = (~values.isnan()).double()
    if by_dialogue:
        count = batch.sum_dialogues(batch.sum_segments(weight))
        weight = weight / count.clamp_min(1)[batch.owner[batch.segment]]
    total, weight = batch.sum_segments(weight * values.nan_to_num(0)), batch.sum_segments(weight)
    return {name: (total[:, i], weight[:, i]) for i, name in enumerate(columns)}
