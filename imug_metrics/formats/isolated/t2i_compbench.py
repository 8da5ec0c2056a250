# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Results of T2I-CompBench: a list of `question_id` and `answer`, the score as text or number (vqa_result.json)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.isolated.item_score import ItemScore
from imug_metrics.formats.tables.rows import as_id, as_number
from imug_metrics.reading.files import Problems


def is_t2i_compbench(value: Any) -> bool:
    """Whether the first object of a file is one of such results.

    Example:
        >>> is_t2i_compbench({"question_id": 0, "answer": "0.9"}), is_t2i_compbench({"question_id": 0, "answer": "B"})
        (True, False)
    """
    return (
        isinstance(value, Mapping)
        and value.keys() == {"question_id", "answer"}
        and as_number(value["answer"]) is not None
    )


def read_t2i_compbench(path: Path, problems: Problems) -> Iterator[ItemScore]:
    """Scores by `question_id`, which is the place of the image among those of its category."""
    for line, row in json_rows(path, problems):
        item, score = as_id(row.get("question_id")), as_number(row.get("answer"))
        if item is None or score is None:
            problems.error(path, line, "question_id" if item is None else "answer", "expected an id and a score")
        else:
            yield ItemScore(item, score, line)
