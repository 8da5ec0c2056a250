# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SpecV (ECCV 2026, yuyouxixi/SpecV): tasks, checklists, outputs and judged answers, and their scores."""

from imug_metrics.protocols.specv.official import (
    ModelScores,
    ReleasedStopError,
    TaskScore,
    official_scores,
    ranking,
    released_files,
)
from imug_metrics.protocols.specv.outputs import OUTPUTS, Output, output_records, read_outputs
from imug_metrics.protocols.specv.strict import Differences, item_weights, read_answers, strict_scores
from imug_metrics.protocols.specv.tasks import Item, Task, TaskKey, plain_answer, read_tasks
from imug_metrics.protocols.specv.tracks import TRACKS, Track

__all__ = [
    "OUTPUTS",
    "TRACKS",
    "Differences",
    "Item",
    "ModelScores",
    "Output",
    "ReleasedStopError",
    "Task",
    "TaskKey",
    "TaskScore",
    "Track",
    "item_weights",
    "official_scores",
    "output_records",
    "plain_answer",
    "ranking",
    "read_answers",
    "read_outputs",
    "read_tasks",
    "released_files",
    "strict_scores",
]
