# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores that people gave, from a file of JSON lines or CSV, and which of them belong to the benchmark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.human import BEST, Human, Place
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.reading.fields import meant, name_fault
from imug_metrics.reading.files import Problems, as_turn, read_jsonl
from imug_metrics.reading.tables import read_table
from imug_metrics.reading.text_files import TextError, read_beginning

REQUIRED = ("dialogue", "turn", "score")
OPTIONAL = ("point", "rater", "model")
_NUMBER = re.compile(r"\s*[0-9]+(\.[0-9]*)?\s*", re.ASCII)
_COMMA = re.compile(r"\s*[0-9]+,[0-9]+\s*", re.ASCII)


def read_human(path: Path, models: Sequence[str]) -> Human:
    """Scores of people from a file of JSON lines, or of CSV, UTF-8 with or without byte order mark.

    CSV names its columns in the first line and separates them by comma, semicolon or tab.

    Args:
        path: rows with `dialogue`, `turn` and `score` (0 to 5), and if there are any `point` (from 1), `rater` and
            `model`. Without `point` a score is that of the turn as a whole.
        models: those that are scored; rows of others are left out, with a warning. Where one model is scored and no row
            names one, all rows are of that one.

    Returns:
        The scores; `problems` of it says which rows were left out.

    Raises:
        ArgumentError: if the file cannot be read, a column is unknown or missing, a row is not as expected, or a rater
            scores the same twice; the message names file and line.
    """
    found, others, lines = Human(file=str(path)), Counter[str](), dict[tuple[str, Place, str], int]()
    try:
        for line, row in _one_way_of_models(_rows(path), path, models):
            model, place, rater, score = _entry(row, models, path, line)
            if (first := lines.setdefault((model, place, rater), line)) != line:
                by = f"by {rater!r}" if rater else "and `rater` does not tell two people apart"
                raise TextError(f"scores the same as line {first}, {by}", path, line)
            if model in models:
                found.setdefault(model, {}).setdefault(place, {})[rater] = score
            else:
                others[model] += 1
    except OSError as error:
        raise ArgumentError("human", f"{path}: could not be opened: {error.strerror}") from error
    except TextError as error:
        raise ArgumentError("human", str(error)) from error
    if not found:
        of = f", only of {', '.join(repr(name[:80]) for name in [*others][:5])}" if others else ""
        raise ArgumentError("human", f"found no score of the models ({', '.join(models)}) in {path}{of}")
    found.problems = tuple(_left_out(others, models, path))
    return found


def unmatched_scores(human: Human, model: str, samples: Iterable[Sample]) -> Problems:
    """What people scored of a model and the benchmark does not have.

    Args:
        human: their scores.
        model: whose.
        samples: the benchmark, as far as it is scored.

    Returns:
        An error where no score belongs to the benchmark; else a warning for each kind of what is left out.
    """
    problems, places = Problems(), human.get(model, {})
    points = {("/".join(sample.key), task.turn): len(task.points) for sample in samples for task in sample.tasks}
    dialogues = dict.fromkeys(dialogue for dialogue, _ in points)
    unknown = [place for place in places if place[0] not in dialogues]
    if unknown and len(unknown) == len(places):
        example = next(iter(dialogues), "Cooking/pan/1")
        found = f"expected dialogues of the benchmark, such as {example!r}, got only others of {model}, such as "
        problems.error(human.file, None, "dialogue", f"{found}{unknown[0][0][:80]!r}{meant(unknown[0][0], dialogues)}")
        return problems
    known = [place for place in places if place[0] in dialogues]
    images = [place for place in known if points.get(place[:2])]
    kinds = {
        "dialogue": (unknown, "is not in the benchmark that is read"),
        "turn": ([place for place in known if place not in images], "has no evaluation points"),
        "point": ([place for place in images if (place[2] or 0) > points[place[:2]]], "is not asked about"),
    }
    for field, (left, why) in kinds.items():
        if left:
            dialogue, turn, point = left[0]
            which = f"{dialogue[:120]} turn {turn}" + ("" if point is None else f" point {point}")
            message = f"scores of {model} left out: {len(left)}; what they score {why}: the first is {which}"
            problems.warn(human.file, None, field, message)
    return problems


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows with known names only; an empty cell counts as absent."""
    beginning = read_beginning(path, 4096).strip()
    if not beginning:
        return
    if beginning[0] not in "{[":
        for line, cells in read_table(path, required=REQUIRED, optional=OPTIONAL):
            yield line, {name: cell for name, cell in cells.items() if cell.strip()}
        return
    problems = Problems()
    for line, row in read_jsonl(path, problems):
        if problems:
            break  # a row that could be read, but not in one way
        if fault := name_fault(row, REQUIRED, OPTIONAL):
            raise TextError(fault, path, line)
        yield line, {name: value for name, value in row.items() if value is not None and value != ""}
    for problem in problems:
        twice = problem.level == "warning"
        raise TextError(f"got `{problem.field}` twice" if twice else problem.message, path, problem.line)


def _one_way_of_models(
    rows: Iterable[tuple[int, Mapping[str, Any]]], path: Path, models: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows, which must all say whose they are, or none."""
    lines: dict[bool, int] = {}
    for line, row in rows:
        lines.setdefault("model" in row, line)
        if False in lines and len(models) > 1:
            raise TextError("expected a `model`, as more than one is scored", path, line)
        if len(lines) == 2:
            found = f"line {lines[True]} names a `model` and line {lines[False]} does not"
            raise TextError(f"expected a `model` in every row or in none: {found}", path, line)
        yield line, row


def _entry(row: Mapping[str, Any], models: Sequence[str], path: Path, line: int) -> tuple[str, Place, str, float]:
    def text(name: str, default: str = "") -> str:
        value = row.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise TextError(f"{name}: expected text, got {value!r}"[:200], path, line)
        return str(value)

    def number_from_1(name: str) -> int:
        value = as_turn(row.get(name))
        if value is None:
            raise TextError(f"{name}: expected a whole number from 1, got {row.get(name)!r}"[:200], path, line)
        return value

    for name in REQUIRED:
        if name not in row:
            raise TextError(f"{name}: expected in every row, got nothing", path, line)
    score = _score(row["score"])
    if isinstance(score, str):
        raise TextError(f"score: {score}", path, line)
    place = (text("dialogue"), number_from_1("turn"), number_from_1("point") if "point" in row else None)
    return text("model", models[0]), place, text("rater"), score


def _score(value: Any) -> float | str:
    """A score, or what is wrong with it."""
    expected = f"expected a number, got {value!r}"[:200]
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return expected + ("; write a point in place of the comma" if _COMMA.fullmatch(value) else "")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return expected
    return float(value) if 0 <= value <= BEST else f"{str(value)[:80]} is not from 0 to {BEST}"


def _left_out(others: Mapping[str, int], models: Sequence[str], path: Path) -> Problems:
    problems = Problems()
    for model, count in others.items():
        rows = f"{count} row{'' if count == 1 else 's'} of {model[:80]!r}"
        problems.warn(path, None, "model", f"{rows}, which is not scored, left out{meant(model, models)}")
    return problems
