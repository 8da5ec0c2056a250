# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The scores as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from imug_metrics.report.judging import by_group, judge_rows
from imug_metrics.report.metric_specs import (
    ALIGNMENT_GAP,
    COPY_RATE,
    EXPOSURE,
    Estimate,
    as_float,
    check_models,
    compares_histories,
    copies,
    estimate,
    horizon,
    number,
)
from imug_metrics.report.sanitize import plain

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

_SCORES = (
    ("Answers\nstrict", "answer_accuracy"),
    ("Answers\nIMUG", "answer_accuracy_imug"),
    ("Align-\nment", "turn_alignment"),
    ("Re-\ntrieval", "turn_retrieval"),
    ("Consis-\ntency", "turn_consistency"),
    ("Copy\nrate", COPY_RATE),
)
_COSTS = (
    ("Gap", f"{EXPOSURE}_mean", 2),
    ("Gap\na turn", f"{EXPOSURE}_slope", 3),
    ("Excess\nerror %", EXPOSURE, 0),
    ("Alignment\ngap", ALIGNMENT_GAP, 3),
)
_POINTS = ("point_score", "point_score_imug")
_SLOPES = (("Answers\na turn", "answer_accuracy_slope"), ("Alignment\na turn", "turn_alignment_slope"))


def print_table(
    models: Sequence[ModelScores],
    *,
    judges: Mapping[str, Mapping[str, Any]] | None = None,
    console: Console | None = None,
) -> None:
    """Print one row a model: scores, then the change per turn with its 95 % interval.

    A slope whose interval lies below zero is marked ``▼``, above zero ``▲``; ``!`` marks a copy rate that makes the
    consistency meaningless. Where models were scored on the reference history as well, a second table shows what their
    own history costs them. Where images were judged, one more shows their points, and a last one the main scores by
    class.

    Args:
        models: scores of at least one model, names unique.
        judges: by model, what is known of its judge; see `write_report`.
        console: where to print; standard output by default.

    Raises:
        ValueError: ``models`` is empty or names a model twice.

    Example:
        >>> from types import SimpleNamespace
        >>> print_table([])
        Traceback (most recent call last):
        ...
        ValueError: Expected argument `models` to hold at least one model, got none.
    """
    check_models(models)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0, caption=_caption(models), caption_justify="left")
    table.add_column("\nModel", overflow="fold", min_width=7)
    for heading, _ in (*_SCORES, *_SLOPES):
        table.add_column(heading, justify="right", no_wrap=True, overflow="crop")
    for model in models:
        values = [_score(model, key) for _, key in _SCORES]
        slopes = [_slope(estimate(model.scores, key)) for _, key in _SLOPES]
        # A model's name is a folder's name: `Text` takes it literally where rich would read markup.
        table.add_row(Text(plain(model.model), style="bold"), *values, *slopes)
    console = console or Console()
    console.print(table)
    compared = [model for model in models if compares_histories(model)]
    if compared:
        console.print(_histories(compared))
    judged = [model for model in models if any(estimate(model.scores, key).known for key in _POINTS)]
    if not judged:
        return
    console.print(_judged(judged, judges or {}))
    by_class = [group for group in by_group(models) if group["class"]]
    if by_class:
        console.print(_classes(models, by_class))


def _judged(models: Sequence[ModelScores], judges: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = {row["name"]: row for row in judge_rows(models, judges)}
    table = _titled("Judged images", "points / 5; failed judgements are left out, not counted as 0")
    headings = ("Points\nstrict", "Points\nIMUG", "Points\na turn", *(("Judge's\nanswers", "Failed") if rows else ()))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True, overflow="crop")
    for model in models:
        row = rows.get(model.model)
        failed = Text(str(row["failed"]), style="bold red" if row["failed"] else "") if row else Text("")
        told = (Text(row["answers"] if row else ""), failed) if rows else ()
        points = (Text(number(as_float(model.scores.get(key)))) for key in _POINTS)
        slope = _slope(estimate(model.scores, "point_score_slope"))
        table.add_row(Text(plain(model.model), style="bold"), *points, slope, *told)
    return table


def _classes(models: Sequence[ModelScores], groups: Sequence[Mapping[str, Any]]) -> Table:
    table = _titled("By class", "domains: summary.json and the report")
    names = list(dict.fromkeys(name for group in groups for name, _ in group["class"]))
    table.add_column("\nScore")
    for name in names:
        table.add_column(Text("\n".join(plain(name).split(" ", 1))), justify="right")
    for place, model in enumerate(models):
        for first, group in enumerate(groups):
            cells = {name: row[place]["value"] for name, row in group["class"]}
            label = Text(plain(model.model) if first == 0 else "", style="bold")
            table.add_row(label, group["label"], *(cells.get(name, "–") for name in names))
        table.add_section()
    return table


def _titled(title: str, caption: str) -> Table:
    shown = Text(title, style="bold")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=shown, title_justify="left", caption=caption)
    table.caption_justify = "left"
    table.add_column("\nModel", overflow="fold", min_width=7)
    return table


def _histories(models: Sequence[ModelScores]) -> Table:
    last = max(map(horizon, models))
    caption = f"reference minus own history; excess: error piled up by turn {last} beyond that on the reference history"
    table = _titled("Own against reference history", caption)
    for heading in ("Answers\nown", "Answers\nreference", *(heading for heading, _, _ in _COSTS)):
        table.add_column(heading, justify="right", no_wrap=True, overflow="crop")
    for model in models:
        arms = (number(as_float(model.scores.get(f"{EXPOSURE}_{arm}"))) for arm in ("scores", "target"))
        costs = (_cost(estimate(model.scores, key), digits) for _, key, digits in _COSTS)
        table.add_row(Text(plain(model.model), style="bold"), *arms, *costs)
    return table


def _cost(cost: Estimate, digits: int) -> Text:
    mark, style = {-1: ("▼ ", "bold green"), 0: ("", ""), 1: ("▲ ", "bold red")}[cost.direction]
    text = Text(mark + number(cost.value, digits, signed=True), style=style)
    if cost.bounded:
        text.append(f"\n{number(cost.lower, min(digits, 2))}…{number(cost.upper, min(digits, 2))}", style="dim")
    return text


def _score(model: ModelScores, key: str) -> Text:
    text = Text(number(as_float(model.scores.get(key))))
    if key == COPY_RATE and copies(model):
        text.append(" !", style="bold yellow")
    return text


def _slope(slope: Estimate) -> Text:
    mark, style = ("▼ ", "bold red") if slope.falls else ("▲ ", "bold green") if slope.rises else ("", "")
    text = Text(mark + number(slope.value, 3, signed=True), style=style)
    if slope.bounded:
        text.append(f"\n{number(slope.lower)}…{number(slope.upper)}", style="dim")
    return text


def _caption(models: Sequence[ModelScores]) -> str:
    lines = ["▼ ▲ the 95 % interval of the change a turn lies wholly below / above 0"]
    if any(copies(model) for model in models):
        lines.append("!   repeats its own images: its consistency is not identity kept")
    return "\n".join(lines)
