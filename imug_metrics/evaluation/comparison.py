# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models held against each other as one call: who differs from whom, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics._version import __version__
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.item_scores import metric_spec
from imug_metrics.evaluation.repeats import average_runs, models_of_runs
from imug_metrics.evaluation.result import Evaluation
from imug_metrics.evaluation.settings import join_names
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.metric_differences import metric_differences
from imug_metrics.report.comparison import REPLICATES, MetricComparison, compare_models, comparison_rows, ranks
from imug_metrics.report.comparison_table import comparison_tables
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.marks import marks, slope_marks
from imug_metrics.report.metric_specs import METRICS, MetricSpec, comparable_metrics, known_metrics
from imug_metrics.report.row_scores import image_scores, row_scores
from imug_metrics.report.tables.table import Mark, Table
from imug_metrics.report.trackers.groups import ScoreGroup, difference_groups
from imug_metrics.report.trackers.tables import exact_table
from imug_metrics.report.trackers.trackable import Trackable
from imug_metrics.suite import ModelScores, metric_scores

Rows: TypeAlias = "Iterable[Mapping[str, Any]]"
Run: TypeAlias = "Evaluation | Path | str"


@dataclass(frozen=True)
class Comparison(Trackable):
    """What `imug_metrics.compare` found out.

    Attributes:
        models: names, which the places in the differences stand for.
        metrics: by metric, every two models' difference and every model's ranks.
        marks: by metric (of a slope "..._slope") and model, what must be known of it before it is believed.
        level: probability with which all intervals of a metric cover.
        power: of the smallest difference that is told of each pair.
    """

    models: tuple[str, ...]
    metrics: tuple[MetricComparison, ...]
    marks: Mapping[str, Mapping[str, tuple[Mark, ...]]]
    level: float
    power: float

    def tables(self) -> list[Table]:
        """Who differs from whom, and the ranks."""
        return comparison_tables(self.models, self.metrics, self.marks, level=self.level, power=self.power)

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join(map(str, self.tables()))

    def rows(self) -> list[dict[str, Any]]:
        """One row a metric and pair: metric, the two models' names, and what `PairedDifference` holds of them."""
        return comparison_rows(self.models, self.metrics)

    def _score_groups(self) -> list[ScoreGroup]:
        """The difference of each two models in each metric, for trackers."""
        return difference_groups(self.rows())

    def _tracked_tables(self) -> list[Table]:
        """For trackers: `rows` as a table."""
        rows = self.rows()
        return [exact_table("differences", [*rows[0]], [row.values() for row in rows])] if rows else []

    def report(self, out: Path | str) -> Path:
        """Write comparison.json into a folder; returns its path."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        content = {
            "imug_metrics": __version__,
            "models": self.models,
            "level": self.level,
            "power": self.power,
            "differences": self.rows(),
            "ranks": {metric.key: dict(zip(self.models, metric.ranks)) for metric in self.metrics},
            "marks": {
                key: {model: [mark._asdict() for mark in of] for model, of in by_model.items()}
                for key, by_model in self.marks.items()
            },
        }
        return write_whole(out / "comparison.json", json_text("comparison", content))


def compare(
    *runs: Run | Mapping[str, Rows] | Mapping[str, DialogueMetric],
    metrics: Sequence[str] = (),
    models: Sequence[str] = (),
    slopes: bool = False,
    repeats: bool = False,
    level: float = 0.95,
    power: float = 0.8,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """Which model differs from which: paired by dialogue and turn, with bounds that hold for all pairs at once.

    Each two models are compared on the records that both have a score of. Bounds, p-values and ranks of one metric hold
    together for all pairs; the p-values over several metrics are adjusted by Holm's rule.

    Args:
        runs: evaluations, or folders in which `imug-metrics score` or `Evaluation.save` has kept one; or one mapping by
            model: to rows of records (dialogue, turn and scores such as `alignment`, as `Evaluation.items` has them),
            or to a metric each, with `bootstrap` above 0, that saw the same dialogues. Marks of metrics need their
            `detail`.
        metrics: keys of those to compare, such as "turn_alignment"; none: all scores that say which end is
            better.
        models: names of those to compare; none: all.
        slopes: compare the changes per turn as well.
        repeats: the runs are repeats of the same models, and their means over the runs are compared.
        level: probability with which all intervals of a metric cover.
        power: of the smallest difference that is told of each pair.
        replicates, seed: of the bootstrap behind the bounds that hold for all pairs.

    Raises:
        ArgumentError: if an argument is not as expected, a folder holds no evaluation, or there are fewer than two
            models.
        ValueError: if states cannot be compared, see `imug_metrics.metrics.metric_differences.metric_differences`.

    Example:
        >>> rows = {name: [{"dialogue": d, "turn": 1, "modality": "image", "alignment": d % 3 + gain}
        ...                for d in range(30)] for name, gain in (("a", 1.0), ("b", 0.5))}
        >>> rows["b"][0]["alignment"] = 0.9
        >>> [pair] = compare(rows).rows()
        >>> pair["first"], pair["second"], round(pair["value"], 2), pair["joint_lower"] > 0
        ('a', 'b', 0.49, True)
    """
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise ArgumentError(name, f"expected a number between 0 and 1, got {value}")
    if replicates < 1:
        raise ArgumentError("replicates", f"expected a number from 1, got {replicates}")
    given = runs[0] if len(runs) == 1 else None
    if isinstance(given, Mapping) and given and all(isinstance(each, DialogueMetric) for each in given.values()):
        return _of_states(given, level, power)  # type: ignore[arg-type]
    if repeats:
        found = [average_runs(scores) for scores in models_of_runs(_folders(runs)).values()]
    else:
        found = _of_mapping(given) if isinstance(given, Mapping) else models_of(runs)
    found = chosen_models(found, models)
    known = {view.key: view for view in known_metrics(found)}
    views = [known[key] if key in known else metric_spec(key) for key in metrics] or comparable_metrics(found)
    compared = compare_models(found, views, slopes=slopes, level=level, power=power, replicates=replicates, seed=seed)
    told = {
        metric.key: {
            model.model: tuple((slope_marks if metric.slope else marks)(model, metric.view)) for model in found
        }
        for metric in compared
    }
    return Comparison(tuple(model.model for model in found), tuple(compared), told, level, power)


def _of_states(metrics: Mapping[str, DialogueMetric], level: float, power: float) -> Comparison:
    pairs = metric_differences(metrics, level, power=power)
    name = next(iter(metrics.values())).name
    higher = next(iter(metrics.values())).describe().higher_is_better
    view = MetricSpec(name, "", "", False, name, name, "", "", higher_is_better=higher)
    found = ranks(view, pairs, len(metrics))
    compared = MetricComparison(view, False, tuple(pairs), found, tuple(pair.p for pair in pairs))
    told = {model: _state_marks(model, metric, view) for model, metric in metrics.items()}
    return Comparison(tuple(metrics), (compared,), {name: told}, level, power)


def _state_marks(model: str, metric: DialogueMetric, view: MetricSpec) -> tuple[Mark, ...]:
    """Marks of what the state knows; without detail it does not know how much was left out."""
    if metric.missing == "zero":
        return ()
    return tuple(marks(ModelScores(model, metric_scores(metric), []), view))


def _folders(runs: Sequence[Any]) -> Sequence[Run]:
    for run in runs:
        if not isinstance(run, (Evaluation, Path, str)):
            raise ArgumentError(
                "runs", f"expected evaluations or folders, or one mapping alone, got {type(run).__name__}"
            )
    return runs


def models_of(runs: Sequence[Any]) -> list[ModelScores]:
    """The models of all runs, evaluations or their folders; a name that comes twice has its run's before it."""
    loaded = [(run, run if isinstance(run, Evaluation) else Evaluation.load(run)) for run in _folders(runs)]
    names = [result.model for _, evaluation in loaded for result in evaluation.results]
    found = []
    for place, (run, evaluation) in enumerate(loaded, 1):
        prefix = str(place) if isinstance(run, Evaluation) else Path(run).resolve().name
        for result in evaluation.results:
            twice = names.count(result.model) > 1
            found.append(replace(result.scores, model=f"{prefix}/{result.model}" if twice else result.model))
    return found


