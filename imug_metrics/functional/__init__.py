# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Pure functions: tensors and strings in, tensors out; the twins of the metric classes."""

from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
from imug_metrics.functional.answers.grid_accuracy import grid_accuracy, grid_points
from imug_metrics.functional.answers.point_score import point_score
from imug_metrics.functional.decay.context_decay import context_decay, effective_length, ranked_average
from imug_metrics.functional.decay.exposure_bias import exposure_bias
from imug_metrics.functional.decay.paired_gain import pair_records, paired_gain
from imug_metrics.functional.decay.turn_decay import turn_decay
from imug_metrics.functional.decay.understanding_generation_gap import understanding_generation_gap
from imug_metrics.functional.images.turn_alignment import turn_alignment
from imug_metrics.functional.images.turn_consistency import turn_consistency, turn_copies
from imug_metrics.functional.images.turn_distribution_shift import turn_distribution_shift
from imug_metrics.functional.images.turn_retrieval import turn_retrieval
from imug_metrics.functional.interleaved.interleaved_coherence import interleaved_coherence
from imug_metrics.functional.interleaved.semantic_quality import semantic_quality
from imug_metrics.functional.interleaved.structure_integrity import structure_integrity
from imug_metrics.functional.scaling.adaptive_policy import best_policy, learn_rule, policy_regret
from imug_metrics.functional.scaling.best_of_n import best_of_n, best_of_n_curve, pass_at_k
from imug_metrics.functional.scaling.selection import selection
from imug_metrics.functional.scaling.strategy_comparison import pareto_front, strategy_gains
from imug_metrics.functional.scaling.verifier_curve import rejection_sampling, verified_accuracy, verifier_roc
from imug_metrics.functional.self_evaluation.loop_convergence import loop_convergence
from imug_metrics.functional.self_evaluation.self_bias import self_bias
from imug_metrics.functional.self_evaluation.self_correction import relative_correction, self_correction
from imug_metrics.functional.self_evaluation.self_verification import permissiveness_drift, self_verification
from imug_metrics.functional.self_evaluation.sycophancy import abandonment, sycophancy
from imug_metrics.functional.self_evaluation.turn_of_flip import flips, turn_of_flip
from imug_metrics.functional.self_evaluation.verdict_specificity import verdict_specificity
from imug_metrics.functional.trust.metric_agreement import metric_agreement
from imug_metrics.functional.trust.reliability import reliability

__all__ = [
    "abandonment",
    "answer_accuracy",
    "best_of_n",
    "best_of_n_curve",
    "best_policy",
    "context_decay",
    "effective_length",
    "exposure_bias",
    "flips",
    "grid_accuracy",
    "grid_points",
    "interleaved_coherence",
    "learn_rule",
    "loop_convergence",
    "metric_agreement",
    "pair_records",
    "paired_gain",
    "pareto_front",
    "pass_at_k",
    "permissiveness_drift",
    "point_score",
    "policy_regret",
    "ranked_average",
    "rejection_sampling",
    "relative_correction",
    "reliability",
    "selection",
    "self_bias",
    "self_correction",
    "self_verification",
    "semantic_quality",
    "strategy_gains",
    "structure_integrity",
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
    "verified_accuracy",
    "verifier_roc",
]
