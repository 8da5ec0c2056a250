# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The objects of outputs and of what was asked for, as metrics of objects take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imug_metrics.dialogues.record import Record, places
from imug_metrics.suite.answers import answered


def has_objects(record: Record) -> bool:
    """Whether a record says what its output shows or what it should.

    Example:
        >>> has_objects(Record("a", 1, "image", "A dog.", objects=["dog"])), has_objects(Record("a", 2, "text", "Why?"))
        (True, False)
    """
    return record.objects is not None or record.target_objects is not None


def object_columns(records: Sequence[Record]) -> dict[str, Any]:
    """Arguments of a metric of objects.

    Args:
        records: of `has_objects`; what a record does not say is None, and lowers the coverage. So does an empty list of
            objects beside neither an image nor an answer, or beside one that reports a failed turn: a detector that was
            given nothing finds nothing.

    Example:
        >>> found = object_columns([Record("a", 1, "image", "A dog.", objects=["dog", "cat"], target_objects=["dog"])])
        >>> found["preds"], found["target"]
        ([('dog', 'cat')], [('dog',)])
    """
    return {
        "preds": [record.objects if _is_there(record) else None for record in records],
        "target": [record.target_objects for record in records],
        **places(records),
    }


def _is_there(record: Record) -> bool:
    return bool(record.objects) or record.image is not None or answered(record)
