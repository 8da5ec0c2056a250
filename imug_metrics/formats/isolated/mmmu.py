# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Results of MMMU: a list of answered questions with what a judge made of them, `judge`: "Correct" or "Wrong"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.isolated.item_score import ItemScore
from imug_metrics.formats.tables.rows import as_id
from imug_metrics.reading.files import Problems

_SCORES = {"correct": 1.0, "wrong": 0.0}


def is_mmmu(value: Any) -> bool:
    """Whether the first object of a file is one of such results.

    Example:
        >>> is_mmmu({"id": "validation_Math_1", "judge": "Correct"}), is_mmmu({"id": "a", "score": 1})
        (True, False)
    """
    return isinstance(value, Mapping) and "id" in value and str(value.get("judge", "")).lower() in _SCORES


def read_mmmu(path: Path, problems: Problems) -> Iterator[ItemScore]:
    """1 for each question that was judged correct, 0 for each that was judged wrong, by `id`."""
    for line, row in json_rows(path, problems):
        item, judge = as_id(row.get("id")), str(row.get("judge", "")).lower()
        if item is None or judge not in _SCORES:
            field, expected = ("id", "an id") if item is None else ("judge", "Correct or Wrong")
            problems.error(path, line, field, f"expected {expected}")
        else:
            yield ItemScore(item, _SCORES[judge], line)
