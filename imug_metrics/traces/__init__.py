# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chains of evidence: what they are, as files, and what the metrics of traces take of them."""

from imug_metrics.traces.compliance import STEPS, citable, missing_steps, steps_in_order, unresolved_cites
from imug_metrics.traces.report import read_report, report_text
from imug_metrics.traces.trace import Claim, Review, Step, Trace
from imug_metrics.traces.trace_file import read_traces, write_traces

__all__ = [
    "STEPS",
    "Claim",
    "Review",
    "Step",
    "Trace",
    "citable",
    "missing_steps",
    "read_report",
    "read_traces",
    "report_text",
    "steps_in_order",
    "unresolved_cites",
    "write_traces",
]
