# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Pure functions: tensors and strings in, tensors out; the twins of the metric classes."""

from imug_metrics.functional.accuracy import answer_accuracy
from imug_metrics.functional.alignment import turn_alignment, turn_retrieval
from imug_metrics.functional.consistency import turn_consistency, turn_copies
from imug_metrics.functional.decay import turn_decay
from imug_metrics.functional.exposure import exposure_bias, pair_records, paired_gain

__all__ = [
    "answer_accuracy",
    "exposure_bias",
    "pair_records",
    "paired_gain",
    "turn_alignment",
    "turn_consistency",
    "turn_copies",
    "turn_decay",
    "turn_retrieval",
]
