# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with recorded judgements: keys and points that are absent, repeated, out of range or of no turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.protocols.imug.counting import check_judged_counting
from imug_metrics.protocols.imug.judged import key_file, point_file, read_keys, read_points
from imug_metrics.protocols.imug.options import unlisted_letters, unlisted_message
from imug_metrics.protocols.imug.replies import BEST, LETTERS
from imug_metrics.protocols.imug.samples import Key, Sample, Task, sample_key
from imug_metrics.reading.files import Problems, as_turn, read_jsonl

Turns = dict[tuple[Key, int], Task]


def check_judged(samples: Sequence[Sample], judged: Path, model: str, problems: Problems) -> None:
    """Collect everything that is wrong with the recorded judgements of one model.

    Args:
        samples: the benchmark.
        judged: folder of judgements, holding <model>/dynamic_answer/ and <model>/score_img/.
        model: name of the model.
        problems: collects what is found.
    """
    try:
        check_judged_counting(samples, key_file(judged, model), point_file(judged, model))
    except ArgumentError as error:  # whatever else there is to say follows from it
        problems.error(judged / model, None, "turn", error.message)
        return
    turns = {(sample.key, task.turn): task for sample in samples for task in sample.tasks}
    read_keys(judged, model, problems)
    path = key_file(judged, model)
    resolved = _check_keys(path, turns, problems)
    _absent(path, {place for place, task in turns.items() if task.dynamic} - resolved, "resolved key", problems)
    read_points(judged, model, problems)
    path = point_file(judged, model)
    scored = _check_points(path, turns, problems)
    _absent(path, {place for place, task in turns.items() if task.points} - scored, "point scores", problems)


def _check_keys(path: Path, turns: Turns, problems: Problems) -> set[tuple[Key, int]]:
    seen: set[tuple[Key, int]] = set()
    for line, place, row in _rows(path, turns, problems):
        answer = row.get("determined_answer")
        if place in seen:
            problems.warn(path, line, "turn", "the turn occurs twice; the later entry wins")
        if not turns[place].dynamic:
            problems.warn(path, line, "turn", "the turn has a fixed key: the entry is unused")
        if isinstance(answer, str) and (not answer or set(answer) - set(LETTERS)):
            problems.warn(path, line, "determined_answer", f"expected letters from A to G, got {answer[:40]!r}")
        elif isinstance(answer, str) and (unlisted := unlisted_letters(turns[place].prompt, answer)):
            problems.warn(path, line, "determined_answer", unlisted_message(unlisted))
        seen.add(place)
    return seen


def _check_points(path: Path, turns: Turns, problems: Problems) -> set[tuple[Key, int]]:
    seen: set[tuple[Key, int]] = set()
    for line, place, row in _rows(path, turns, problems):
        task, scores = turns[place], row.get("scores")
        if place in seen:
            problems.warn(path, line, "turn", "the turn occurs twice; the official summary counts both")
        seen.add(place)
        if task.modality != "image":
            problems.warn(path, line, "turn", "is no image turn")
        rows = [score for score in scores if isinstance(score, dict)] if isinstance(scores, list) else []
        if len(rows) != len(task.points):
            problems.warn(path, line, "scores", f"expected {len(task.points)} points, got {len(rows)}")
        elif [str(score.get("point_id")) for score in rows] != [str(n + 1) for n in range(len(rows))]:
            problems.warn(path, line, "scores", "expected points 1, 2, ... in this order")
        for number, score in enumerate(rows):
            value = score.get("score")
            if isinstance(value, str) or (isinstance(value, (int, float)) and not _in_range(value)):
                found = f"expected a whole number from 0 to {BEST}, got {str(value)[:40]!r}; protocol strict refuses it"
                problems.warn(path, line, f"scores[{number}].score", found)
    return seen


def _in_range(value: float) -> bool:
    return not isinstance(value, bool) and 0 <= value <= BEST and value == int(value)


def _rows(path: Path, turns: Turns, problems: Problems) -> Iterator[tuple[int, tuple[Key, int], dict[str, Any]]]:
    """Rows of turns of the benchmark; what does not read is on the list already."""
    if not path.is_file():
        return
    unread = Problems()
    for line, row in read_jsonl(path, unread):
        key, turn = sample_key(row, path, line, unread), as_turn(row.get("turn"))
        if key is None or turn is None:
            continue
        if (key, turn) in turns:
            yield line, (key, turn), row
        else:
            where = f"{'/'.join(key)} turn {turn}"
            problems.warn(path, line, "turn", f"the benchmark has no {where}; the official summary counts it")


def _absent(path: Path, places: set[tuple[Key, int]], what: str, problems: Problems) -> None:
    if path.is_file():  # that the whole file is absent has been said
        for key, turn in sorted(places):
            problems.warn(path, None, f"{'/'.join(key)} turn {turn}", f"has no {what}: the turn is left out")
