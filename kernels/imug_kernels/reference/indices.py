# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows by number. A number that is none, -1 or one that no check on a device has refused, is never read from."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def existing(index: Tensor, count: int) -> Tensor:
    """Return which of the numbers ``index`` are those of one of ``count`` rows."""
    return (index >= 0) & (index < count)


def gather_rows(rows: Tensor, index: Tensor) -> Tensor:
    """Return the rows of the numbers ``index [R]``, and some other where there is none; there is at least one row."""
    return rows.index_select(0, index.long().clamp(0, len(rows) - 1))


def gathered_chunks(rows: Tensor, index: Tensor | None, step: int) -> Iterator[Tensor]:
    """Yield so many rows at a time, all of them or those of the numbers ``index``, as `gather_rows` gives them."""
    if index is None:
        return iter(torch.split(rows, step))
    return (gather_rows(rows, part) for part in torch.split(index, step))


def few_pairs(mask: Tensor, most: int) -> tuple[Tensor, Tensor] | None:
    """Return rows and columns where ``mask [a, b]`` is set, or None if they are more than ``most``.

    `torch.nonzero` takes four times as long where few are. This looks at eight at a time, so the memory of ``mask`` has
    to begin with it.
    """
    flat = mask.flatten()
    whole = len(flat) // 8 * 8
    words = flat[:whole].view(torch.int64).nonzero()
    if len(words) > most:
        return None
    places = torch.cat([(8 * words + torch.arange(8)).flatten(), torch.arange(whole, len(flat))])
    places = places[flat[places]]
    return None if len(places) > most else (places // mask.shape[1], places % mask.shape[1])
