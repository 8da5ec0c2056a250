# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How a turn is answered: directly, with a chain of thought or of evidence, verified, as the best of several."""

from imug_metrics.inference.strategies.adaptive import Adaptive
from imug_metrics.inference.strategies.best_of import BestOf
from imug_metrics.inference.strategies.chain_of_thought import ChainOfThought
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.evidence_chain import EvidenceChain
from imug_metrics.inference.strategies.policy import Policy, TurnRule, read_policy
from imug_metrics.inference.strategies.policy_learning import Outcomes, learn_policy, read_outcomes
from imug_metrics.inference.strategies.self_verification import SelfVerificationLoop
from imug_metrics.inference.strategies.spec import parse_strategy
from imug_metrics.inference.strategies.trace_logs import logged_traces
from imug_metrics.inference.strategies.verdict_records import verdict_records

__all__ = [
    "Adaptive",
    "BestOf",
    "ChainOfThought",
    "Direct",
    "EvidenceChain",
    "Outcomes",
    "Policy",
    "SelfVerificationLoop",
    "TurnRule",
    "learn_policy",
    "logged_traces",
    "parse_strategy",
    "read_outcomes",
    "read_policy",
    "verdict_records",
]
