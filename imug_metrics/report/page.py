# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page that needs no network and runs no script; everything a model wrote is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from imug_metrics.report.comparison import MetricComparison
from imug_metrics.report.comparison_table import joint, p_text
from imug_metrics.report.files import to_json
from imug_metrics.report.findings import find
from imug_metrics.report.histories import histories
from imug_metrics.report.images import ThumbnailShelf
from imug_metrics.report.judging import RuleRow, both_protocols, by_group, is_grouped, judge_rows, shown_pairs
from imug_metrics.report.marks import (
    counts_from_0,
    coverage,
    is_covered,
    lowest_coverage,
    marks,
    slope_marks,
    with_absent_as_zero,
    without_absent,
)
from imug_metrics.report.metric_specs import (
    CHANCE,
    COPY_RATE,
    FEW_DIALOGUES,
    WITHOUT_KEY,
    Estimate,
    MetricSpec,
    as_float,
    copies,
    curve,
    estimate,
    is_missing,
    number,
    records_by_turn,
    shown_metrics,
    span,
)
from imug_metrics.report.readings import reading_rows
from imug_metrics.report.svg import Line, curves, error_bar
from imug_metrics.report.worst import worst_dialogues

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "\ufffd")
"""Control characters that HTML does not allow, NUL above all."""

_MARKS = {"warn": "!", "loss": "▼", "gain": "▲", "calm": "→", "note": "·"}


def page(
    models: Sequence[ModelScores],
    manifest: Mapping[str, Any],
    version: str,
    compared: Sequence[MetricComparison] = (),
    *,
    rules: Sequence[RuleRow] = (),
    judges: Mapping[str, Mapping[str, Any]] | None = None,
    worst: int = 3,
) -> str:
    """The whole page as HTML.

    Args:
        models: scores of at least one model.
        manifest: what was run; shown as it is.
        version: the library's version.
        compared: the models in pairs.
        rules, judges: see `write_report`.
        worst: dialogues shown a model.
    """
    metrics = shown_metrics(models)
    return render(
        "page.html",
        title="Dialogue report",
        lead=_lead(models, manifest),
        findings=find(models, judges, compared),
        comparisons=[_comparison(metric, models) for metric in compared],
        ranks=[_ranks(place, model, compared) for place, model in enumerate(models) if compared],
        left_out=[entry for i, model in enumerate(models) for entry in _left_out(i, model, metrics)],
        marks=_MARKS,
        few=FEW_DIALOGUES,
        metrics=metrics,
        rows=[_row(i, model, metrics) for i, model in enumerate(models)],
        panels=[panel for view in metrics if (panel := _panel(view, models))],
        histories=histories(models),
        groups=by_group(models),
        names=[{"name": model.model, "colour": i} for i, model in enumerate(models)],
        uncovered={model.model: _percent(share) for model, share in _uncovered(models, metrics)},
        pairs=shown_pairs(models),
        protocols=both_protocols(models),
        rules=[rule for rule in rules if any(rule.counts.values())],
        quiet_rules=[rule for rule in rules if not any(rule.counts.values())],
        judges=judge_rows(models, judges or {}),
        readings=reading_rows(models),
        slopes=[group for view in metrics if (group := _slopes(view, models))],
        coverage=[_coverage(i, model, metrics) for i, model in enumerate(models)],
        any_without_key=any(as_float(model.scores.get(WITHOUT_KEY)) > 0 for model in models),
        worst=_worst(models, worst),
        manifest=list(flat(manifest)),
        numbers=_numbers(models),
        version=version,
    )


