# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every metric of every model by dialogue and turn, so that readers see where in which dialogues it is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from imug_metrics.report.cut import cut
from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue
from imug_metrics.report.heat_map import HeatMap, heat_map, heat_map_svg
from imug_metrics.report.metric_specs import MetricSpec, row_metrics
from imug_metrics.report.sections.section import Figure, Folded, Panels, Part, Report, Section, Text, fragment

ABOUT = """A row a dialogue, a column a turn. Each map sorts its rows by their mean, the worst on top, so that rows of
two maps are not the same dialogues. Red cells are outputs that are absent; hatched ones have no score."""

_BETTER = {True: "higher is better", False: "lower is better", None: "neither end is better"}
_MOST_MAPS = 24
_LONGEST = 40  # characters of a dialogue's id


def heat_maps(report: Report) -> Section | None:
    """The section of small multiples."""
    metrics = row_metrics(report.metrics)
    by_model: dict[int, list[ScoredDialogue]] = {place: [] for place in range(len(report.models))}
    for one in report.dialogues:
        by_model[one.model].append(one)
    shown = dict(list(by_model.items())[: max(1, _MOST_MAPS // max(1, len(metrics)))])
    parts: list[Part] = []
    for place, metric in enumerate(metrics[:_MOST_MAPS]):
        found = {model: drawn for model, mine in shown.items() if (drawn := heat_map(mine, metric, place))}
        if any(len(drawn.turns) > 1 for drawn in found.values()):
            parts.append(Folded(metric.label, _of_metric(report, metric, found), is_open=not parts))
    if parts and len(shown) < len(by_model):
        parts.append(Text(f"Maps of the first {len(shown)} of {len(by_model)} models are drawn."))
    return Section("heat-maps", "Dialogue by turn", ABOUT, parts) if parts else None


def _of_metric(report: Report, metric: MetricSpec, found: Mapping[int, HeatMap]) -> list[Part]:
    low, high = _scale(metric, list(found.values()))
    maps = Panels([_figure(report, drawn, model, low, high) for model, drawn in found.items()])
    listed = {one.place for one in report.listed}
    first = [(model, drawn.dialogues[0]) for model, drawn in found.items() if drawn.dialogues[0].place in listed]
    rows = [(report.models[model].model, model, one.anchor, cut(one.dialogue, _LONGEST)) for model, one in first]
    return [maps, fragment("heat_map_links.html", label=metric.label, rows=rows)] if rows else [maps]


def _scale(metric: MetricSpec, found: Sequence[HeatMap]) -> tuple[float, float]:
    """One scale for all models: the ends of the metric where it has two, else those of what is drawn."""
    if metric.is_share:
        return 0.0, 1.0
    values = [drawn.values[drawn.values.isfinite()] for drawn in found]
    return min(float(value.min()) for value in values), max(float(value.max()) for value in values)


def _figure(report: Report, drawn: HeatMap, model: int, low: float, high: float) -> Figure:
    name = report.models[model].model
    count = len(drawn.dialogues)
    words = [f"{count:,} dialogue{'s' if count > 1 else ''}", _BETTER[drawn.metric.higher_is_better]]
    words += [f"each row the mean of about {count / drawn.rows:,.1f} neighbours"] if drawn.rows < count else []
    words += [f"{drawn.lacking:,} absent"] if drawn.lacking else []
    words += [f"{drawn.hidden} later turns left out"] if drawn.hidden else []
    svg = Markup(heat_map_svg(drawn, name, low, high))  # it escapes names
    return Figure(svg, f"{drawn.metric.label}, {name}", ", ".join(words), f"heat-map-{drawn.metric.key}-{model + 1}")
