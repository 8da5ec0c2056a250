# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What `my_dialogues.yaml` names: which fields of its documents hold what."""

from imug_metrics.integrations.lm_eval import TaskScores

scores = TaskScores(
    ("answer_accuracy", "answer_accuracy_slope"),
    dialogue="session",
    turn=lambda doc: doc["round"] + 1,
    prompt="question",
    key="answer",
)
check_docs, process_results = scores.check_docs, scores.process_results
answer_accuracy = scores.aggregation("answer_accuracy")
answer_accuracy_slope = scores.aggregation("answer_accuracy_slope")
