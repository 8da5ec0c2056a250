# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences that the numbers say, the misleading ones first."""

from __future__ import annotations

from collections.abc import Sequence

from imug_metrics.report.findings import Finding
from imug_metrics.report.sections.section import Fragment, Report, Section, fragment

_MARKS = {"warn": "!", "lead": "★", "loss": "▼", "gain": "▲", "calm": "→", "note": "·"}
_WORDS = {
    "warn": "Misleading",
    "lead": "Ahead",
    "loss": "Loss",
    "gain": "Gain",
    "calm": "No change seen",
    "note": "Note",
}


def findings(report: Report) -> Section:
    """The section of findings."""
    return Section("findings", "What the numbers say", parts=[listed_findings(report.findings)])


def listed_findings(findings: Sequence[Finding]) -> Fragment:
    """Sentences as a list, each with the sign of its tone."""
    return fragment("findings.html", findings=findings, marks=_MARKS, words=_WORDS)
