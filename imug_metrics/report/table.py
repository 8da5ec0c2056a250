# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The scores as tables of a few columns, for a terminal or a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics.report.judging import by_group, judge_rows
from imug_metrics.report.marks import lowest_coverage, marks, share_cell, slope_marks
from imug_metrics.report.metric_specs import (
    ALIGNMENT_GAP,
    COPY_RATE,
    EXPOSURE,
    METRICS,
    Estimate,
    MetricSpec,
    as_float,
    check_models,
    compares_histories,
    estimate,
    horizon,
    known_metrics,
    number,
    own_metrics,
    shown_metrics,
)
from imug_metrics.report.tables.table import Cell, Mark, Table, Tone

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
_COVERAGE = "Cover-\nage"
_COSTS = (
    ("Gap", f"{EXPOSURE}_mean", 2),
    ("Gap\na turn", f"{EXPOSURE}_slope", 3),
    ("Excess\nerror %", EXPOSURE, 0),
    ("Alignment\ngap", ALIGNMENT_GAP, 3),
)
_TONES: Mapping[bool | None, tuple[Tone, Tone]] = {True: ("bad", "good"), False: ("good", "bad"), None: ("", "")}
"""Of a fall and of a rise, by whether higher is better."""
_POINTS = ("point_score", "point_score_imug")
_SLOPES = (("Answers\na turn", "answer_accuracy"), ("Alignment\na turn", "turn_alignment"))


def score_tables(models: Sequence[ModelScores], judges: Mapping[str, Mapping[str, Any]] | None = None) -> list[Table]:
    """One row a model: scores, then the change per turn with its 95 % interval.

    A slope whose interval lies below zero is marked ``▼``, above zero ``▲``. Every table has the coverage of the least
    covered score; a score is marked ``!`` where outputs are missing that might have lowered it, ``≈`` where it is not
    above chance and ``=`` where it comes from repeated images, and the caption says more. Where models were scored on
    the reference history as well, a table shows what their own history costs them. Where images were judged, one more
    shows their points, and a last one the main scores by class.

    Args:
        models: scores of at least one model, names unique.
        judges: by model, what is known of its judge; see `write_report`.

    Raises:
        ValueError: ``models`` is empty or names a model twice.

    Example:
        >>> from types import SimpleNamespace
        >>> table, *_ = score_tables([SimpleNamespace(model="steady", scores={"turn_alignment": 0.5}, items=[])])
        >>> "0.50" in str(table)
        True
    """
    check_models(models)
    tables = [_scores(models), _changes(models)]
    compared = [model for model in models if compares_histories(model)]
    if compared:
        tables.append(_histories(compared))
    judged = [model for model in models if any(estimate(model.scores, key).known for key in _POINTS)]
    if judged:
        tables.append(_judged(judged, judges or {}))
        by_class = [group for group in by_group(models) if group["class"]]
        tables += [_classes(models, by_class)] if by_class else []
    return tables


def _scores(models: Sequence[ModelScores]) -> Table:
    shown, told = shown_metrics(models), {model.model: _marks(model) for model in models}
    columns = _columns(models, _SCORES, "")
    rows = [
        [
            _name(model),
            *(_score(model, key, told[model.model], digits) for _, key, digits in columns),
            _covered(model, shown),
        ]
        for model in models
    ]
    legend = [
        f"{mark.sign}  {model}, {label.replace(chr(10), ' ').replace('- ', '')}: {mark.text}"
        for model, by_key in told.items()
        for label, key, _ in columns
        for mark in by_key.get(key, ())
    ]
    return Table(("\nModel", *(heading for heading, _, _ in columns), _COVERAGE), [rows], caption=tuple(legend))


def _columns(models: Sequence[ModelScores], usual: Sequence[tuple[str, str]], end: str) -> list[tuple[str, str, int]]:
    """Heading, key and digits of each column: the usual ones, then the metrics that were given and have such a score.

    Usual columns without any value are left out where others stand in their place.
    """
    own = [view for view in own_metrics(models) if any(estimate(m.scores, view.key + end).known for m in models)]
    found = [(heading, key, 2) for heading, key in usual]
    if own:
        found = [column for column in found if any(estimate(m.scores, column[1] + end).known for m in models)]
    suffix = " a turn" if end else ""
    return found + [(_heading(f"{view.label}{suffix}"), view.key, 2 if view.is_mean else 3) for view in own]


def _heading(label: str) -> str:
    """A label on two lines of about one length."""
    words = label.split()
    ends = range(1, len(words))
    parts = [(" ".join(words[:end]), " ".join(words[end:])) for end in ends] or [("", label)]
    return "\n".join(min(parts, key=lambda part: max(map(len, part))))


def _changes(models: Sequence[ModelScores]) -> Table:
    shown = shown_metrics(models)
    columns = _columns(models, _SLOPES, "_slope")
    rows = [[_name(model), *(_slope(model, key) for _, key, _ in columns), _covered(model, shown)] for model in models]
    caption = ["▼ ▲ the 95 % interval of the change a turn lies wholly below / above 0"]
    if any(cell.tone == "warn" for row in rows for cell in row[1:-1]):
        caption.append("! outputs are missing; ≈ the score is not above chance, so that its change says little")
    header = ("\nModel", *(heading for heading, _, _ in columns), _COVERAGE)
    return Table(header, [rows], "Change a turn", tuple(caption))


