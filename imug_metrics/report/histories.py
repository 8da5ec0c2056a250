# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Own against reference history: what the page shows of models that were scored on both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from imug_metrics.report.metric_specs import (
    ALIGNMENT_GAP,
    EXPOSURE,
    Estimate,
    as_float,
    compares_histories,
    curve,
    estimate,
    horizon,
    number,
    span,
)
from imug_metrics.report.svg import Line, curves

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

_PANELS = (
    ("Gap of answers", "reference minus own, by turn", EXPOSURE, "turn"),
    ("Excess error", "in per cent, piled up to the turn", EXPOSURE, "excess"),
    ("Gap of alignment", "reference minus own, by turn", ALIGNMENT_GAP, "turn"),
)


def histories(models: Sequence[ModelScores]) -> dict[str, Any] | None:
    """The section's table and curves, or None where no model was scored on the reference history.

    Example:
        >>> from types import SimpleNamespace
        >>> histories([SimpleNamespace(model="steady", scores={"turn_alignment": 0.5}, items=[])]) is None
        True
    """
    compared = [(i, model) for i, model in enumerate(models) if compares_histories(model)]
    if not compared:
        return None
    return {
        "rows": [_row(i, model) for i, model in compared],
        "drawn": any(estimate(model.scores, ALIGNMENT_GAP).known for _, model in compared),
        "panels": [panel for chosen in _PANELS if (panel := _panel(compared, *chosen))],
    }


def _row(index: int, model: ModelScores) -> dict[str, Any]:
    scores = model.scores
    unpaired = as_float(scores.get(f"{EXPOSURE}_unpaired"))
    excess = _cell(estimate(scores, EXPOSURE), 0, " %")
    excess["interval"] += f"{', ' if excess['interval'] else ''}turn {horizon(model)}" if horizon(model) else ""
    return {
        "name": model.model,
        "colour": index,
        "own": number(as_float(scores.get(f"{EXPOSURE}_scores"))),
        "reference": number(as_float(scores.get(f"{EXPOSURE}_baseline"))),
        "cells": [_cell(estimate(scores, f"{EXPOSURE}_{key}"), 3) for key in ("mean", "slope")] + [excess],
        "pairs": number(as_float(scores.get(f"{EXPOSURE}_n")), 0),
        "unpaired": f"{unpaired:.0f} unpaired" if unpaired > 0 else "",
        "drawn": _cell(estimate(scores, ALIGNMENT_GAP), 3),
    }


def _cell(cost: Estimate, digits: int, unit: str = "") -> dict[str, str]:
    mark, tone = {-1: ("▼ ", "gain"), 0: ("", ""), 1: ("▲ ", "loss")}[cost.direction]
    shown = number(cost.value, digits, signed=True) + (unit if cost.known else "")
    return {"value": mark + shown, "interval": span(cost, digits), "tone": tone}


def _panel(
    models: Sequence[tuple[int, ModelScores]], label: str, caption: str, key: str, point: str
) -> dict[str, Any] | None:
    lines = [Line(model.model, i, curve(model.scores, key, point), {}) for i, model in models]
    if not any(value.known for line in lines for value in line.points.values()):
        return None
    svg = curves(lines, f"{label} by turn", reference=0.0, reference_name="no cost")
    return {"label": label, "caption": caption, "svg": Markup(svg)}