def render(name: str, **values: Any) -> str:
    """A page of this package with values put into it, each escaped; the style sheet is `style`."""
    loader = jinja2.FunctionLoader(_source)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.globals["style"] = Markup(_source("style.css"))
    return environment.get_template(name).render(**values).translate(_CONTROLS)


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _lead(models: Sequence[ModelScores], manifest: Mapping[str, Any]) -> str:
    dialogues = {str(item["dialogue"]) for model in models for item in model.items}
    turns = {(str(item["dialogue"]), int(item["turn"])) for model in models for item in model.items}
    parts = [_count(len(models), "model"), _count(len(dialogues), "dialogue"), _count(len(turns), "turn")]
    encoder = manifest.get("encoder")
    if encoder:
        name = encoder.get("name", "") if isinstance(encoder, Mapping) else encoder
        parts.append(f"images and prompts compared by the encoder “{name}”")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _trend(slope: Estimate, view: MetricSpec) -> tuple[str, str, str]:
    """Tone, mark and reading of a slope."""
    if not slope.bounded:
        return "", "", "undefined"
    better, worse = ("gain", "loss") if view.higher_is_better else ("loss", "gain")
    neutral = view.higher_is_better is None
    if slope.falls:
        return "" if neutral else worse, "▼", "declines"
    if slope.rises:
        return "" if neutral else better, "▲", "rises"
    return "", "→", "no change seen" if slope.varies else "all scores equal"


def _row(index: int, model: ModelScores, metrics: Sequence[MetricSpec]) -> dict[str, Any]:
    copy = estimate(model.scores, COPY_RATE)
    return {
        "name": model.model,
        "colour": index,
        "cells": [_cell(model, view) for view in metrics],
        "copy_rate": {"value": number(copy.value), "interval": span(copy)},
        "copies": copies(model),
        "coverage": _percent(lowest_coverage(model, metrics)),
    }


def _uncovered(models: Sequence[ModelScores], metrics: Sequence[MetricSpec]) -> list[tuple[ModelScores, float]]:
    """The models that left outputs out, with their lowest coverage."""
    shares = [(model, lowest_coverage(model, metrics)) for model in models]
    return [(model, share) for model, share in shares if not is_covered(share)]


def _left_out(index: int, model: ModelScores, metrics: Sequence[MetricSpec]) -> list[dict[str, Any]]:
    """Scores of which outputs are missing, with those counted as 0 beside them."""
    return [
        {
            "name": model.model,
            "colour": index,
            "label": view.label,
            "coverage": _percent(coverage(model, view)),
            "value": number(without_absent(model, view)),
            "zero": number(with_absent_as_zero(model, view)),
        }
        for view in metrics
        if counts_from_0(view) and any(mark.kind == "coverage" for mark in marks(model, view))
    ]


def _comparison(metric: MetricComparison, models: Sequence[ModelScores]) -> dict[str, Any]:
    """All pairs under one metric, the clearest differences first where there are many."""
    rows = []
    for pair, p in zip(metric.differences, metric.p, strict=True):
        found = joint(pair)
        rows.append(
            {
                "first": {"name": models[pair.first].model, "colour": pair.first},
                "second": {"name": models[pair.second].model, "colour": pair.second},
                "value": number(pair.value, 3, signed=True),
                "interval": span(found, 3) or pair.reason,
                "p": p_text(p),
                "smallest": number(pair.smallest, 3),
                "dialogues": pair.dialogues,
                "ahead": pair.leader is not None,
            }
        )
    return {"label": metric.view.label, "rows": rows}


def _ranks(place: int, model: ModelScores, compared: Sequence[MetricComparison]) -> dict[str, Any]:
    cells = []
    for metric in compared:
        low, high = metric.ranks[place]
        told = marks(model, metric.view)
        cells.append(
            {
                "ranks": str(low) if low == high else f"{low}–{high}",
                "signs": "".join(mark.sign for mark in told),
                "told": "; ".join(mark.text for mark in told),
            }
        )
    return {"name": model.model, "colour": place, "cells": cells}


def _cell(model: ModelScores, view: MetricSpec) -> dict[str, Any]:
    score, slope = estimate(model.scores, view.key), estimate(model.scores, f"{view.key}_slope")
    tone, mark, _ = _trend(slope, view)
    change = f"{mark} {number(slope.value, 3, signed=True)} a turn".strip() if slope.known else "no slope"
    return {
        "value": number(score.value, 2 if view.is_mean else 3),
        "interval": span(score) or model.reasons.get(view.key, "no interval"),
        "slope": change,
        "tone": tone,
        "marks": [mark._asdict() for mark in marks(model, view)],
    }


