# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction tables of VLMEvalKit: `index`, `question`, `answer`, options, `prediction`, as xlsx, tsv or csv."""

from __future__ import annotations

from collections.abc import Collection


def is_vlmevalkit(names: Collection[str]) -> bool:
    """Whether these are the columns of such a table.

    Example:
        >>> is_vlmevalkit(["index", "question", "A", "B", "answer", "prediction"]), is_vlmevalkit(["id", "prediction"])
        (True, False)
    """
    return {"index", "question", "prediction"} <= {*names}
