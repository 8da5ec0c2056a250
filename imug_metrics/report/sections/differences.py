# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which model differs from which, and the ranks that each can have."""

from __future__ import annotations

from imug_metrics.report.comparison_table import pair_table, rank_table
from imug_metrics.report.marks import marks, slope_marks
from imug_metrics.report.sections.section import Folded, Report, Section

ABOUT = """Each two models on the records that both have, paired by dialogue and turn: two intervals of the table above
may overlap and the models differ all the same. The interval holds for all pairs of a metric at once; p is adjusted for
all pairs and metrics (Holm). Seen from: the smallest difference that these dialogues would show in four of five
repetitions of the benchmark."""

_FEW_MODELS = 5


def differences(report: Report) -> Section | None:
    """The section of differences."""
    if not report.compared:
        return None
    told = {
        metric.key: {
            model.model: tuple((slope_marks if metric.slope else marks)(model, metric.view)) for model in report.models
        }
        for metric in report.compared
    }
    names = [report.name(place) for place in range(len(report.models))]
    ranks = rank_table(names, report.compared, told)
    pairs = pair_table(names, report.compared, told)
    folded = Folded("Differences of all pairs", [pairs], is_open=len(names) < _FEW_MODELS)
    return Section("differences", "Who differs from whom", ABOUT, [ranks, folded])
