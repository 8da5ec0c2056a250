# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The sections of the page, one a file, in the order in which they are shown."""

from __future__ import annotations

from imug_metrics.report.sections.breakdowns import groups
from imug_metrics.report.sections.changes import changes
from imug_metrics.report.sections.costs import costs
from imug_metrics.report.sections.coverage import coverage
from imug_metrics.report.sections.curves import curves
from imug_metrics.report.sections.dialogues import dialogues
from imug_metrics.report.sections.differences import differences
from imug_metrics.report.sections.failures import failures
from imug_metrics.report.sections.findings import findings
from imug_metrics.report.sections.heat_maps import heat_maps
from imug_metrics.report.sections.histories import histories
from imug_metrics.report.sections.judge import judge
from imug_metrics.report.sections.notes import notes
from imug_metrics.report.sections.protocols import protocols
from imug_metrics.report.sections.readings import readings
from imug_metrics.report.sections.samples import samples
from imug_metrics.report.sections.scores import scores
from imug_metrics.report.sections.section import (
    Figure,
    Folded,
    Fragment,
    Panels,
    Part,
    Report,
    Section,
    SectionBuilder,
    Text,
    build_sections,
    fragment,
    tables_of,
)
from imug_metrics.report.sections.source import source

__all__ = [
    "SECTIONS",
    "Figure",
    "Folded",
    "Fragment",
    "Panels",
    "Part",
    "Report",
    "Section",
    "SectionBuilder",
    "Text",
    "build_sections",
    "fragment",
    "tables_of",
]

SECTIONS: tuple[SectionBuilder, ...] = (
    findings,
    scores,
    failures,
    differences,
    curves,
    changes,
    groups,
    histories,
    protocols,
    judge,
    readings,
    coverage,
    costs,
    heat_maps,
    dialogues,
    samples,
    notes,
    source,
)
"""What the page shows, from top to bottom; `write_report(..., sections=...)` takes others."""
