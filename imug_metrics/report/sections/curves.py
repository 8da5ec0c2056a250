# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every score over the turns, one figure a metric."""

from __future__ import annotations

from markupsafe import Markup

from imug_metrics.report.estimates import FEW_DIALOGUES, curve
from imug_metrics.report.marks import mean_chance
from imug_metrics.report.metric_specs import MetricSpec, records_by_turn
from imug_metrics.report.sections.section import Figure, Panels, Part, Report, Section, fragment
from imug_metrics.report.svg import LABELLED, Line
from imug_metrics.report.svg import curves as drawn
from imug_metrics.report.tables.names import file_names

ABOUT = f"""Mean score at each turn with its 95 % band. Dialogues differ in length, so late turns rest on other
dialogues than early ones: read the shape here, and the change itself in the next section. A hollow point rests on
fewer than {FEW_DIALOGUES} records; a gap means that nothing could be scored at that turn. The vertical axis need
not start at zero."""


def curves(report: Report) -> Section | None:
    """The section of curves."""
    names = file_names((view.key for view in report.metrics), "curve_")
    found = [_figure(report, view, name) for view, name in zip(report.metrics, names, strict=True)]
    figures = [figure for figure in found if figure is not None]
    if not figures:
        return None
    parts: list[Part] = [Panels(figures)]
    if len(report.models) > LABELLED:
        parts.insert(0, fragment("models.html", models=[model.model for model in report.models]))
    return Section("curves", "Over the turns", ABOUT, parts)


def _figure(report: Report, view: MetricSpec, name: str) -> Figure | None:
    lines = []
    for place, model in enumerate(report.models):
        counts = records_by_turn(model.items, view.item) if view.item else {}
        lines.append(Line(model.model, place, curve(model.scores, view.key), counts))
    svg = drawn(
        lines,
        f"{view.label} by turn",
        is_share=view.is_share,
        reference=mean_chance(report.models, view),
        reference_name="chance",
    )
    asked = {"image": "image turns", "text": "text turns"}.get(view.modality, "all turns")
    return Figure(Markup(svg), view.label, f"by turn, {asked}", name) if svg else None
