# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences that the numbers say, the misleading ones first."""

from __future__ import annotations

from imug_metrics.report.sections.section import Report, Section, fragment

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
    listed = fragment("findings.html", findings=report.findings, marks=_MARKS, words=_WORDS)
    return Section("findings", "What the numbers say", parts=[listed])
