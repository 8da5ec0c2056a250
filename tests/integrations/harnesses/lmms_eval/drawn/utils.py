# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What `drawn.yaml` names: images that the model makes, compared with prompts and with each other."""

from imug_metrics import TurnAlignment, TurnConsistency
from imug_metrics.integrations.lmms_eval import TaskScores

scores = TaskScores(
    ("turn_consistency", "turn_consistency_coverage", "turn_alignment", "turn_alignment_slope"),
    key=None,
    metrics=[TurnConsistency(detail=True), TurnAlignment(detail=True)],
    encoder="scene",
    images="images",
)
check_docs, process_results = scores.check_docs, scores.process_results
turn_consistency = scores.aggregation("turn_consistency")
turn_consistency_coverage = scores.aggregation("turn_consistency_coverage")
turn_alignment = scores.aggregation("turn_alignment")
turn_alignment_slope = scores.aggregation("turn_alignment_slope")