def _of_mapping(rows: Mapping[str, Any]) -> list[ModelScores]:
    """Models from rows alone: their scores, bounds, coverages, copies and chance are those of the rows."""
    found = []
    for model, given in rows.items():
        items, places = [dict(row) for row in given], set()
        for number, row in enumerate(items):
            if not {"dialogue", "turn"} <= row.keys():
                raise ArgumentError("runs", f"expected `dialogue` and `turn` in row {number} of {model!r}")
            place = (str(row["dialogue"]), row["turn"])
            if place in places:
                raise ArgumentError("runs", f"expected each turn once, got {place} again in row {number} of {model!r}")
            places.add(place)
        scores = {key: value for view in METRICS for key, value in row_scores(items, view).items()}
        found.append(ModelScores(model, scores | image_scores(items), items))
    return found


def chosen_models(found: Sequence[ModelScores], models: Sequence[str], *, least: int = 2) -> list[ModelScores]:
    """The models of these names, or all; at least so many."""
    names = [model.model for model in found]
    for name in models:
        if name not in names:
            raise ArgumentError("models", f"expected one of those compared ({join_names(names)}), got {name!r}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ArgumentError("runs", f"expected runs whose folders have different names, {twice[0]!r} comes twice")
    chosen = [model for model in found if not models or model.model in models]
    if len(chosen) < least:
        only = join_names([model.model for model in chosen]) or "none"
        raise ArgumentError("runs", f"expected {'a model' if least == 1 else 'two models or more'}, got {only}")
    return chosen
