# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Repeated runs of the same models: means over the runs, and how much of a score is the luck of one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from imug_metrics._numbers import number
from imug_metrics._version import __version__
from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.item_scores import metric_spec
from imug_metrics.evaluation.result import Evaluation
from imug_metrics.report.estimates import as_float
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.metric_specs import METRICS, MetricSpec, known_metrics, row_metrics, shown_metrics
from imug_metrics.report.row_scores import row_scores, turn_values
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.stats.variance_components import Level, repeats_worth, variance_components
from imug_metrics.suite import ModelScores

LEVELS: tuple[Level, ...] = ("dialogue", "record", "repeat")
_SHOWN = (2, math.inf)
_HEADER = ("\nScore", "\nMean", "\n95 % interval", "Dia-\nlogues", "Re-\ncords", "\nRuns", "Width,\n2 runs", "\n∞ runs")


@dataclass(frozen=True)
class RepeatedScore:
    """One score of a model over several runs.

    Attributes:
        model: its name.
        metric: the score's key.
        runs: how many there are.
        value, lower, upper: mean over the runs of every record, with its interval by dialogue, which holds the luck of
            the runs as well.
        variance: by level, what dialogues, records of a dialogue and runs of a record add to a single score.
        widths: by number of runs, the width of the interval as a share of that with one.
        best: number of runs that makes the shortest interval where a further run costs as much as further dialogues.
    """

    model: str
    metric: str
    runs: int
    value: float
    lower: float
    upper: float
    variance: Mapping[str, float]
    widths: Mapping[float, float]
    best: float


@dataclass(frozen=True)
class RepeatedRuns:
    """What `repeated_runs` found out, one entry a model and metric."""

    scores: tuple[RepeatedScore, ...]

    def tables(self) -> list[Table]:
        """One table, a section a model."""
        labels = {view.key: view.label for view in METRICS}  # others are called as their scores are
        sections = []
        for model in dict.fromkeys(score.model for score in self.scores):
            mine = [score for score in self.scores if score.model == model]
            head = Cell(f"{model}, {mine[0].runs} runs", "bold")
            sections.append(
                [
                    [head, *[Cell("")] * (len(_HEADER) - 1)],
                    *(_line(score, labels.get(score.metric, score.metric)) for score in mine),
                ]
            )
        caption = (
            "dialogues, records, runs: shares of the variance of a single score",
            "width: of the interval with 2 and with any number of runs, as a share of that with one",
        )
        return [Table(_HEADER, sections, "Repeated runs", caption, name="repeats")]

    def table(self) -> str:
        """The table as text."""
        return "\n\n".join(map(str, self.tables()))

    def report(self, out: Path | str) -> Path:
        """Write repeats.json into a folder; returns its path."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        content = {"imug_metrics": __version__, "scores": [asdict(score) for score in self.scores]}
        return write_whole(out / "repeats.json", json_text("repeats", content))


def repeated_runs(
    *runs: Evaluation | Path | str, metrics: Sequence[str] = (), models: Sequence[str] = ()
) -> RepeatedRuns:
    """How much of each model's scores is the luck of a run, and what more runs would bring.

    Args:
        runs: evaluations, or folders that hold one, of the same models on the same turns: two or more.
        metrics: keys of those to look at; none: all that were scored, without costs.
        models: names; none: all that every run holds.

    Raises:
        ArgumentError: if an argument is not as expected, or no model is in all runs.
    """
    by_model = models_of_runs(runs, models)
    found = []
    for model, scores in by_model.items():
        known = {view.key: view for view in known_metrics(scores)}
        given = [known[key] if key in known else metric_spec(key) for key in metrics]
        views = given or [view for view in row_metrics(shown_metrics(scores)) if not view.is_cost]
        mean = average_runs(scores)
        found += [_repeated(model, view, scores, mean) for view in views if view.key in mean.scores]
    return RepeatedRuns(tuple(found))


def models_of_runs(runs: Sequence[Evaluation | Path | str], models: Sequence[str] = ()) -> dict[str, list[ModelScores]]:
    """By model, its scores in each run.

    Raises:
        ArgumentError: if there are fewer than two runs, or a model lacks in one.
    """
    if len(runs) < 2:
        raise ArgumentError("runs", f"expected two repeated runs or more, got {len(runs)}")
    loaded = [run if isinstance(run, Evaluation) else Evaluation.load(run) for run in runs]
    each = [{result.model: result.scores for result in evaluation.results} for evaluation in loaded]
    shared = [model for model in each[0] if all(model in scores for scores in each)]
    for model in models:
        if model not in shared:
            raise ArgumentError("models", f"expected a model that all runs hold, got {model!r}")
    if not shared:
        raise ArgumentError("runs", "expected repeats of the same models; no model is in all of them")
    return {model: [scores[model] for scores in each] for model in models or shared}


def average_runs(runs: Sequence[ModelScores]) -> ModelScores:
    """One model whose records score what they score on average over the runs that scored them.

    Args:
        runs: the same model's, on the same turns.
    """
    rows: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for run in runs:
        for item in run.items:
            rows.setdefault((str(item["dialogue"]), int(item["turn"])), []).append(item)
    views = row_metrics(known_metrics(runs))
    columns = {view.item for view in views}
    items = [{**same[0], **{name: _mean(row.get(name) for row in same) for name in columns}} for same in rows.values()]
    keys = dict.fromkeys(key for run in runs for key in run.scores if not key.endswith(("_lower", "_upper")))
    plain = {key: _mean(run.scores.get(key) for run in runs) for key in keys}
    scores = {key: math.nan if value is None else value for key, value in plain.items()}
    for view in views:
        found = row_scores(items, view)
        found.pop(f"{view.key}_coverage", None)  # a record that some runs lack is not all there: their mean says it
        scores |= found
    return ModelScores(runs[0].model, scores, items, descriptions=runs[0].descriptions)


def _repeated(model: str, view: MetricSpec, runs: Sequence[ModelScores], mean: ModelScores) -> RepeatedScore:
    places = [place for place, value in turn_values(mean.items, view.item).items() if not math.isnan(value)]
    known = [turn_values(run.items, view.item) for run in runs]
    scores = torch.tensor([[run.get(place, math.nan) for run in known] for place in places], dtype=torch.float64)
    dialogue = hash_ids([dialogue for dialogue, _ in places])
    components = variance_components(scores, dialogue)
    worth = repeats_worth(components, len(places) / len(set(dialogue.tolist())))
    ends = [as_float(mean.scores.get(f"{view.key}{end}")) for end in ("", "_lower", "_upper")]
    variance: dict[str, float] = {level: components[level].variance for level in LEVELS}
    return RepeatedScore(model, view.key, len(runs), ends[0], ends[1], ends[2], variance, worth.widths, worth.best)


def _mean(values: Any) -> float | None:
    known = [number for value in values if not math.isnan(number := as_float(value))]
    return math.fsum(known) / len(known) if known else None


def _line(score: RepeatedScore, label: str) -> list[Cell]:
    total = math.fsum(score.variance.values())
    shares = [number(100 * part / total, 0) + " %" if total > 0 else "–" for part in score.variance.values()]
    interval = "–" if math.isnan(score.lower) else f"{number(score.lower)} to {number(score.upper)}"
    widths = (number(score.widths.get(count, math.nan)) for count in _SHOWN)
    value = Cell(number(score.value), "", "", score.value, score.lower, score.upper)
    return [Cell(label), value, Cell(interval), *map(Cell, shares), *map(Cell, widths)]
