# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`protocol="specv"`: scores and rankings number for number as the released scripts make them.

The released scripts are eval/<track>/score_and_rank.py of the repository yuyouxixi/SpecV (ECCV 2026). Floats are added
in their order and by Python's own `sum`, so that roundings are theirs under the same version of Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.protocols.specv.names import TaskKey, Track, find_track
from imug_metrics.protocols.specv.results import JudgedItem, ModelResults, Result

OVERALL = "overall"
"""Name of the ranking over all dimensions."""


class OfficialError(ValueError):
    """The released script stops at these files, so that there is no number of its to give; the message names why."""


@dataclass(frozen=True)
class TaskScore:
    """One task by the released rule.

    Attributes:
        key: of the task.
        score: 0 to 100, rounded to 2 places; higher is better.
        met: items whose answer is the expected one, letter for letter.
        total: all items.
    """

    key: TaskKey
    score: float
    met: int
    total: int


@dataclass(frozen=True)
class OfficialScores:
    """One model on one track.

    Attributes:
        track, model: of the results.
        overall: mean of the dimensions' means, 0 to 100, rounded to 2 places; 0.0 without any.
        means: of the dimensions that have a folder, in the track's order; 0.0 of one whose folder is empty.
        tasks: by dimension.
    """

    track: str
    model: str
    overall: float
    means: Mapping[str, float]
    tasks: Mapping[str, tuple[TaskScore, ...]]


@dataclass(frozen=True)
class Ranked:
    """A model's place in a ranking, from 1; models of the same score have different places."""

    rank: int
    model: str
    score: float


def official_scores(results: ModelResults) -> OfficialScores:
    """The scores of one model on one track by the released rule.

    An item is met where the texts of its `expected_answer` and its `answer` are the same. A task scores 100 times the
    share of its items that are met; in the tracks `think_with_img` and `understanding` the weighted sum of that share
    in its groups of items (see `Track`). An empty list, or one without any group, scores 0.

    Args:
        results: as `read_results` gives them.

    Raises:
        OfficialError: where the released script stops: a file that cannot be read, an item without `answer` or
            `expected_answer`, a group field that is no text. The message names file and item.

    Example:
        >>> from pathlib import Path
        >>> items = tuple(JudgedItem({"expected_answer": "Yes", "answer": given}) for given in ("Yes", "yes", "No"))
        >>> key = TaskKey("t2i", "style", "style_hard_001")
        >>> scores = official_scores(ModelResults("t2i", "mine", {"style": (Result(key, Path("a.json"), items),)}))
        >>> scores.overall, scores.means
        (33.33, {'style': 33.33})
    """
    for path, why in results.refused.items():
        raise OfficialError(f"{path}: {why}")
    track = find_track(results.track)
    tasks = {name: tuple(score_task(result, track) for result in found) for name, found in results.dimensions.items()}
    means = {name: _mean([task.score for task in found]) for name, found in tasks.items()}
    return OfficialScores(track.name, results.model, _mean(list(means.values())), means, tasks)


def score_task(result: Result, track: Track) -> TaskScore:
    """One task by the released rule.

    Raises:
        OfficialError: see `official_scores`.
    """
    met = [is_met(item, result, place) for place, item in enumerate(result.items)]
    total, count = len(met), sum(met)
    if track.grouped_by is None:
        score = round(count / total * 100, 2) if total else 0.0
    else:
        score = _grouped(_groups(result, met, track), track)
    return TaskScore(result.key, score, count, total)


def is_met(item: JudgedItem | Any, result: Result, place: int) -> bool:
    """Whether an item of a result has the expected answer, letter for letter.

    Raises:
        OfficialError: see `official_scores`.
    """
    if not isinstance(item, JudgedItem):
        raise _stop(result, place, "is no object")
    for name in ("expected_answer", "answer"):
        if name not in item.row:
            raise _stop(result, place, f"has no {name!r}")
    try:
        return str(item.row["expected_answer"]) == str(item.row["answer"])
    except RecursionError:
        raise _stop(result, place, "is nested too deeply") from None


