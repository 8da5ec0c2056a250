# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows by number. A number that is none, -1 or one that no check on a device has refused, is never read from."""

from __future__ import annotations

import torch
from torch import Tensor


def existing(index: Tensor, count: int) -> Tensor:
    """Return which of the numbers ``index`` are those of one of ``count`` rows."""
    return (index >= 0) & (index < count)


def gather_rows(rows: Tensor, index: Tensor) -> Tensor:
    """Return the rows of the numbers ``index [R]``, and some other where there is none; there is at least one row."""
    return rows.index_select(0, index.long().clamp(0, len(rows) - 1))


def few_pairs(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns where ``mask [a, b]`` is set, as `torch.nonzero` does, sooner where few are.

    It looks at eight at a time.
    """
    flat = mask.flatten()
    whole = len(flat) // 8 * 8
    words = flat[:whole].view(torch.int64).nonzero()
    places = torch.cat([(8 * words + torch.arange(8)).flatten(), torch.arange(whole, len(flat))])
    places = places[flat[places]]
    return places // mask.shape[1], places % mask.shape[1]
