# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics for multi-turn, interleaved text-image dialogues of unified multimodal models.

This is the one list of public names: every metric class, and the functions, which `imug_metrics.functional` gives too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imug_metrics._torchvision import define_missing_torchvision_ops

define_missing_torchvision_ops()  # before torchmetrics, which imports torchvision where it is installed

from imug_metrics._version import __version__
from imug_metrics.dialogues.batch_sampler import DialogueBatchSampler
from imug_metrics.dialogues.gathering import gather_dialogues
from imug_metrics.dialogues.record import Record
from imug_metrics.dialogues.rollout import RolloutBuffer
from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
from imug_metrics.functional.answers.checklist_score import checklist_score
from imug_metrics.functional.answers.grid_accuracy import grid_accuracy, grid_points
from imug_metrics.functional.answers.point_score import point_score
from imug_metrics.functional.decay.context_decay import context_decay, effective_length, ranked_average
from imug_metrics.functional.decay.context_forgetting import context_forgetting
from imug_metrics.functional.decay.exposure_bias import exposure_bias, own_history_share, scheduled_sampling
from imug_metrics.functional.decay.modality_compliance import modality_compliance
from imug_metrics.functional.decay.object_hallucination import object_hallucination
from imug_metrics.functional.decay.paired_gain import pair_records, paired_gain
from imug_metrics.functional.decay.recency_reliance import recency_reliance
from imug_metrics.functional.decay.switch_cost import switch_cost
from imug_metrics.functional.decay.turn_cost import turn_cost
from imug_metrics.functional.decay.turn_decay import turn_decay
from imug_metrics.functional.decay.understanding_generation_gap import understanding_generation_gap
from imug_metrics.functional.images.copy_guard import copy_guard, near_duplicates
from imug_metrics.functional.images.edit_locality import edit_locality
from imug_metrics.functional.images.identity_verification import (
    identity_pairs,
    identity_verification,
    verification_curve,
    verification_histograms,
    verification_scores,
)
from imug_metrics.functional.images.perceptual_drift import perceptual_drift
from imug_metrics.functional.images.sample_diversity import sample_diversity
from imug_metrics.functional.images.style_drift import style_drift
from imug_metrics.functional.images.subject_consistency import subject_consistency
from imug_metrics.functional.images.turn_alignment import turn_alignment
from imug_metrics.functional.images.turn_consistency import turn_consistency, turn_copies
from imug_metrics.functional.images.turn_distribution_shift import turn_distribution_shift
from imug_metrics.functional.images.turn_diversity import turn_diversity
from imug_metrics.functional.images.turn_retrieval import turn_retrieval
from imug_metrics.functional.interleaved.interleaved_coherence import interleaved_coherence
from imug_metrics.functional.interleaved.semantic_quality import semantic_quality
from imug_metrics.functional.interleaved.structure_integrity import structure_integrity
from imug_metrics.functional.scaling.adaptive_policy import adaptive_policy, best_policy, learn_rule
from imug_metrics.functional.scaling.best_of_n import best_of_n, best_of_n_curve, pass_at_k
from imug_metrics.functional.scaling.selection import selection
from imug_metrics.functional.scaling.strategy_comparison import pareto_front, strategy_comparison
from imug_metrics.functional.scaling.verifier_curve import rejection_sampling, verified_accuracy, verifier_curve
from imug_metrics.functional.self_evaluation.fault_localization import fault_localization
from imug_metrics.functional.self_evaluation.loop_convergence import loop_convergence
from imug_metrics.functional.self_evaluation.repair_gain import gain_per_cost, repair_gain
from imug_metrics.functional.self_evaluation.self_bias import self_bias
from imug_metrics.functional.self_evaluation.self_correction import relative_correction, self_correction
from imug_metrics.functional.self_evaluation.self_verification import permissiveness_drift, self_verification
from imug_metrics.functional.self_evaluation.sycophancy import abandonment, sycophancy
from imug_metrics.functional.self_evaluation.trace_compliance import trace_compliance
from imug_metrics.functional.self_evaluation.trace_support import trace_support
from imug_metrics.functional.self_evaluation.turn_of_flip import flips, turn_of_flip
from imug_metrics.functional.self_evaluation.verdict_specificity import verdict_specificity
from imug_metrics.functional.trust.judge_stability import judge_stability
from imug_metrics.functional.trust.metric_agreement import metric_agreement
from imug_metrics.functional.trust.reliability import reliability
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.metrics.answers.checklist_score import ChecklistScore
from imug_metrics.metrics.answers.grid_accuracy import GridAccuracy
from imug_metrics.metrics.answers.point_score import PointScore
from imug_metrics.metrics.breakdown import Breakdown
from imug_metrics.metrics.decay.context_decay import ContextDecay
from imug_metrics.metrics.decay.context_forgetting import ContextForgetting
from imug_metrics.metrics.decay.exposure_bias import ExposureBias
from imug_metrics.metrics.decay.modality_compliance import ModalityCompliance
from imug_metrics.metrics.decay.object_hallucination import ObjectHallucination
from imug_metrics.metrics.decay.paired_gain import PairedGain
from imug_metrics.metrics.decay.recency_reliance import RecencyReliance
from imug_metrics.metrics.decay.switch_cost import SwitchCost
from imug_metrics.metrics.decay.turn_cost import TurnCost
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.decay.understanding_generation_gap import UnderstandingGenerationGap
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.images.copy_guard import CopyGuard
from imug_metrics.metrics.images.edit_locality import EditLocality
from imug_metrics.metrics.images.identity_verification import IdentityVerification
from imug_metrics.metrics.images.perceptual_drift import PerceptualDrift
from imug_metrics.metrics.images.sample_diversity import SampleDiversity
from imug_metrics.metrics.images.style_drift import StyleDrift
from imug_metrics.metrics.images.subject_consistency import SubjectConsistency
from imug_metrics.metrics.images.turn_alignment import TurnAlignment
from imug_metrics.metrics.images.turn_consistency import TurnConsistency
from imug_metrics.metrics.images.turn_distribution_shift import TurnDistributionShift
from imug_metrics.metrics.images.turn_diversity import TurnDiversity
from imug_metrics.metrics.images.turn_retrieval import TurnRetrieval
from imug_metrics.metrics.interleaved.interleaved_coherence import InterleavedCoherence
from imug_metrics.metrics.interleaved.semantic_quality import SemanticQuality
from imug_metrics.metrics.interleaved.structure_integrity import StructureIntegrity
from imug_metrics.metrics.scaling.adaptive_policy import AdaptivePolicy
from imug_metrics.metrics.scaling.best_of_n import BestOfN
from imug_metrics.metrics.scaling.selection import Selection
from imug_metrics.metrics.scaling.strategy_comparison import StrategyComparison, compare_strategies
from imug_metrics.metrics.scaling.verifier_curve import VerifierCurve
from imug_metrics.metrics.self_evaluation.fault_localization import FaultLocalization
from imug_metrics.metrics.self_evaluation.loop_convergence import LoopConvergence
from imug_metrics.metrics.self_evaluation.repair_gain import RepairGain
from imug_metrics.metrics.self_evaluation.self_bias import SelfBias
from imug_metrics.metrics.self_evaluation.self_correction import SelfCorrection
from imug_metrics.metrics.self_evaluation.self_verification import SelfVerification
from imug_metrics.metrics.self_evaluation.sycophancy import Sycophancy
from imug_metrics.metrics.self_evaluation.trace_compliance import TraceCompliance
from imug_metrics.metrics.self_evaluation.trace_support import TraceSupport
from imug_metrics.metrics.self_evaluation.turn_of_flip import TurnOfFlip
from imug_metrics.metrics.self_evaluation.verdict_specificity import VerdictSpecificity
from imug_metrics.metrics.trust.judge_stability import JudgeStability
from imug_metrics.metrics.trust.metric_agreement import MetricAgreement
from imug_metrics.metrics.trust.reliability import Reliability

