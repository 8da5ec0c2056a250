# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a terminal or a notebook: a selection of those of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics.report.metric_specs import check_models
from imug_metrics.report.sections.breakdowns import class_table
from imug_metrics.report.sections.changes import change_table
from imug_metrics.report.sections.costs import cost_table
from imug_metrics.report.sections.failures import marked_failures
from imug_metrics.report.sections.histories import history_table
from imug_metrics.report.sections.judge import judged_table
from imug_metrics.report.sections.scores import score_table
from imug_metrics.report.sections.section import Report
from imug_metrics.report.tables.table import Table

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


def score_tables(models: Sequence[ModelScores], judges: Mapping[str, Mapping[str, Any]] | None = None) -> list[Table]:
    """The scores, one row a model; the change per turn of each; where there are any, histories and judged points.

    A slope whose interval lies below zero is marked ``▼``, above zero ``▲``. A score is marked ``!`` where outputs are
    missing that might have lowered it, ``≈`` where it is not above chance and ``=`` where it comes from repeated
    images, and the caption says more. Where models were scored on the reference history as well, a table shows what
    their own history costs them; where records carry costs, one shows these. Where images were judged, one more shows
    their points, and a last one all scores by class.

    Args:
        models: scores of at least one model, names unique.
        judges: by model, what is known of its judge; see `write_report`.

    Raises:
        ValueError: ``models`` is empty or names a model twice.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> table, *_ = score_tables([ModelScores("steady", {"turn_alignment": 0.5}, [])])
        >>> print(table)
        Scores by model
        Model   Alignment  Coverage
        ───────────────────────────
        steady       0.50         –
    """
    check_models(models)
    report = Report(models, judges=judges or {})
    judged = judged_table(report)
    points = [view for view in report.metrics if view.key.startswith("point_score")]
    scored = [view for view in report.scored if view not in points]
    found = [
        score_table(report, scored),
        change_table(report, scored),
        marked_failures(report),
        history_table(report),
        cost_table(report),
        judged,
        class_table(report) if judged else None,
    ]
    return [table for table in found if table is not None]
