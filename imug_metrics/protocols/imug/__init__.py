# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""IMUG-Bench (arXiv 2606.09169): its file layout read as records, its judge, its scores and its summary."""

from imug_metrics.protocols.imug.benchmark import Benchmark, read_benchmark
from imug_metrics.protocols.imug.board import Board, read_board
from imug_metrics.protocols.imug.grid import board_codes, board_points, is_grid
from imug_metrics.protocols.imug.judged import (
    JudgedImage,
    key_file,
    point_file,
    read_keys,
    read_points,
    write_keys,
    write_points,
)
from imug_metrics.protocols.imug.judging import Failure, Judgements, grid_scores, judge_model
from imug_metrics.protocols.imug.outputs import list_models, read_records
from imug_metrics.protocols.imug.prompts import OfficialPrompts, OwnPrompts, Prompts
from imug_metrics.protocols.imug.rules import RULES, Rule
from imug_metrics.protocols.imug.samples import CLASSES, LINKS, SAMPLES, Reference, Sample, Task, read_classes
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
from imug_metrics.reading.files import Problem, Problems

__all__ = [
    "CLASSES",
    "LINKS",
    "RULES",
    "SAMPLES",
    "Benchmark",
    "Board",
    "Failure",
    "JudgedImage",
    "Judgements",
    "OfficialPrompts",
    "OwnPrompts",
    "Problem",
    "Problems",
    "Prompts",
    "Reference",
    "Rule",
    "Sample",
    "Task",
    "TurnScore",
    "board_codes",
    "board_points",
    "describe_contents",
    "grid_scores",
    "is_grid",
    "judge_model",
    "key_file",
    "list_models",
    "official_contents",
    "point_file",
    "read_benchmark",
    "read_board",
    "read_classes",
    "read_keys",
    "read_points",
    "read_records",
    "score_texts",
    "summarize",
    "text_rows",
    "to_markdown",
    "turn_scores",
    "write_keys",
    "write_points",
]
