# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A whole run as a library call: folders or records in, scores, problems and reports out."""

from imug_metrics.evaluation.check import DataCheck, check_data
from imug_metrics.evaluation.comparison import Comparison, compare
from imug_metrics.evaluation.contexts import ContextEvaluation, evaluate_contexts
from imug_metrics.evaluation.failures import FailureProfile, failure_profile
from imug_metrics.evaluation.gain import GainEvaluation, evaluate_gain
from imug_metrics.evaluation.gap import GapEvaluation, evaluate_gap
from imug_metrics.evaluation.human_file import read_human
from imug_metrics.evaluation.judging import Judging, judge_benchmark, judge_outputs
from imug_metrics.evaluation.jury import JuryEvaluation, evaluate_jury
from imug_metrics.evaluation.plan import ComparisonPlan, plan_assumed, plan_comparison
from imug_metrics.evaluation.repeats import RepeatedRuns, RepeatedScore, repeated_runs
from imug_metrics.evaluation.result import Evaluation
from imug_metrics.evaluation.run import evaluate, run
from imug_metrics.evaluation.scaling import ScalingEvaluation, Strategy, evaluate_scaling
from imug_metrics.evaluation.settings import JudgeSettings, Settings
from imug_metrics.evaluation.specv import SpecvEvaluation, evaluate_specv
from imug_metrics.evaluation.states import MergedStates, merge_states
from imug_metrics.evaluation.unim import UnimEvaluation, UnimSettings, evaluate_unim
from imug_metrics.evaluation.verdicts import VerdictEvaluation, evaluate_verdicts

__all__ = [
    "Comparison",
    "ComparisonPlan",
    "ContextEvaluation",
    "DataCheck",
    "Evaluation",
    "FailureProfile",
    "GainEvaluation",
    "GapEvaluation",
    "JudgeSettings",
    "Judging",
    "JuryEvaluation",
    "MergedStates",
    "RepeatedRuns",
    "RepeatedScore",
    "ScalingEvaluation",
    "Settings",
    "SpecvEvaluation",
    "Strategy",
    "UnimEvaluation",
    "UnimSettings",
    "VerdictEvaluation",
    "check_data",
    "compare",
    "evaluate",
    "evaluate_contexts",
    "evaluate_gain",
    "evaluate_gap",
    "evaluate_jury",
    "evaluate_scaling",
    "evaluate_specv",
    "evaluate_unim",
    "evaluate_verdicts",
    "failure_profile",
    "judge_benchmark",
    "judge_outputs",
    "merge_states",
    "plan_assumed",
    "plan_comparison",
    "read_human",
    "repeated_runs",
    "run",
]
