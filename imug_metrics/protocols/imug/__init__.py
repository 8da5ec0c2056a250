# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""IMUG-Bench (arXiv 2606.09169): its file layout read as records, its text scores and its summary."""

from imug_metrics.protocols.files import Problem, Problems
from imug_metrics.protocols.imug.benchmark import (
    CLASSES,
    LINKS,
    SAMPLES,
    Reference,
    Sample,
    Task,
    read_benchmark,
    read_classes,
)
from imug_metrics.protocols.imug.judged import JudgedPicture, key_file, point_file, read_keys, read_points
from imug_metrics.protocols.imug.outputs import list_models, read_records
from imug_metrics.protocols.imug.summary import (
    TurnScore,
    describe_contents,
    official_contents,
    score_texts,
    summarize,
    text_rows,
    to_markdown,
    turn_scores,
)

__all__ = [
    "CLASSES",
    "LINKS",
    "SAMPLES",
    "JudgedPicture",
    "Problem",
    "Problems",
    "Reference",
    "Sample",
    "Task",
    "TurnScore",
    "describe_contents",
    "key_file",
    "list_models",
    "official_contents",
    "point_file",
    "read_benchmark",
    "read_classes",
    "read_keys",
    "read_points",
    "read_records",
    "score_texts",
    "summarize",
    "text_rows",
    "to_markdown",
    "turn_scores",
]
