# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The sections of the page, one a file, in the order in which they are shown."""

from __future__ import annotations

from imug_metrics.report.sections.scores import scores
from imug_metrics.report.sections.section import (
    Build,
    Figure,
    Folded,
    Fragment,
    Panels,
    Part,
    Report,
    Section,
    Text,
    fragment,
)

__all__ = [
    "SECTIONS",
    "Build",
    "Figure",
    "Folded",
    "Fragment",
    "Panels",
    "Part",
    "Report",
    "Section",
    "Text",
    "fragment",
]

SECTIONS: tuple[Build, ...] = (scores,)
"""What the page shows, from top to bottom; `write_report(..., sections=...)` takes others."""
