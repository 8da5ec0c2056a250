# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of judged answers to SpecV number for number as the released scripts give them, faults included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.protocols.specv.tracks import Track
from imug_metrics.reading.files import Problems, inside, read_json


class ReleasedStopError(ValueError):
    """The released script stops here, so that there are no scores of the track."""


@dataclass(frozen=True)
class TaskScore:
    """One task: its score from 0 to 100, and how many of its items are met."""

    id: str
    score: float
    met: int
    items: int


@dataclass(frozen=True)
class ModelScores:
    """One model on one track.

    Attributes:
        model: its name.
        overall: mean of the dimensions that it has.
        dimensions: by name, the mean of its tasks.
        tasks: by dimension.
    """

    model: str
    overall: float
    dimensions: Mapping[str, float]
    tasks: Mapping[str, Sequence[TaskScore]]


def official_scores(results: Path, track: Track) -> list[ModelScores]:
    """Scores of all models of a track.

    A task's score is the share of its items whose answer equals the expected one as text, by groups where the track has
    them, times 100; every mean is rounded to two decimals before the next one is taken.

    Args:
        results: the folder that holds `<model>/<dimension>/<id>.json`, `eval/<track>/results` of a checkout.
        track: which.

    Returns:
        One entry a model, in the order of their names.

    Raises:
        ReleasedStopError: at a file on which the released script stops.
    """
    folders = sorted((folder for folder in results.iterdir() if folder.is_dir()), key=lambda folder: folder.name)
    return [_model(folder, track) for folder in folders]


def ranking(scores: Sequence[ModelScores], dimension: str | None = None) -> list[tuple[int, str, float]]:
    """Rank, model and score, the best first; equal scores keep the order of names, and each has a rank of its own.

    Args:
        scores: of all models.
        dimension: of which; a model without it has 0. None: the overall score.

    Example:
        >>> made = [ModelScores(name, score, {}, {}) for name, score in (("a", 50.0), ("b", 70.0), ("c", 50.0))]
        >>> ranking(made)
        [(1, 'b', 70.0), (2, 'a', 50.0), (3, 'c', 50.0)]
    """
    values = [(entry.model, _value(entry, dimension)) for entry in scores]
    ordered = sorted(values, key=lambda value: value[1], reverse=True)
    return [(rank, model, value) for rank, (model, value) in enumerate(ordered, 1)]


def released_files(scores: Sequence[ModelScores], track: Track) -> dict[str, Any]:
    """What the released script writes into its folder `scores`: by path, the content of each JSON file."""
    files: dict[str, Any] = {}
    for entry in scores:
        for name, tasks in entry.tasks.items():
            rows = [{"question_id": t.id, "score": t.score, "correct": t.met, "total": t.items} for t in tasks]
            content = {"track": name, "track_average": entry.dimensions[name], "questions": rows}
            files[f"{entry.model}/{name}.json"] = content
        summary = {"model": entry.model, "overall_average": entry.overall, "tracks": dict(entry.dimensions)}
        files[f"{entry.model}/summary.json"] = summary
    for dimension in (None, *track.dimensions):
        ranks = [{"rank": rank, "model": model, "score": score} for rank, model, score in ranking(scores, dimension)]
        files[f"{dimension or 'overall'}_ranking.json"] = ranks
    return files


def _value(scores: ModelScores, dimension: str | None) -> float:
    return scores.overall if dimension is None else scores.dimensions.get(dimension, 0.0)


def _model(folder: Path, track: Track) -> ModelScores:
    tasks = {
        dimension: [_task(file, folder, track) for file in sorted((folder / dimension).glob("*.json"))]
        for dimension in track.dimensions
        if (folder / dimension).is_dir()
    }
    means = {dimension: _mean([task.score for task in of]) for dimension, of in tasks.items()}
    return ModelScores(folder.name, _mean([*means.values()]), means, tasks)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0


def _task(path: Path, folder: Path, track: Track) -> TaskScore:
    items = _items(path, folder)
    met = [str(_field(item, "expected_answer", path)) == str(_field(item, "answer", path)) for item in items]
    if track.groups:
        score = _by_groups(items, met, track, path)
    else:
        score = round(sum(met) / len(items) * 100, 2) if items else 0.0
    return TaskScore(path.stem, score, sum(met), len(items))


def _by_groups(items: Sequence[Mapping[str, Any]], met: Sequence[bool], track: Track, path: Path) -> float:
    groups: dict[str, list[bool]] = {}
    for item, is_met in zip(items, met, strict=True):
        name = item.get(track.field, "")
        if not isinstance(name, str):
            raise ReleasedStopError(f"{path}: the {track.field} of an item is no text")
        group = track.group(name)
        if group is not None:
            groups.setdefault(group, []).append(is_met)
    total = sum(track.groups.values() if track.whole else (track.groups[group] for group in groups))
    if not groups or total <= 0:
        return 0.0
    weighted = sum(track.groups[group] * (sum(of) / len(of)) for group, of in groups.items())
    return round(weighted / total * 100, 2)


def _items(path: Path, folder: Path) -> list[Mapping[str, Any]]:
    if inside(path, folder) is None:
        raise ReleasedStopError(f"{path} is no file within {folder}")
    problems = Problems()
    value = read_json(path, problems)
    if problems.errors:
        raise ReleasedStopError(str(problems[0]))
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ReleasedStopError(f"{path}: expected a list of items")
    return value


def _field(item: Mapping[str, Any], name: str, path: Path) -> Any:
    if name not in item:
        raise ReleasedStopError(f"{path}: an item has no {name!r}")
    return item[name]
