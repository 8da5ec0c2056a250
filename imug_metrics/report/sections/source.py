# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How the report was made: the manifest, all numbers, and what was wrong with the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imug_metrics._numbers import number
from imug_metrics.reading.files import Problem
from imug_metrics.report.estimates import as_float
from imug_metrics.report.judging import is_grouped
from imug_metrics.report.pages.render import flat
from imug_metrics.report.sections.section import Folded, Part, Report, Section
from imug_metrics.report.tables.table import Cell, Table

MOST_PROBLEMS = 200
"""Problems that the page shows; the file has all."""


def source(report: Report) -> Section:
    """The section of what the report was made of."""
    manifest, *problems = source_parts(report.manifest, report.problems)
    return Section(
        "source", "How this was made", parts=[manifest, Folded("All numbers", [_numbers(report)]), *problems]
    )


def source_parts(manifest: Mapping[str, Any], problems: Sequence[Problem]) -> list[Part]:
    """What was run, and what was wrong in the data where something was."""
    parts: list[Part] = [Folded("Manifest", [manifest_table(manifest)])]
    if problems:
        count = f"{len(problems):,} problem{'' if len(problems) == 1 else 's'} of the data"
        more = f", the first {MOST_PROBLEMS} shown" if len(problems) > MOST_PROBLEMS else ""
        parts.append(Folded(f"{count}{more}", [_problems(problems)]))
    return parts


def manifest_table(manifest: Mapping[str, Any]) -> Table:
    """What was run, one row an entry."""
    return Table(("Key", "Value"), [[(Cell(key), Cell(value)) for key, value in flat(manifest)]], "Manifest")


def _numbers(report: Report) -> Table:
    """Every score by its name; it has no file of its own, which summary.json is."""
    keys = dict.fromkeys(key for model in report.models for key in model.scores if not is_grouped(key))
    rows = []
    for key in keys:
        values = [as_float(model.scores.get(key)) for model in report.models]
        rows.append([Cell(key), *(Cell(number(value, 4), value=value) for value in values)])
    return Table(("Score", *(model.model for model in report.models)), [rows], "All numbers")


def _problems(problems: Sequence[Problem]) -> Table:
    rows = [
        [
            Cell(problem.level),
            Cell(problem.file),
            Cell(str(problem.line or "–")),
            Cell(problem.field),
            Cell(problem.message),
        ]
        for problem in problems[:MOST_PROBLEMS]
    ]
    return Table(("Level", "File", "Line", "Field", "Problem"), [rows], "Problems")