def official_rankings(scores: Sequence[OfficialScores]) -> dict[str, list[Ranked]]:
    """Rankings of models over all dimensions, and in each one.

    Args:
        scores: of one track.

    Returns:
        `"overall"` and each dimension, with the models from the highest score down; of equal scores in the order of the
        names of their folders. A model without a dimension counts 0.0 in it.

    Raises:
        ArgumentError: if the scores are of several tracks, or of one model twice.

    Example:
        >>> scores = [OfficialScores("t2i", name, score, {}, {}) for name, score in (("b", 50.0), ("a", 50.0))]
        >>> [(entry.rank, entry.model) for entry in official_rankings(scores)["overall"]]
        [(1, 'a'), (2, 'b')]
    """
    tracks = list(dict.fromkeys(one.track for one in scores))
    if len(tracks) > 1:
        raise ArgumentError("scores", f"expected scores of one track, got {', '.join(tracks)}")
    if len({one.model for one in scores}) < len(scores):
        raise ArgumentError("scores", "expected different models, got one twice")
    dimensions = find_track(tracks[0]).dimensions if tracks else ()
    ordered = sorted(scores, key=lambda one: one.model)
    columns = {OVERALL: [one.overall for one in ordered]}
    columns |= {name: [one.means.get(name, 0.0) for one in ordered] for name in dimensions}
    return {name: _ranking([one.model for one in ordered], column) for name, column in columns.items()}


def official_files(scores: Sequence[OfficialScores]) -> dict[str, Any]:
    """What the released script writes below eval/<track>/scores: path, with `/`, and the content as JSON values.

    Raises:
        ArgumentError: see `official_rankings`.
    """
    files: dict[str, Any] = {}
    for one in sorted(scores, key=lambda entry: entry.model):
        for name, tasks in one.tasks.items():
            rows = [
                {"question_id": task.key.id, "score": task.score, "correct": task.met, "total": task.total}
                for task in tasks
            ]
            detail = {"track": name, "track_average": one.means[name], "questions": rows}
            files[f"{one.model}/{name}.json"] = detail
        summary = {"model": one.model, "overall_average": one.overall, "tracks": dict(one.means)}
        files[f"{one.model}/summary.json"] = summary
    for name, ranking in official_rankings(scores).items():
        files[f"{name}_ranking.json"] = [
            {"rank": entry.rank, "model": entry.model, "score": entry.score} for entry in ranking
        ]
    return files


def _groups(result: Result, met: Sequence[bool], track: Track) -> dict[str, list[bool]]:
    """Which items of each group are met, the groups in the order in which they come."""
    groups: dict[str, list[bool]] = {}
    for place, (item, is_so) in enumerate(zip(result.items, met, strict=True)):
        given = item.row.get(track.grouped_by or "", "")
        if not isinstance(given, str):
            raise _stop(result, place, f"has no text as {track.grouped_by!r}")
        name = track.group(given)
        if name is not None:
            groups.setdefault(name, []).append(is_so)
    return groups


def _grouped(groups: Mapping[str, Sequence[bool]], track: Track) -> float:
    total = sum(track.weights.values() if track.divides_by_all else (track.weights[name] for name in groups))
    if not groups or total <= 0:
        return 0.0
    weighted = sum(track.weights[name] * (sum(met) / len(met)) for name, met in groups.items())
    return round(weighted / total * 100, 2)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0


def _ranking(models: Sequence[str], scores: Sequence[float]) -> list[Ranked]:
    pairs = sorted(zip(models, scores, strict=True), key=lambda pair: pair[1], reverse=True)
    return [Ranked(place, *pair) for place, pair in enumerate(pairs, 1)]


def _stop(result: Result, place: int, why: str) -> OfficialError:
    return OfficialError(f"{result.file}: item [{place}] {why}, where the released script stops")
