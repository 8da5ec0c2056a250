# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several judges of the same outputs: what they say together, and how far they can be believed."""

from imug_metrics.juries.biases import Bias, judge_biases
from imug_metrics.juries.consensus import Consensus, consensus
from imug_metrics.juries.families import family_of
from imug_metrics.juries.judgement import Judgement
from imug_metrics.juries.panel import Panel, make_panel
from imug_metrics.juries.summary import JurySummary, summarize_jury

__all__ = [
    "Bias",
    "Consensus",
    "Judgement",
    "JurySummary",
    "Panel",
    "consensus",
    "family_of",
    "judge_biases",
    "make_panel",
    "summarize_jury",
]
