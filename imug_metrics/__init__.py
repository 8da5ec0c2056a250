# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics for multi-turn, interleaved text-image dialogues of unified multimodal models."""

from typing import TYPE_CHECKING, Any

from imug_metrics._torchvision import define_missing_torchvision_ops

define_missing_torchvision_ops()  # before torchmetrics, which imports torchvision where it is installed

from imug_metrics._version import __version__  # noqa: E402
from imug_metrics.dialogues.rollout import RolloutBuffer  # noqa: E402
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy  # noqa: E402
from imug_metrics.metrics.answers.grid_accuracy import GridAccuracy  # noqa: E402
from imug_metrics.metrics.answers.point_score import PointScore  # noqa: E402
from imug_metrics.metrics.breakdown import Breakdown  # noqa: E402
from imug_metrics.metrics.decay.context_decay import ContextDecay  # noqa: E402
from imug_metrics.metrics.decay.exposure_bias import ExposureBias  # noqa: E402
from imug_metrics.metrics.decay.paired_gain import PairedGain  # noqa: E402
from imug_metrics.metrics.decay.turn_decay import TurnDecay  # noqa: E402
from imug_metrics.metrics.decay.understanding_generation_gap import UnderstandingGenerationGap  # noqa: E402
from imug_metrics.metrics.dialogue_metric import DialogueMetric  # noqa: E402
from imug_metrics.metrics.images.turn_alignment import TurnAlignment  # noqa: E402
from imug_metrics.metrics.images.turn_consistency import TurnConsistency  # noqa: E402
from imug_metrics.metrics.images.turn_distribution_shift import TurnDistributionShift  # noqa: E402
from imug_metrics.metrics.images.turn_retrieval import TurnRetrieval  # noqa: E402
from imug_metrics.metrics.interleaved.interleaved_coherence import InterleavedCoherence  # noqa: E402
from imug_metrics.metrics.interleaved.semantic_quality import SemanticQuality  # noqa: E402
from imug_metrics.metrics.interleaved.structure_integrity import StructureIntegrity  # noqa: E402
from imug_metrics.metrics.scaling.adaptive_policy import AdaptivePolicy  # noqa: E402
from imug_metrics.metrics.scaling.best_of_n import BestOfN  # noqa: E402
from imug_metrics.metrics.scaling.selection import Selection  # noqa: E402
from imug_metrics.metrics.scaling.strategy_comparison import StrategyComparison, compare_strategies  # noqa: E402
from imug_metrics.metrics.scaling.verifier_curve import VerifierCurve  # noqa: E402
from imug_metrics.metrics.self_evaluation.loop_convergence import LoopConvergence  # noqa: E402
from imug_metrics.metrics.self_evaluation.self_bias import SelfBias  # noqa: E402
from imug_metrics.metrics.self_evaluation.self_correction import SelfCorrection  # noqa: E402
from imug_metrics.metrics.self_evaluation.self_verification import SelfVerification  # noqa: E402
from imug_metrics.metrics.self_evaluation.sycophancy import Sycophancy  # noqa: E402
from imug_metrics.metrics.self_evaluation.turn_of_flip import TurnOfFlip  # noqa: E402
from imug_metrics.metrics.self_evaluation.verdict_specificity import VerdictSpecificity  # noqa: E402
from imug_metrics.metrics.trust.metric_agreement import MetricAgreement  # noqa: E402
from imug_metrics.metrics.trust.reliability import Reliability  # noqa: E402

if TYPE_CHECKING:
    from imug_metrics.suite import ImugSuite as ImugSuite

__all__ = [
    "AdaptivePolicy",
    "AnswerAccuracy",
    "BestOfN",
    "Breakdown",
    "ContextDecay",
    "DialogueMetric",
    "ExposureBias",
    "GridAccuracy",
    "InterleavedCoherence",
    "LoopConvergence",
    "MetricAgreement",
    "PairedGain",
    "PointScore",
    "Reliability",
    "RolloutBuffer",
    "Selection",
    "SelfBias",
    "SelfCorrection",
    "SelfVerification",
    "SemanticQuality",
    "StrategyComparison",
    "StructureIntegrity",
    "Sycophancy",
    "TurnAlignment",
    "TurnConsistency",
    "TurnDecay",
    "TurnDistributionShift",
    "TurnOfFlip",
    "TurnRetrieval",
    "UnderstandingGenerationGap",
    "VerdictSpecificity",
    "VerifierCurve",
    "__version__",
    "compare_strategies",
]


def __getattr__(name: str) -> Any:
    """`ImugSuite`, which brings the encoders with it, is imported when it is asked for."""
    if name == "ImugSuite":
        from imug_metrics.suite import ImugSuite

        return ImugSuite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
