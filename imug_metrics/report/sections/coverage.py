# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How much of the outputs could be scored, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics.report.estimates import as_float
from imug_metrics.report.marks import coverage as covered
from imug_metrics.report.metric_specs import WITHOUT_KEY, MetricSpec, is_missing
from imug_metrics.report.sections.section import Report, Section
from imug_metrics.report.tables.cells import count_cell, coverage_cell
from imug_metrics.report.tables.table import Cell, Table

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """Coverage is the share of expected records that could be scored. What is missing is left out of the means
unless the run was told to count it as zero: a model that fails on hard turns can look better than it is. Under the
official rule a failed answer counts 0."""

_MISSING = {"image": "Images missing", "text": "Answers missing"}


def coverage(report: Report) -> Section:
    """The section of coverage."""
    return Section("coverage", "Coverage and what is missing", ABOUT, [coverage_table(report)])


def coverage_table(report: Report) -> Table:
    """One row a model: its records, what is missing of them, and the coverage of every metric."""
    asked = [modality for modality in ("image", "text") if any(_asked(model, modality) for model in report.models)]
    without_key = _some_without_key(report.models)
    rows = [
        [
            report.name(place),
            count_cell(len({str(item["dialogue"]) for item in model.items})),
            count_cell(len(model.items)),
            *(_absent(model, modality) for modality in asked),
            *([count_cell(as_float(model.scores.get(WITHOUT_KEY, 0.0)))] if without_key else []),
            *(_covered(model, view) for view in report.metrics),
        ]
        for place, model in enumerate(report.models)
    ]
    header = (
        "Model",
        "Dialogues",
        "Turns",
        *(_MISSING[modality] for modality in asked),
        *(["Questions without key"] if without_key else []),
        *(view.label for view in report.metrics),
    )
    return Table(header, [rows], "Coverage by metric", name="coverage", sortable=True)


def _covered(model: ModelScores, view: MetricSpec) -> Cell:
    n = as_float(model.scores.get(f"{view.key}_n"))
    cell = coverage_cell(covered(model, view))
    return cell._replace(n=n, below=f"n = {n:.0f}" if n == n else "")


def _absent(model: ModelScores, modality: str) -> Cell:
    asked = _asked(model, modality)
    absent = sum(map(is_missing, asked))
    return count_cell(absent, f"{absent:,} of {len(asked):,}")


def _asked(model: ModelScores, modality: str) -> list[Mapping[str, Any]]:
    return [item for item in model.items if item.get("modality") == modality]


def _some_without_key(models: Sequence[ModelScores]) -> bool:
    """Whether some questions have no key but not all: where none has one, answers are not judged at all."""
    lacking = [as_float(model.scores.get(WITHOUT_KEY, 0.0)) for model in models]
    return sum(lacking) > 0 and any(
        lack < len(_asked(model, "text")) for model, lack in zip(models, lacking, strict=True)
    )
