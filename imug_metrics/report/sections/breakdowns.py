# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every score by class, domain and every other group of records."""

from __future__ import annotations

import math

from imug_metrics.report.breakdown import Grouping, breakdowns
from imug_metrics.report.estimates import Estimate, span
from imug_metrics.report.row_scores import GroupEstimate
from imug_metrics.report.sections.section import Folded, Part, Report, Section, Text
from imug_metrics.report.tables.cells import estimate_cell
from imug_metrics.report.tables.names import file_names
from imug_metrics.report.tables.table import Cell, Table

ABOUT = """Means over the records of each group, with the 95 % interval by dialogue and the number of records.
Groups hold few dialogues: most differences between neighbours are chance."""


def groups(report: Report) -> Section | None:
    """The section of groups."""
    found = breakdowns(report.models)
    names = file_names((grouping.group for grouping in found), "by_")
    parts = [
        _part(report, grouping, name, is_open=place == 0)
        for place, (grouping, name) in enumerate(zip(found, names, strict=True))
    ]
    return Section("groups", "By class, domain and other groups", ABOUT, parts) if parts else None


def class_table(report: Report) -> Table | None:
    """Every score by class, for a terminal; None where there are no two classes."""
    found = next((grouping for grouping in breakdowns(report.models) if grouping.group == "class"), None)
    return None if found is None else group_table(report, found, "by_class")


def group_table(report: Report, grouping: Grouping, name: str) -> Table:
    """One group of rows a metric, one row a group of records, one column a model."""
    rows = [
        [
            [
                Cell(metric.metric.label if place == 0 else "", value=metric.metric.label),
                Cell(group),
                *(_cell(of.get(group)) for of in metric.estimates),
            ]
            for place, group in enumerate(grouping.names)
        ]
        for metric in grouping.metrics
    ]
    header = ("Metric", grouping.group.capitalize(), *(model.model for model in report.models))
    return Table(header, rows, f"By {grouping.group}", name=name, compact=True)


def _part(report: Report, grouping: Grouping, name: str, *, is_open: bool) -> Folded:
    parts: list[Part] = [group_table(report, grouping, name)]
    if grouping.left_out:
        parts.insert(0, Text(f"The largest {len(grouping.names)} are shown, {grouping.left_out} more are not."))
    return Folded(f"By {grouping.group}: {len(grouping.names)} groups", parts, is_open=is_open)


def _cell(found: GroupEstimate | None) -> Cell:
    if found is None:
        return estimate_cell(Estimate(math.nan))
    below = ", ".join(filter(None, (span(found), f"n = {found.records}")))
    return estimate_cell(found, n=found.records)._replace(below=below)