def _marks(model: ModelScores) -> dict[str, list[Mark]]:
    """By metric, what must be known of the model's score."""
    return {view.key: found for view in known_metrics([model]) if (found := marks(model, view))}


def _covered(model: ModelScores, shown: Sequence[MetricSpec]) -> Cell:
    """The coverage of the least covered metric, rounded towards "not all"."""
    share = lowest_coverage(model, shown)
    text = "–" if math.isnan(share) else f"{math.floor(100 * share + 1e-9)} %"
    return share_cell(text, share)


def _judged(models: Sequence[ModelScores], judges: Mapping[str, Mapping[str, Any]]) -> Table:
    told = {row["name"]: row for row in judge_rows(models, judges)}
    more = ("Judge's\nanswers", "Failed") if told else ()
    header = ("\nModel", "Points\nstrict", "Points\nIMUG", "Points\na turn", *more, _COVERAGE)
    views = [view for view in METRICS if view.key in _POINTS]
    rows = []
    for model in models:
        row = told.get(model.model)
        failed = Cell(str(row["failed"]), "bad" if row["failed"] else "") if row else Cell("")
        judge = [Cell(row["answers"] if row else ""), failed] if told else []
        points = [_score(model, key, _marks(model)) for key in _POINTS]
        rows.append([_name(model), *points, _slope(model, "point_score"), *judge, _covered(model, views)])
    return Table(header, [rows], "Judged images", ("points / 5; failed judgements are left out, not counted as 0",))


def _classes(models: Sequence[ModelScores], groups: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for group in groups for name, _ in group["class"]))
    shown = shown_metrics(models)
    sections = []
    for place, model in enumerate(models):
        rows = []
        for first, group in enumerate(groups):
            cells = {name: row[place]["value"] for name, row in group["class"]}
            label, covered = (_name(model), _covered(model, shown)) if first == 0 else (Cell(""), Cell(""))
            rows.append([label, Cell(group["label"]), *(Cell(cells.get(name, "–")) for name in names), covered])
        sections.append(rows)
    header = ("\nModel", "\nScore", *("\n".join(name.split(" ", 1)) for name in names), _COVERAGE)
    return Table(header, sections, "By class", ("domains: summary.json and the report",))


def _histories(models: Sequence[ModelScores]) -> Table:
    last = max(map(horizon, models))
    caption = f"reference minus own history; excess: error piled up by turn {last} beyond that on the reference history"
    rows = []
    for model in models:
        arms = [Cell(number(as_float(model.scores.get(f"{EXPOSURE}_{arm}")))) for arm in ("scores", "baseline")]
        costs = [_cost(estimate(model.scores, key), digits) for _, key, digits in _COSTS]
        pairs = [view for view in METRICS if view.key == "answer_accuracy"]
        rows.append([_name(model), *arms, *costs, _covered(model, pairs)])
    header = ("\nModel", "Answers\nown", "Answers\nreference", *(heading for heading, _, _ in _COSTS), _COVERAGE)
    return Table(header, [rows], "Own against reference history", (caption,))


def _name(model: ModelScores) -> Cell:
    return Cell(model.model, "bold")


def _score(model: ModelScores, key: str, told: Mapping[str, Sequence[Mark]], digits: int = 2) -> Cell:
    text, signs = number(as_float(model.scores.get(key)), digits), "".join(mark.sign for mark in told.get(key, ()))
    return Cell(f"{text} {signs}", "warn") if signs else Cell(text)


def _cost(cost: Estimate, digits: int) -> Cell:
    return _bounded(marked_cell(cost, digits, falling="good", rising="bad"), cost, min(digits, 2))


def _slope(model: ModelScores, key: str) -> Cell:
    """The change a turn of a metric, with the signs of what must be known of it."""
    slope = estimate(model.scores, f"{key}_slope")
    view = next((view for view in known_metrics([model]) if view.key == key), None)
    tones = _TONES[True if view is None else view.higher_is_better]
    cell = _bounded(marked_cell(slope, 3, falling=tones[0], rising=tones[1]), slope, 2)
    told = [] if view is None else slope_marks(model, view)
    signs = "".join(dict.fromkeys(mark.sign for mark in told)) if slope.known else ""
    return cell._replace(text=f"{cell.text} {signs}", tone="warn") if signs else cell


def marked_cell(value: Estimate, digits: int, *, falling: Tone = "bad", rising: Tone = "good") -> Cell:
    """A signed estimate with the mark of its direction, if its interval tells one."""
    marks: dict[int, tuple[str, Tone]] = {-1: ("▼ ", falling), 0: ("", ""), 1: ("▲ ", rising)}
    mark, tone = marks[value.direction]
    return Cell(mark + number(value.value, digits, signed=True), tone)


def _bounded(cell: Cell, value: Estimate, digits: int) -> Cell:
    """The cell with the interval below it."""
    lower, upper = number(value.lower, digits), number(value.upper, digits)
    return cell._replace(below=f"{lower}…{upper}") if value.bounded else cell
