# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores that people gave, how far a judge agrees with them and with itself, and what its repeats are worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import torch

from imug_metrics.protocols.imug.readings import Readings, Unit
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.reading.files import Problem
from imug_metrics.stats.agreement import agreement
from imug_metrics.stats.variance_components import repeats_worth, variance_components

Place: TypeAlias = "tuple[str, int, int | None]"
"""Dialogue, turn, and the evaluation point from 1; None: the turn as a whole."""
BEST = 5


class Human(dict[str, dict[Place, dict[str, float]]]):
    """By model and place, the score of each rater.

    Args:
        scores: these.
        file: where they come from, for messages.
        problems: what is odd in that file.
    """

    def __init__(
        self,
        scores: Mapping[str, dict[Place, dict[str, float]]] | None = None,
        file: str = "human scores",
        problems: Iterable[Problem] = (),
    ) -> None:
        super().__init__(scores or {})
        self.file, self.problems = file, tuple(problems)


def judge_agreement(readings: Readings, model: str, repeats: int, human: Human | None) -> dict[str, dict[str, float]]:
    """How far the judge agrees with itself over repeats, and with people.

    Args:
        readings: with the judge's answers.
        model: whose images.
        repeats: how often the judge was asked; with 1 it cannot be compared with itself.
        human: scores by people.

    Returns:
        By "points" (single points) and "turns" (means of a turn's points), those of the two that there is something to
        compare for: the results of `imug_metrics.stats.agreement.agreement`.
    """
    points, turns = _judged(readings, repeats)
    people = {} if human is None else human.get(model, {})
    found = {}
    for name, judged in (("points", points), ("turns", turns)):
        known = {place: people[place] for place in judged if place in people}
        if judged and (repeats > 1 or known):
            found[name] = _agreement(judged, known, repeats)
    return found


def human_scores(human: Human, model: str, samples: Iterable[Sample]) -> dict[Unit, float]:
    """People's scores of judged turns, from 0 to 1: the mean over raters.

    A turn that was not scored as a whole has the mean of its points, if people scored all of them: a mean of some does
    not compare with the judge's.

    Args:
        human: scores by people, from 0 to 5.
        model: whose images.
        samples: the benchmark, or a part of it.
    """
    people, found = human.get(model, {}), {}
    for sample in samples:
        for task in sample.tasks:
            place = "/".join(sample.key), task.turn
            whole = people.get((*place, None))
            parts = [people.get((*place, point)) for point in range(1, len(task.points) + 1)]
            scored = [part for part in ([whole] if whole else parts) if part]
            if task.points and (whole or len(scored) == len(parts)):
                found[sample.key, task.turn] = _mean([_mean(part.values()) for part in scored]) / BEST
    return found


def repeat_noise(readings: Readings, repeats: int) -> dict[str, Any]:
    """Where the judge's scores of turns vary, and what asking again is worth; empty where it was asked once.

    Args:
        readings: with the judge's answers.
        repeats: how often it was asked.

    Returns:
        `variance` and `variance_raw` by level (dialogue, record, repeat; in squared points, the score of a turn being
        the mean of its points), `width` by number of repeats, as text ("2" to "inf"), relative to one, `share` of the
        mean's variance that is the judge's noise, and `best` number of repeats where an image costs as much as an
        answer; see `imug_metrics.stats.variance_components`.
    """
    _, turns = _judged(readings, repeats)
    if repeats < 2 or not turns:
        return {}
    places = list(turns)
    scores = [[turns[place].get(repeat, math.nan) for repeat in range(repeats)] for place in places]
    found = variance_components(torch.tensor(scores, dtype=torch.float64), numbered(place[0] for place in places))
    worth = repeats_worth(found, found["record"].units / found["dialogue"].units)
    return {
        "variance": {level: part.variance for level, part in found.items()},
        "variance_raw": {level: part.raw for level, part in found.items()},
        "width": {str(count): width for count, width in worth.widths.items()},
        "share": worth.share,
        "best": worth.best,
    }


def numbered(names: Iterable[str]) -> torch.Tensor:
    """Names as int64 numbers from 0, equal ones alike.

    Example:
        >>> numbered(["b", "a", "b"])
        tensor([0, 1, 0])
    """
    names = list(names)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return torch.tensor([numbers[name] for name in names], dtype=torch.int64)


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return math.fsum(values) / len(values)


def _agreement(
    judged: Mapping[Place, Mapping[int, float]], people: Mapping[Place, Mapping[str, float]], repeats: int
) -> dict[str, float]:
    places = list(judged)
    scores = [[judged[place].get(repeat, math.nan) for place in places] for repeat in range(repeats)]
    raters = sorted({rater for scores_of in people.values() for rater in scores_of})
    rows = [[people.get(place, {}).get(rater, math.nan) for place in places] for rater in raters]
    return agreement(
        torch.tensor(scores, dtype=torch.float64),
        torch.tensor(rows, dtype=torch.float64) if rows else None,
        clusters=numbered(place[0] for place in places),
    )


def _judged(readings: Readings, repeats: int) -> tuple[dict[Place, dict[int, float]], dict[Place, dict[int, float]]]:
    """The judge's scores by place and repeat: of points, and of turns."""
    points: dict[Place, dict[int, float]] = {}
    turns: dict[Place, dict[int, float]] = {}
    for verdict in readings.verdicts:
        stage, _, *key, turn = verdict.key
        if stage != "image" or not verdict.value:
            continue
        dialogue, number = "/".join(map(str, key)), int(turn)
        values = [float(value) for value in verdict.value]
        turns.setdefault((dialogue, number, None), {})[verdict.repeat] = _mean(values)
        for place, value in enumerate(values, 1):
            points.setdefault((dialogue, number, place), {})[verdict.repeat] = value
    return points, turns
