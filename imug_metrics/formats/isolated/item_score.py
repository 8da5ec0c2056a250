# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One item of a result file."""

from __future__ import annotations

from typing import NamedTuple


class ItemScore(NamedTuple):
    """A score, and where it was read.

    Attributes:
        item: id of the item, as text.
        score: NaN where it has none.
        line: of the file, from 1; None where it has no lines.
    """

    item: str
    score: float
    line: int | None = None
