# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows by number. A number that is none, -1 or one that no check on a device has refused, is never read from."""

from __future__ import annotations

from torch import Tensor


def existing(index: Tensor, count: int) -> Tensor:
    """Return which of the numbers ``index`` are those of one of ``count`` rows."""
    return (index >= 0) & (index < count)


def gather_rows(rows: Tensor, index: Tensor) -> Tensor:
    """Return the rows of the numbers ``index [R]``, and some other where there is none; there is at least one row."""
    return rows.index_select(0, index.long().clamp(0, len(rows) - 1))
