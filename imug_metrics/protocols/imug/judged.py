# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded judgements in the official layout: resolved keys of dynamic questions and point scores of images."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imug_metrics.protocols.imug.samples import Key, sample_key
from imug_metrics.reading.files import Problems, as_turn, kind, read_jsonl


@dataclass(frozen=True)
class JudgedImage:
    """A judge's point scores (0 to 5 each) of one image turn."""

    key: Key
    turn: int
    points: tuple[float, ...]


def key_file(judged: Path, model: str) -> Path:
    """Where the resolved keys of a model lie."""
    return judged / model / "dynamic_answer" / f"{model}_dynamic_answer.jsonl"


def point_file(judged: Path, model: str) -> Path:
    """Where the point scores of a model's images lie."""
    return judged / model / "score_img" / f"{model}_img_score.jsonl"


def read_keys(judged: Path, model: str, problems: Problems) -> dict[tuple[Key, int], str]:
    """Resolved keys by (sample key, turn); of several entries the last counts.

    Args:
        judged: folder of judgements, holding <model>/dynamic_answer/<model>_dynamic_answer.jsonl.
        model: name of the model.
        problems: collects what is wrong; a file that is absent is a warning and gives no keys.
    """
    keys: dict[tuple[Key, int], str] = {}
    path = key_file(judged, model)
    for line, key, turn, row in _rows(path, problems):
        answer = row.get("determined_answer")
        if not isinstance(answer, str):
            problems.error(path, line, "determined_answer", f"expected letters as text, got {kind(answer)}")
        else:
            keys[key, turn] = answer
    return keys


def read_points(
    judged: Path, model: str, problems: Problems, *, protocol: Literal["imug", "strict"] = "imug"
) -> list[JudgedImage]:
    """Point scores of a model's images in file order.

    Args:
        judged: folder of judgements, holding <model>/score_img/<model>_img_score.jsonl.
        model: name of the model.
        problems: collects what is wrong; a record with a score that is no number is left out. A record without points
            carries no score and is left out silently.
        protocol: `"imug"` keeps repeated records of a turn and scores in any range, as the released tool does. Under
            `"strict"` the last record of a turn counts, and one with a score that is not an integer from 0 to 5 is
            left out.
    """
    path = point_file(judged, model)
    images: dict[Any, JudgedImage] = {}
    for line, key, turn, row in _rows(path, problems):
        points = _points(row.get("scores"), path, line, problems)
        if protocol == "strict" and any(point not in range(6) for point in points):
            problems.error(path, line, "scores", "expected integers from 0 to 5: the turn is left out")
        elif points:
            images[(key, turn) if protocol == "strict" else line] = JudgedImage(key, turn, points)
    return list(images.values())


def write_keys(judged: Path, model: str, keys: Mapping[tuple[Key, int], str]) -> Path:
    """Write resolved keys where `read_keys` and the released tools look for them; an older file is replaced whole."""
    rows = ({**_head(key, turn), "determined_answer": letters} for (key, turn), letters in keys.items())
    return _write(key_file(judged, model), rows)


def write_points(judged: Path, model: str, images: Iterable[JudgedImage]) -> Path:
    """Write point scores where `read_points` and the released tools look for them; an older file is replaced whole."""
    rows = ({**_head(image.key, image.turn), "scores": _results(image.points)} for image in images)
    return _write(point_file(judged, model), rows)


def as_score(value: Any) -> float | None:
    """A point score as the released summary takes it, text included, or None where it is no finite number.

    Example:
        >>> as_score(3), as_score("4"), as_score(9.5), as_score(None), as_score("high"), as_score("nan")
        (3.0, 4.0, 9.5, None, None, None)
    """
    try:
        score = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return score if math.isfinite(score) else None


def _head(key: Key, turn: int) -> dict[str, Any]:
    return {"domain": key[0], "subdomain": key[1], "sample_id": key[2], "turn": turn}


def _results(points: Iterable[float]) -> list[dict[str, float]]:
    numbers = (int(point) if point == int(point) else point for point in points)
    return [{"point_id": place, "score": number} for place, number in enumerate(numbers, 1)]


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.replace(temporary, path)  # no reader ever sees half a file
    return path


def _rows(path: Path, problems: Problems) -> Iterator[tuple[int, Key, int, dict[str, Any]]]:
    if not path.is_file():
        problems.warn(path, None, "", "does not exist: what it would hold is left out")
        return
    for line, row in read_jsonl(path, problems):
        key, turn = sample_key(row, path, line, problems), as_turn(row.get("turn"))
        if turn is None:
            problems.error(path, line, "turn", f"expected a turn from 1, got {str(row.get('turn'))[:80]!r}")
        elif key is not None:
            yield line, key, turn, row


def _points(rows: Any, path: Path, line: int, problems: Problems) -> tuple[float, ...]:
    if not isinstance(rows, list):
        problems.error(path, line, "scores", f"expected a list, got {kind(rows)}")
        return ()
    points = []
    for place, row in enumerate(rows):
        score = row.get("score") if isinstance(row, dict) else None
        value = as_score(score)
        if value is None:
            field = f"scores[{place}].score"
            problems.error(path, line, field, f"expected a number, got {str(score)[:80]!r}: the turn is left out")
            return ()
        points.append(value)
    return tuple(points)
