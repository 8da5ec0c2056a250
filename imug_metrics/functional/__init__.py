# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Pure functions: tensors and strings in, tensors out; the twins of the metric classes."""

from imug_metrics.functional.accuracy import answer_accuracy
from imug_metrics.functional.alignment import turn_alignment, turn_retrieval
from imug_metrics.functional.consistency import turn_consistency, turn_copies
from imug_metrics.functional.context import context_decay, effective_length, ranked_average
from imug_metrics.functional.correction import relative_correction, self_correction
from imug_metrics.functional.decay import turn_decay
from imug_metrics.functional.distribution import turn_distribution_shift
from imug_metrics.functional.exposure import exposure_bias, pair_records, paired_gain
from imug_metrics.functional.flips import flips, turn_of_flip
from imug_metrics.functional.gap import understanding_generation_gap
from imug_metrics.functional.grid import grid_accuracy, grid_points
from imug_metrics.functional.loops import loop_convergence
from imug_metrics.functional.points import point_score
from imug_metrics.functional.reliability import reliability
from imug_metrics.functional.self_bias import self_bias
from imug_metrics.functional.specificity import verdict_specificity
from imug_metrics.functional.sycophancy import abandonment, sycophancy
from imug_metrics.functional.verification import permissiveness_drift, self_verification

__all__ = [
    "abandonment",
    "answer_accuracy",
    "context_decay",
    "effective_length",
    "exposure_bias",
    "flips",
    "grid_accuracy",
    "grid_points",
    "loop_convergence",
    "pair_records",
    "paired_gain",
    "permissiveness_drift",
    "point_score",
    "ranked_average",
    "relative_correction",
    "reliability",
    "self_bias",
    "self_correction",
    "self_verification",
    "sycophancy",
    "turn_alignment",
    "turn_consistency",
    "turn_copies",
    "turn_decay",
    "turn_distribution_shift",
    "turn_of_flip",
    "turn_retrieval",
    "understanding_generation_gap",
    "verdict_specificity",
]
