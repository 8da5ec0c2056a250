# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of judged images under both protocols, and means of the main scores by class and domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from imug_metrics.functional.answers.point_score import point_score
from imug_metrics.metrics.answers.point_score import PointScore
from imug_metrics.metrics.breakdown import Breakdown
from imug_metrics.protocols.imug.readings import Points, Readings, Unit
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.suite import Record, metric_scores, with_key

GROUPED = {
    "answer_accuracy": "answer_strict",
    "answer_accuracy_imug": "answer_imug",
    "point_score": "points_strict",
    "point_score_imug": "points_imug",
}
"""Scores that are broken down, and the column of the items that holds each turn's."""

_KEPT = ("", "_lower", "_upper", "_n", "_dialogues", "_slope", "_slope_lower", "_slope_upper")


def point_scores(
    samples: Sequence[Sample], readings: Readings, *, missing: Literal["skip", "zero"] = "skip", max_turns: int = 16
) -> tuple[dict[str, float], dict[tuple[str, int], dict[str, Any]]]:
    """Scores of image turns that have evaluation points.

    Under protocol "imug" a turn without a record is left out, as in the official summary; `missing` is for "strict".

    Args:
        samples: the benchmark, or a part of it.
        readings: the points under both protocols.
        missing: what an absent image counts as.
        max_turns: as in `PointScore`.

    Returns:
        "point_score..." of protocol "strict" and "point_score_imug...", flat, and by (dialogue, turn) the columns
        `points_strict` and `points_imug` (scores from 0 to 1, None where absent) and `points`, the official points,
        empty where none were read.
    """
    asked = [(sample.key, task.turn) for sample in samples for task in sample.tasks if task.points]
    official, strict = readings.points, readings.strict_points
    scores: dict[str, float] = {}
    if official:
        scores |= _scores("point_score_imug", asked, official, "imug", "skip", max_turns)
    if strict:
        scores |= _scores("point_score", asked, strict, "strict", missing, max_turns)
    columns: dict[tuple[str, int], dict[str, Any]] = {}
    for unit in asked:
        columns["/".join(unit[0]), unit[1]] = {
            "points_strict": _score(strict.get(unit)),
            "points_imug": _score(official.get(unit)),
            "points": list(official.get(unit, ())),
        }
    return scores, columns


def breakdown(
    records: Sequence[Record],
    items: Sequence[Mapping[str, Any]],
    *,
    missing: Literal["skip", "zero"] = "skip",
    max_turns: int = 16,
) -> dict[str, float]:
    """The main scores by class and domain, from the scores of single turns.

    Args:
        records: with the keys under protocol "strict".
        items: one a record, in the same order, with the columns of `GROUPED`.
        missing: what an absent output counts as, under protocol "strict".
        max_turns: as in `DialogueMetric`.

    Returns:
        Flat scores: `answer_accuracy[class=Hybrid]`, `answer_accuracy[domain=Cooking]_lower` and so on, with value,
        interval, `_n`, `_dialogues` and `_slope`.
    """
    keyed = {id(record) for record in with_key(records, "strict")}
    found: dict[str, float] = {}
    for name, column in GROUPED.items():
        zero = missing == "zero" and column in ("answer_strict", "points_strict")
        rows = [
            (record, item[column])
            for record, item in zip(records, items, strict=True)
            if item.get(column) is not None or (zero and _expected(record, item, column, keyed))
        ]
        if rows:
            for kind in ("class", "domain"):
                found |= _by_group(name, kind, rows, missing if zero else "skip", max_turns)
    return found


def _by_group(
    name: str, kind: str, rows: Sequence[tuple[Record, float | None]], missing: Literal["skip", "zero"], max_turns: int
) -> dict[str, float]:
    groups = [f"{kind}={record.groups.get(kind, '')}" for record, _ in rows]
    metric = Breakdown(
        PointScore(best=1.0, protocol="imug", detail=True, missing=missing, max_turns=max_turns), sorted(set(groups))
    )
    metric.update(
        [None if value is None else [value] for _, value in rows],
        dialogue=[record.dialogue for record, _ in rows],
        turn=[record.turn for record, _ in rows],
        group=groups,
    )
    scores = metric.compute()
    wanted = {f"point_score[{group}]{ending}": f"{name}[{group}]{ending}" for group in set(groups) for ending in _KEPT}
    return {wanted[key]: float(value) for key, value in scores.items() if key in wanted}


def _expected(record: Record, item: Mapping[str, Any], column: str, keyed: set[int]) -> bool:
    return id(record) in keyed if column == "answer_strict" else item.get("points") is not None


def _scores(
    name: str,
    asked: Sequence[Unit],
    points: Mapping[Unit, Points],
    protocol: Literal["strict", "imug"],
    missing: Literal["skip", "zero"],
    max_turns: int,
) -> dict[str, float]:
    metric = PointScore(protocol=protocol, detail=True, missing=missing, max_turns=max_turns)
    rows = [points.get(unit) or None for unit in asked]
    metric.update(rows, dialogue=["/".join(key) for key, _ in asked], turn=[turn for _, turn in asked])
    return metric_scores(metric, name)


def _score(points: Points | None) -> float | None:
    return float(point_score([points], protocol="imug")) if points else None
