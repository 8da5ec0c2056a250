# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SpecV (ECCV 2026): its tasks, outputs and judged checklists read, and its scores and rankings number for number."""

from imug_metrics.protocols.specv.differences import RULES, Difference, Rule, differences
from imug_metrics.protocols.specv.names import TRACKS, TaskKey, Track, find_track
from imug_metrics.protocols.specv.outputs import Output, output_records, read_outputs
from imug_metrics.protocols.specv.results import JudgedItem, ModelResults, Result, list_models, read_results
from imug_metrics.protocols.specv.scoring import (
    OfficialError,
    OfficialScores,
    Ranked,
    TaskScore,
    official_files,
    official_rankings,
    official_scores,
)
from imug_metrics.protocols.specv.strict import StrictScore, TaskShare, strict_scores, task_shares
from imug_metrics.protocols.specv.tasks import Item, Task, read_tasks

__all__ = [
    "RULES",
    "TRACKS",
    "Difference",
    "Item",
    "JudgedItem",
    "ModelResults",
    "OfficialError",
    "OfficialScores",
    "Output",
    "Ranked",
    "Result",
    "Rule",
    "StrictScore",
    "Task",
    "TaskKey",
    "TaskScore",
    "TaskShare",
    "Track",
    "differences",
    "find_track",
    "list_models",
    "official_files",
    "official_rankings",
    "official_scores",
    "output_records",
    "read_outputs",
    "read_results",
    "read_tasks",
    "strict_scores",
    "task_shares",
]