if TYPE_CHECKING:
    from imug_metrics.evaluation import Comparison, Evaluation, compare, evaluate, failure_profile
    from imug_metrics.formats import read_records
    from imug_metrics.inference import Inference, infer
    from imug_metrics.monitors import VerdictMonitor
    from imug_metrics.suite import ImugSuite

__all__ = [
    "AdaptivePolicy",
    "AnswerAccuracy",
    "BestOfN",
    "Breakdown",
    "ChecklistScore",
    "Comparison",
    "ContextDecay",
    "ContextForgetting",
    "CopyGuard",
    "DialogueBatchSampler",
    "DialogueMetric",
    "EditLocality",
    "Evaluation",
    "ExposureBias",
    "FaultLocalization",
    "GridAccuracy",
    "IdentityVerification",
    "ImugSuite",
    "Inference",
    "InterleavedCoherence",
    "JudgeStability",
    "LoopConvergence",
    "MetricAgreement",
    "ModalityCompliance",
    "ObjectHallucination",
    "PairedGain",
    "PerceptualDrift",
    "PointScore",
    "RecencyReliance",
    "Record",
    "Reliability",
    "RepairGain",
    "RolloutBuffer",
    "SampleDiversity",
    "Selection",
    "SelfBias",
    "SelfCorrection",
    "SelfVerification",
    "SemanticQuality",
    "StrategyComparison",
    "StructureIntegrity",
    "StyleDrift",
    "SubjectConsistency",
    "SwitchCost",
    "Sycophancy",
    "TraceCompliance",
    "TraceSupport",
    "TurnAlignment",
    "TurnConsistency",
    "TurnCost",
    "TurnDecay",
    "TurnDistributionShift",
    "TurnDiversity",
    "TurnOfFlip",
    "TurnRetrieval",
    "UnderstandingGenerationGap",
    "VerdictMonitor",
    "VerdictSpecificity",
    "VerifierCurve",
    "__version__",
    "abandonment",
    "adaptive_policy",
    "answer_accuracy",
    "best_of_n",
    "best_of_n_curve",
    "best_policy",
    "checklist_score",
    "compare",
    "compare_strategies",
    "context_decay",
    "context_forgetting",
    "copy_guard",
    "edit_locality",
    "effective_length",
    "evaluate",
    "exposure_bias",
    "failure_profile",
    "fault_localization",
    "flips",
    "gain_per_cost",
    "gather_dialogues",
    "grid_accuracy",
    "grid_points",
    "identity_pairs",
    "identity_verification",
    "infer",
    "interleaved_coherence",
    "judge_stability",
    "learn_rule",
    "loop_convergence",
    "metric_agreement",
    "modality_compliance",
    "near_duplicates",
    "object_hallucination",
    "own_history_share",
    "pair_records",
    "paired_gain",
    "pareto_front",
    "pass_at_k",
    "perceptual_drift",
    "permissiveness_drift",
    "point_score",
    "ranked_average",
    "read_records",
    "recency_reliance",
    "rejection_sampling",
    "relative_correction",
    "reliability",
    "repair_gain",
    "sample_diversity",
    "scheduled_sampling",
    "selection",
    "self_bias",
    "self_correction",
    "self_verification",
    "semantic_quality",
    "strategy_comparison",
    "structure_integrity",
    "style_drift",
    "subject_consistency",
    "switch_cost",
    "sycophancy",
    "trace_compliance",
    "trace_support",
    "turn_alignment",
    "turn_consistency",
    "turn_copies",
    "turn_cost",
    "turn_decay",
    "turn_distribution_shift",
    "turn_diversity",
    "turn_of_flip",
    "turn_retrieval",
    "understanding_generation_gap",
    "verdict_specificity",
    "verification_curve",
    "verification_histograms",
    "verification_scores",
    "verified_accuracy",
    "verifier_curve",
]


_WITH_ENCODERS = {
    "Comparison": "evaluation",
    "Evaluation": "evaluation",
    "ImugSuite": "suite",
    "Inference": "inference",
    "VerdictMonitor": "monitors",
    "compare": "evaluation",
    "failure_profile": "evaluation",
    "evaluate": "evaluation",
    "infer": "inference",
    "read_records": "formats",
}


def __getattr__(name: str) -> Any:
    """What brings the encoders with it is imported when it is asked for."""
    if name in _WITH_ENCODERS:
        return getattr(import_module(f"{__name__}.{_WITH_ENCODERS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
