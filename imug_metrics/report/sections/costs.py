# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the outputs cost, as the records say."""

from __future__ import annotations

from imug_metrics._numbers import number
from imug_metrics.report.estimates import as_float, estimate
from imug_metrics.report.metric_specs import MetricSpec
from imug_metrics.report.sections.section import Report, Section
from imug_metrics.report.tables.cells import change_cell, coverage_cell, estimate_cell
from imug_metrics.report.tables.table import Cell, Table

ABOUT = """Means and sums over the records that say what they cost, and how the cost changes from turn to turn. Unknown
costs are in neither: compare sums at equal coverage only."""

_LARGE = 1000


def costs(report: Report) -> Section | None:
    """The section of costs."""
    table = cost_table(report)
    return None if table is None else Section("costs", "What it cost", ABOUT, [table])


def cost_table(report: Report) -> Table | None:
    """One group a kind of cost, one row a model; None where no record says what it cost."""
    groups = [_rows(report, view) for view in report.metrics if view.is_cost]
    header = ("Cost", "Model", "Mean", "Sum", "Change per turn", "Coverage")
    return Table(header, groups, "Costs by model", name="costs") if groups else None


def _rows(report: Report, view: MetricSpec) -> list[list[Cell]]:
    rows = []
    for place, model in enumerate(report.models):
        total = as_float(model.scores.get(f"{view.key}_sum"))
        n = as_float(model.scores.get(f"{view.key}_n"))
        rows.append(
            [
                Cell(view.label if place == 0 else "", value=view.label),
                report.name(place),
                estimate_cell(estimate(model.scores, view.key), n=n),
                Cell(_sum(total), value=total),
                change_cell(estimate(model.scores, f"{view.key}_slope"), higher_is_better=False),
                coverage_cell(as_float(model.scores.get(f"{view.key}_coverage"))),
            ]
        )
    return rows


def _sum(total: float) -> str:
    """A sum for reading; decimals are shown where there are any and they weigh."""
    return f"{total:,.0f}" if total.is_integer() or abs(total) >= _LARGE else number(total)
