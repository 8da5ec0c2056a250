# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chains of evidence: what they are, as files, and what the metrics of traces take of them."""

from imug_metrics.traces.claim_support import Entails, SupportRecords, judged_support_records, support_records
from imug_metrics.traces.compliance import STEPS, citable, missing_steps, steps_in_order, unresolved_cites
from imug_metrics.traces.entailment import NliEntailment
from imug_metrics.traces.report import read_report, report_text
from imug_metrics.traces.trace import Claim, Review, Step, Trace
from imug_metrics.traces.trace_file import read_traces, write_traces
from imug_metrics.traces.trace_records import compliance_records, fault_records, last_traces, repair_records

__all__ = [
    "STEPS",
    "Claim",
    "Entails",
    "NliEntailment",
    "Review",
    "Step",
    "SupportRecords",
    "Trace",
    "citable",
    "compliance_records",
    "fault_records",
    "judged_support_records",
    "last_traces",
    "missing_steps",
    "read_report",
    "read_traces",
    "repair_records",
    "report_text",
    "steps_in_order",
    "support_records",
    "unresolved_cites",
    "write_traces",
]
