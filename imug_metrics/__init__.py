# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics for multi-turn, interleaved text-image dialogues of unified multimodal models."""

from typing import TYPE_CHECKING, Any

from imug_metrics._torchvision import define_missing_torchvision_ops

define_missing_torchvision_ops()  # before torchmetrics, which imports torchvision where it is installed

from imug_metrics._version import __version__  # noqa: E402
from imug_metrics.accuracy import AnswerAccuracy  # noqa: E402
from imug_metrics.agreement import MetricAgreement  # noqa: E402
from imug_metrics.alignment import TurnAlignment  # noqa: E402
from imug_metrics.best_of_n import BestOfN  # noqa: E402
from imug_metrics.breakdown import Breakdown  # noqa: E402
from imug_metrics.coherence import InterleavedCoherence, SemanticQuality  # noqa: E402
from imug_metrics.consistency import TurnConsistency  # noqa: E402
from imug_metrics.context import ContextDecay  # noqa: E402
from imug_metrics.correction import SelfCorrection  # noqa: E402
from imug_metrics.decay import TurnDecay  # noqa: E402
from imug_metrics.dialogue import RolloutBuffer  # noqa: E402
from imug_metrics.distribution import TurnDistributionShift  # noqa: E402
from imug_metrics.exposure import ExposureBias, PairedGain  # noqa: E402
from imug_metrics.flips import TurnOfFlip  # noqa: E402
from imug_metrics.gap import UnderstandingGenerationGap  # noqa: E402
from imug_metrics.grid import GridAccuracy  # noqa: E402
from imug_metrics.loops import LoopConvergence  # noqa: E402
from imug_metrics.metric import DialogueMetric  # noqa: E402
from imug_metrics.points import PointScore  # noqa: E402
from imug_metrics.policy import AdaptivePolicy  # noqa: E402
from imug_metrics.reliability import Reliability  # noqa: E402
from imug_metrics.retrieval import TurnRetrieval  # noqa: E402
from imug_metrics.selection import Selection  # noqa: E402
from imug_metrics.self_bias import SelfBias  # noqa: E402
from imug_metrics.specificity import VerdictSpecificity  # noqa: E402
from imug_metrics.strategies import StrategyComparison, compare_strategies  # noqa: E402
from imug_metrics.structure import StructureIntegrity  # noqa: E402
from imug_metrics.sycophancy import Sycophancy  # noqa: E402
from imug_metrics.verification import SelfVerification  # noqa: E402
from imug_metrics.verifier import VerifierCurve  # noqa: E402

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
