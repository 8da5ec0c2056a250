# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""For tasks of lm-evaluation-harness: what their YAML names by `!function imug_metrics.integrations.lm_eval.NAME`.

These read documents with the fields `dialogue`, `turn`, `question`, `answer` and, if any, `options`. Where a task has
others, its `utils.py` makes the same functions with a `TaskScores` of its own. The harness is not imported.

Example:
    >>> doc = {"dialogue": "a", "turn": 1, "question": "Which? A. red B. blue", "answer": "B"}
    >>> values = process_results(doc, ["(B)"])
    >>> answer_accuracy([values["answer_accuracy"]])
    1.0
"""

from __future__ import annotations

from imug_metrics.integrations.task_scores import TaskScores as TaskScores

_scores = TaskScores()

check_docs = _scores.check_docs
process_results = _scores.process_results
process_likelihoods = _scores.process_likelihoods

answer_accuracy = _scores.aggregation("answer_accuracy")
answer_accuracy_lower = _scores.aggregation("answer_accuracy_lower")
answer_accuracy_upper = _scores.aggregation("answer_accuracy_upper")
answer_accuracy_slope = _scores.aggregation("answer_accuracy_slope")
answer_accuracy_slope_lower = _scores.aggregation("answer_accuracy_slope_lower")
answer_accuracy_slope_upper = _scores.aggregation("answer_accuracy_slope_upper")
answer_accuracy_coverage = _scores.aggregation("answer_accuracy_coverage")
answer_accuracy_n = _scores.aggregation("answer_accuracy_n")