def _panel(view: MetricSpec, models: Sequence[ModelScores]) -> dict[str, Any] | None:
    lines = [
        Line(
            model.model, i, curve(model.scores, view.key), records_by_turn(model.items, view.item) if view.item else {}
        )
        for i, model in enumerate(models)
    ]
    chances = [as_float(model.scores.get(CHANCE)) for model in models if view.key == "turn_retrieval"]
    chances = [chance for chance in chances if not math.isnan(chance)]
    chance = math.fsum(chances) / len(chances) if chances else math.nan
    svg = curves(lines, f"{view.label} by turn", is_share=view.is_share, reference=chance, reference_name="chance")
    asked = {"image": "image turns", "text": "text turns"}.get(view.modality, "all turns")
    return {"label": view.label, "caption": f"by turn, {asked}", "svg": Markup(svg)} if svg else None


def _slopes(view: MetricSpec, models: Sequence[ModelScores]) -> dict[str, Any] | None:
    slopes = [estimate(model.scores, f"{view.key}_slope") for model in models]
    ends = [end for slope in slopes for end in (slope.value, slope.lower, slope.upper) if math.isfinite(end)]
    if not ends:
        return None
    low, high = min(0.0, *ends), max(0.0, *ends)
    low, high = (low, high) if high > low else (-1.0, 1.0)
    entries = []
    for i, (model, slope) in enumerate(zip(models, slopes, strict=True)):
        tone, mark, verdict = _trend(slope, view)
        entries.append(
            {
                "name": model.model,
                "colour": i,
                "svg": Markup(error_bar(slope, low, high, i)),
                "tone": tone,
                "value": number(slope.value, 3, signed=True),
                "marks": [mark._asdict() for mark in slope_marks(model, view)] if slope.known else [],
                "interval": span(slope, 3) or model.reasons.get(f"{view.key}_slope", ""),
                "verdict": f"{mark} {verdict}",
            }
        )
    return {"label": view.label, "entries": entries}


def _coverage(index: int, model: ModelScores, metrics: Sequence[MetricSpec]) -> dict[str, Any]:
    cells = []
    for view in metrics:
        count = as_float(model.scores.get(f"{view.key}_n"))
        scored = "" if math.isnan(count) else f"n = {count:.0f}"
        cells.append({"share": _percent(as_float(model.scores.get(f"{view.key}_coverage"))), "count": scored})
    return {
        "name": model.model,
        "colour": index,
        "dialogues": len({str(item["dialogue"]) for item in model.items}),
        "turns": len(model.items),
        "cells": cells,
        "images": _absent(model, "image"),
        "answers": _absent(model, "text"),
        "without_key": f"{as_float(model.scores.get(WITHOUT_KEY, 0.0)):.0f}",
    }


def _absent(model: ModelScores, modality: str) -> str:
    asked = [item for item in model.items if item.get("modality") == modality]
    return f"{sum(map(is_missing, asked))} of {len(asked)}"


def _percent(share: float) -> str:
    if math.isnan(share):
        return "–"
    # Round towards "not all": 99.97 % must not read as complete.
    return "100 %" if share >= 1 else f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"


def _worst(models: Sequence[ModelScores], count: int) -> list[dict[str, Any]]:
    shelf = ThumbnailShelf()
    groups = []
    for i, model in enumerate(models):
        dialogues = [
            {"dialogue": d.dialogue, "noun": d.noun, "mean": number(d.mean), "turns": d.turns, "hidden": d.hidden}
            for d in worst_dialogues(model, count, shelf)
        ]
        groups.append({"name": model.model, "colour": i, "dialogues": dialogues})
    return groups


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The entries of nested mappings as text, each under its dotted key."""
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            yield from flat(entry, f"{prefix}{key}.")
        else:
            plain = to_json(entry)
            yield f"{prefix}{key}", ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def _numbers(models: Sequence[ModelScores]) -> list[tuple[str, list[str]]]:
    keys = dict.fromkeys(key for model in models for key in model.scores if not is_grouped(key))
    return [(key, [number(as_float(model.scores.get(key)), 4) for model in models]) for key in keys]
