# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded judgements to rows: what one judge said of one output, or of one item of its checklist."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.tables.columns import Columns, find_columns, listed
from imug_metrics.formats.tables.row_files import open_rows
from imug_metrics.formats.tables.rows import as_id, as_number, as_text, cell, read_dialogue_turn
from imug_metrics.juries import Judgement
from imug_metrics.juries.judgement import ORDERS
from imug_metrics.reading.files import Problems
from imug_metrics.reading.verdict_words import logged_verdict
from imug_metrics.report.files import to_json, write_whole

USUAL_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **{field: USUAL[field] for field in ("dialogue", "turn", "model")},
    "judge": (("judge",), ("judge_model", "rater", "annotator", "grader", "evaluator")),
    "item": (("item",), ("item_id", "specification", "criterion", "point", "point_id")),
    "answer": (("answer",), ("verdict", "judgement", "judgment")),
    "score": (("score",), ("grade", "rating", "points", "value")),
    "expected": (("expected",), ("expected_answer",)),
    "weight": (("weight",),),
    "category": (("category",),),
    "asked": (("asked",),),
    "place": (("place",), ("position",)),
    "order": (("order",),),
    "length": (("length",), ("characters",)),
    "repeat": (("repeat",),),
    "error": (("error",),),
}
"""Under which names tables hold the fields of a judgement."""

_NOT_APPLICABLE = ("n/a", "na", "not applicable")
_ERROR_LENGTH = 300
_LONGEST_NAME = 200
_SHOWN = ("judge", "model", "item", "category")


def read_judgements(files: Sequence[Path], columns: Mapping[str, str], problems: Problems) -> list[Judgement]:
    """Judgements of all files, in their order.

    A judgement has a yes/no answer of an item (`answer`, and `expected` where that is not yes), or a `score`: of an
    output as a whole, or 1 or 0 of an item that is met or not. An output without a score is missing.

    Args:
        files: tables, one judgement a row: JSON lines, CSV, TSV or workbooks, such as judgements.jsonl of
            `imug-metrics judge`.
        columns: by field the column that holds it, where its name is not a usual one.
        problems: collects what is wrong; a row that cannot be read costs itself alone, and of two judgements of one
            judge, output, item, order and repeat the first counts.

    Raises:
        ArgumentError: if a column is not there, or none holds the dialogue, the turn, or what was judged.
    """
    unknown = [field for field in columns if field not in USUAL_NAMES]
    if unknown:
        raise ArgumentError("columns", f"expected fields of {', '.join(USUAL_NAMES)}, got {unknown[0]!r}")
    found: dict[tuple[Any, ...], Judgement] = {}
    for file in files:
        for place, one in _rows(file, columns, problems):
            key = (one.judge, one.model, one.dialogue, one.turn, one.item, one.order, one.repeat)
            if key in found:
                place.error("judge", f"{one.judge[:60]!r} has judged this already; the first counts")
            found.setdefault(key, one)
    return [*found.values()]


def write_judgements(judgements: Iterable[Judgement], out: Path) -> Path:
    """Write judgements.jsonl into a folder, which `read_judgements` reads; returns its path."""
    lines = (json.dumps(to_json(one.as_row()), ensure_ascii=False) + "\n" for one in judgements)
    return write_whole(out / "judgements.jsonl", "".join(lines))


def _rows(file: Path, given: Mapping[str, str], problems: Problems) -> Iterator[tuple[Place, Judgement]]:
    names, rows = open_rows(file, problems)
    if not names:
        return
    columns = find_columns(names, given, file, usual=USUAL_NAMES)
    if not {"answer", "score"} & columns.of.keys():
        has = f"its columns are {listed(columns.names)}"
        raise ArgumentError("columns", f"{file}: no column holds an answer or a score; {has}: name it, as in score=s")
    for line, row in rows:
        place = Place(file, line, problems)
        read = _row(row, columns, place, file.stem)
        if read is not None:
            yield place, read


def _row(row: Mapping[str, Any], columns: Columns, place: Place, judge: str) -> Judgement | None:
    found = read_dialogue_turn(row, columns, place)
    if found is None:
        return None
    of = _Cells(row, columns, place)
    long = next((field for field in _SHOWN if len(of.name(field) or "") > _LONGEST_NAME), None)
    if long is not None:
        place.error(columns.of[long], f"expected a name of at most {_LONGEST_NAME} characters")
        return None
    item, score, word = of.name("item"), of.number("score"), of.text("answer")
    is_item = item is not None or (score is None and word is not None)
    expected = _expected(of.text("expected"), place) if is_item else None
    costs = {name[5:]: of.number(name) for name in columns.of if name.startswith("cost.")}
    error = of.text("error")
    return Judgement(
        of.name("judge") or judge,
        of.name("model") or "model",
        *found,
        (item or "") if is_item else None,
        value=score if expected is None else _of_item(word, score, expected, place),
        expected=expected,
        applies=not (is_item and word is not None and word.strip().lower() in _NOT_APPLICABLE),
        weight=_or(of.number("weight"), 1.0),
        category=of.name("category"),
        asked=_whole(of.number("asked")),
        place=_whole(of.number("place")),
        order=next((order for order in ORDERS if order == of.name("order")), None),
        length=_whole(of.number("length")),
        repeat=_whole(of.number("repeat")) or 0,
        error=None if error is None else error[:_ERROR_LENGTH],
        costs={name: amount for name, amount in costs.items() if amount is not None and amount >= 0},
    )


class _Cells:
    """Cells of a row by field."""

    def __init__(self, row: Mapping[str, Any], columns: Columns, place: Place) -> None:
        self.row, self.columns, self.place = row, columns, place

    def raw(self, field: str) -> Any:
        return cell(self.row, self.columns.of[field]) if field in self.columns.of else None

    def name(self, field: str) -> str | None:
        return as_id(self.raw(field))

    def text(self, field: str) -> str | None:
        return as_text(self.raw(field))

    def number(self, field: str) -> float | None:
        """A finite number; None, with the reason told, for anything else."""
        value = self.raw(field)
        if value is None:
            return None
        number = as_number(value)
        if number is None or number != number:
            self.place.error(self.columns.of[field], f"expected a number, got {str(value)[:80]!r}")
            return None
        return number


def _of_item(word: str | None, score: float | None, expected: float, place: Place) -> float | None:
    """The answer to an item; where there is a score alone, 1 tells that it is met and 0 that it is not."""
    if word is not None or score is None:
        return _answer(word, place)
    if score not in (0, 1):
        place.error("score", f"expected an answer to an item, or 1 or 0 where it is met or not, got {score:g}")
        return None
    return expected if score else 1 - expected


def _answer(word: str | None, place: Place) -> float | None:
    if word is None or word.strip().lower() in _NOT_APPLICABLE:
        return None
    try:
        return logged_verdict(word)
    except ValueError as error:
        place.error("answer", str(error))
        return None


def _expected(word: str | None, place: Place) -> float:
    found = _answer(word, place)
    return 1.0 if found is None else found


def _or(value: float | None, other: float) -> float:
    return other if value is None or value < 0 else value


def _whole(value: float | None) -> int | None:
    return None if value is None or value < 0 or value != int(value) else int(value)
