# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Ids of dialogues that nobody named, from what they hold."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.batch import DialogueBatch

_FACTOR = 0x9E3779B97F4A7C15 - (1 << 64)  # odd: the golden ratio's bits
_LARGEST = 2**53 - 1  # a whole number that float64 holds


def content_ids(batch: DialogueBatch, rows: Tensor) -> Tensor:
    """Ids int64 `[G]`, whole numbers below 2**53, from all rows of each dialogue: two with the same rows are one.

    Args:
        batch: the packed dialogues.
        rows: float64 `[N, D]`, packed.

    Example:
        >>> from imug_metrics.dialogues.columns import embedding_column
        >>> from imug_metrics.dialogues.inputs import pack_inputs
        >>> rows = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]], [[1.0, 2.0]]]).double()
        >>> inputs = pack_inputs({"images": embedding_column("images", rows)})
        >>> first, second, third = content_ids(inputs.batch, inputs.columns["images"]).tolist()
        >>> first == third, first == second
        (True, False)
    """
    bits = (rows + 0.0).view(torch.int64)  # of -0.0 those of 0.0
    bits = bits ^ (bits >> 52)  # sign and exponent are at the top, and a whole number below 2**53 has no room for it
    by_row = (bits * constant(_factors, bits.shape[1], like=bits)).sum(1) ^ (batch.turn * _FACTOR)
    by_dialogue = torch.zeros_like(batch.ids).index_put((batch.spread(batch.owner),), by_row, accumulate=True)
    return by_dialogue & _LARGEST


def _factors(count: int, device: torch.device) -> Tensor:
    """Odd numbers, of which no small multiples add up to one another."""
    return torch.tensor([pow(_FACTOR, power, 2**63) for power in range(1, count + 1)], device=device)
