# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records in, every metric out: each distinct image and text is encoded once."""

from imug_metrics.dialogues.record import FAILED, Record
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.suite.answers import answer_values, with_key
from imug_metrics.suite.histories import compare_histories
from imug_metrics.suite.items import ITEM_SCORES
from imug_metrics.suite.scores import ModelScores, metric_scores
from imug_metrics.suite.scoring import score_records
from imug_metrics.suite.standard import Given, named_metrics, standard_metrics
from imug_metrics.suite.suite import ImugSuite
from imug_metrics.suite.unread import AnswersRead, UnreadAnswer, answers_read

__all__ = [
    "FAILED",
    "ITEM_SCORES",
    "AnswersRead",
    "FunctionMetric",
    "Given",
    "ImugSuite",
    "ModelScores",
    "Record",
    "UnreadAnswer",
    "answer_values",
    "answers_read",
    "compare_histories",
    "metric_scores",
    "named_metrics",
    "score_records",
    "standard_metrics",
    "with_key",
]
