# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Flat rows to records: one row is one turn of one dialogue, whatever kind of file it stands in."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from imug_metrics.dialogues.record import GROUPS
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.answer_keys import read_key
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.lone_turns import LoneTurns
from imug_metrics.formats.common.object_lists import read_objects
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.protocol import ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import Columns, find_columns, warn_of_misspelled
from imug_metrics.reading.fields import meant
from imug_metrics.reading.files import MAX_TURN, Problems, as_turn, kind
from imug_metrics.reading.options import read_options

_WHOLE = re.compile(r"[+-]?\d{1,9}(?:\.0{1,9})?")
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,4})?")
_WORDS = {"true": 1.0, "false": 0.0, "nan": math.nan}
MODALITIES = {"text": "text", "image": "image", "text_only": "text", "image_only": "image"}
"""What files call the modality of a turn."""
_MAX_LIST = 2**20
_ABSENT = frozenset(("nan", "NaN", "<NA>", "#N/A"))  # as pandas and spreadsheets write what is not there
_MAYBE_ABSENT = frozenset(("None", "null", "NULL", "N/A", "n/a", "-"))


class Rows:
    """Makes records of the rows of one file.

    Args:
        path: the file.
        names: of its columns.
        options: how it is read.
        problems: collects what is wrong.
        sources: finds images; None: those in the folder of the file, or in that of the options.
        usual: names of columns by field, see `find_columns`.

    Raises:
        ArgumentError: of `columns`, see `find_columns`.

    Example:
        >>> rows = Rows(Path("mine.csv"), ["id", "turn", "score", "reply"], ReadOptions(), Problems())
        >>> found = rows.read({"id": "a", "turn": "2", "score": "0.5", "reply": "B"}, 2)
        >>> found.record.dialogue, found.record.turn, found.record.scores, found.record.text
        ('a', 2, {'score': 0.5}, 'B')
    """

    def __init__(
        self,
        path: Path,
        names: Collection[str],
        options: ReadOptions,
        problems: Problems,
        *,
        sources: ImageSources | None = None,
        usual: Mapping[str, tuple[tuple[str, ...], ...]] = USUAL,
    ) -> None:
        self.path, self.problems = path, problems
        self.columns: Columns = find_columns(names, options.columns, path, usual=usual)
        self.sources = ImageSources(options.images or path.parent) if sources is None else sources
        of = self.columns.of
        self._columns_of = {
            name: [(field.removeprefix(f"{name}."), of[field]) for field in of if f"{field}.".startswith(f"{name}.")]
            for name in ("score", "cost", "group")
        }
        self._lone = LoneTurns()
        self._told = set[str]()  # fields in which a word may stand for nothing
        warn_of_misspelled(self.columns, path, None, problems)

    def read(self, row: Mapping[str, Any], line: int | None, file: Path | None = None) -> RecordAt | None:
        """The record of a row, or None, with the reason told.

        Raises:
            ArgumentError: if turns count from 0.
        """
        place = Place(file or self.path, line, self.problems)
        dialogue, turn = self._dialogue(row, place), self._turn(row, place)
        modality = self._modality(row, place)
        if dialogue is None or turn is None or modality is None:
            return None
        prompt, scores = self._text(row, "prompt", place) or "", self._numbers(row, "score", place)
        fields = {
            **{"dialogue": dialogue, "turn": turn, "modality": modality, "prompt": prompt, "scores": scores},
            **{name: self._text(row, name, place) for name in ("text", "subject")},
            **{name: self._image(row, name, place) for name in ("reference", "mask")},
            **(self._key(row, prompt, place) if modality == "text" else {"image": self._image(row, "image", place)}),
            "groups": self._groups(row, place),
            "links": self._links(row, turn, place),
            "costs": self._numbers(row, "cost", place),
            **{name: self._objects(row, name, place) for name in ("objects", "target_objects")},
        }
        if not scores and self._cell(row, modality) is None:
            fields["scores"] = self._without_any(modality, place)
        record = place.make_record(fields)
        if record is None:
            return None
        if "dialogue" in self.columns.guessed:
            self._lone.add(dialogue, turn, self.columns.dialogue[0])
        return RecordAt(record, line, self._text(row, "model", place), file)

    def end(self) -> None:
        """Look at what only all rows together show.

        Raises:
            ArgumentError: of `columns`, if what was taken for the dialogue is another one in each row.
        """
        self._lone.check(self.path)

    def _without_any(self, modality: str, place: Place) -> dict[str, float]:
        """What a row without answer or score counts as: NaN in each column, where scores are all that rows have."""
        of, columns = self.columns.of, dict(self._columns_of["score"])
        if of.keys() & {"text", "image"}:
            place.error(of.get(modality, ""), "expected an answer, found none: it counts as absent")
            return {}
        end = "it counts as absent" if columns else "the row is left out"
        place.error(", ".join(columns.values()) or of["scores"], f"expected a score, found none: {end}")
        return dict.fromkeys(columns, math.nan)

    def _cell(self, row: Mapping[str, Any], field: str) -> Any:
        column = self.columns.of.get(field)
        value = None if column is None else cell(row, column)
        return None if isinstance(value, str) and value.strip() in _ABSENT else value

    def _dialogue(self, row: Mapping[str, Any], place: Place) -> str | None:
        parts = []
        for column in self.columns.dialogue:
            text = as_id(cell(row, column))
            if text is None:
                place.error(column, f"expected the id of a dialogue, got {shown(cell(row, column))}")
                return None
            parts.append(text)
        return "/".join(parts)

    def _turn(self, row: Mapping[str, Any], place: Place) -> int | None:
        if self.columns.turn is not None:
            return self.columns.turn
        column = self.columns.of["turn"]
        return read_turn(cell(row, column), column, place)

    def _modality(self, row: Mapping[str, Any], place: Place) -> str | None:
        value, columns = self._cell(row, "modality"), self.columns
        if value is not None:
            name = value.strip().lower() if isinstance(value, str) else ""
            if name in MODALITIES:
                return MODALITIES[name]
            hint = meant(name, ("text", "image"))
            place.error(columns.of["modality"], f"expected 'text' or 'image', got {shown(value)}{hint}")
            return None
        text, image = self._cell(row, "text"), self._cell(row, "image")
        if text is not None and image is not None and "image" in columns.guessed:
            cure = "name the column of the modality, or say image=... for images that the model made"
            place.error(columns.of["image"], f"stands beside an answer in text, and may be of the question: {cure}")
            return None
        if image is not None or ("image" in columns.of and "text" not in columns.of):
            return "image"
        if "image" in columns.of and text is None and self._cell(row, "target") is None:
            place.error("", "is empty, and nothing says whether text or an image was expected: add a column `modality`")
            return None
        return "text"

    def _text(self, row: Mapping[str, Any], field: str, place: Place) -> str | None:
        value = self._cell(row, field)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        text = as_text(value)
        if text is None and value is not None:
            place.error(self.columns.of[field], f"expected text, got {shown(value)}{self._inner(field, value)}")
        if text in _MAYBE_ABSENT and field not in self._told:
            self._told.add(field)
            cure = "is read as it stands: leave a cell empty where nothing is. It is told once"
            place.warn(self.columns.of[field], f"{text!r} {cure}")
        return text

    def _inner(self, field: str, value: Any) -> str:
        """How to name what an object holds, for the end of a message."""
        names = [*islice(value, 3)] if isinstance(value, Mapping) else []
        inner = ", ".join(f"{field}={self.columns.of[field][:40]}.{str(name)[:40]}" for name in names)
        return f"; name what it holds, as in {inner}" if inner else ""

    def _image(self, row: Mapping[str, Any], field: str, place: Place) -> Path | bytes | None:
        value = self._cell(row, field)
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return self.sources.find(value, place, self.columns.of[field])

    def _key(self, row: Mapping[str, Any], prompt: str, place: Place) -> dict[str, Any]:
        """The answer key and the options; see `read_key`."""
        named = self.columns.of
        target, options = self._text(row, "target", place), self._cell(row, "options")
        if isinstance(options, str):
            options = _listed_options(options)
        elif options is None:
            options = {letter: text for letter, name in self.columns.letters if (text := as_text(cell(row, name)))}
        target, options = read_key(target, options, prompt, place, named)
        return {"target": target, "options": options}

    def _links(self, row: Mapping[str, Any], turn: int, place: Place) -> tuple[int, ...]:
        value = self._cell(row, "links")
        if value is None:
            return ()
        entries = re.split(r"[\s,;]+", value.strip(" []")) if isinstance(value, str) else value
        turns = [as_turn(entry) for entry in (entries if isinstance(entries, list) else [entries])]
        found = tuple(dict.fromkeys(entry for entry in turns if entry is not None and entry < turn))
        if len(found) < len(turns):
            place.error(self.columns.of["links"], f"expected earlier turns, each once, got {shown(value)}")
        return found

    def _objects(self, row: Mapping[str, Any], field: str, place: Place) -> tuple[str, ...] | None:
        value = self._cell(row, field)
        if isinstance(value, str):
            listed = as_list(value) if value.lstrip().startswith("[") else None
            value = _split_names(value) if listed is None else listed
        return read_objects(value, self.columns.of.get(field, ""), place)

    def _groups(self, row: Mapping[str, Any], place: Place) -> dict[str, str]:
        """Groups by name: in columns of their usual names, in one object, and in columns that are named."""
        found = {name: text for name in GROUPS if (text := self._text(row, name, place)) is not None}
        for name, (column, value) in self._named(row, "group", "texts", place).items():
            text = as_text(value)
            if text is not None:
                found[name] = text
            else:
                place.error(column, f"expected text, got {shown(value)}")
        return found

    def _numbers(self, row: Mapping[str, Any], name: str, place: Place) -> dict[str, float]:
        """Scores or costs by name; what is no number is told, and NaN."""
        cells = self._named(row, name, "numbers", place)
        return {each: _number(*found, place) for each, found in cells.items()}

    def _named(self, row: Mapping[str, Any], name: str, what: str, place: Place) -> dict[str, tuple[str, Any]]:
        """What has names of its own, and stands in one object or in a column each: by name, the column and the cell."""
        cells: dict[str, tuple[str, Any]] = {}
        whole = self._cell(row, f"{name}s")
        if whole is not None:
            column = self.columns.of[f"{name}s"]
            values = as_json(whole)
            if isinstance(values, dict):
                cells = {each: (f"{column}.{each}", present(value)) for each, value in values.items()}
            else:
                place.error(column, f"expected an object of {what} by name, got {shown(whole)}")
        cells.update((each, (column, cell(row, column))) for each, column in self._columns_of[name])
        return {each: found for each, found in cells.items() if found[1] is not None}


def read_turn(value: Any, column: str, place: Place) -> int | None:
    """The turn that a cell holds, or None, with the reason told.

    Raises:
        ArgumentError: of `path`, if it is 0.
    """
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value.strip().partition(".")[0])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0:
        _refuse_zero(place, column)
    turn = as_turn(value)
    if turn is None:
        place.error(column, f"expected a turn from 1 to {MAX_TURN}, got {shown(value)}")
    return turn


def read_dialogue_turn(row: Mapping[str, Any], columns: Columns, place: Place) -> tuple[str, int] | None:
    """The dialogue and the turn of a row, or None, with the reason told, where one of them cannot be read.

    Raises:
        ArgumentError: of `path`, if the turn is 0.
    """
    ids = [as_id(cell(row, name)) for name in columns.dialogue]
    if None in ids:
        place.error(columns.dialogue[ids.index(None)], "expected the id of a dialogue")
        return None
    turn = columns.turn
    if turn is None:
        turn = read_turn(cell(row, columns.of["turn"]), columns.of["turn"], place)
    return None if turn is None else ("/".join(map(str, ids)), turn)


def cell(row: Mapping[str, Any], column: str) -> Any:
    """What a column holds, or None where that is nothing; a dotted name leads into objects.

    Example:
        >>> cell({"a": {"b": 2}, "c": ""}, "a.b"), cell({"c": " "}, "c"), cell({"a.b": 1}, "a.b")
        (2, None, 1)
    """
    value: Any = row
    if column in row:
        return present(row[column])
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return present(value)


def present(value: Any) -> Any:
    """The value, or None where it is empty."""
    return None if isinstance(value, str) and not value.strip() else value


def as_id(value: Any) -> str | None:
    r"""The id that a cell holds, as whole numbers are written; None where it holds none.

    Example:
        >>> as_id(7), as_id(7.0), as_id("7.0"), as_id(" a/7 "), as_id("1.10"), as_id("a\nb"), as_id("nan")
        ('7', '7', '7', 'a/7', '1.10', None, None)
    """
    text = (as_text(value) or "").strip()
    if not text or "\n" in text or text in _ABSENT:
        return None
    return text.removesuffix(".0") if _WHOLE.fullmatch(text) else text


def as_text(value: Any) -> str | None:
    """The text of a cell; None for what is none.

    Example:
        >>> as_text("B"), as_text(3), as_text(3.0), as_text(0.5), as_text([1]), as_text(None)
        ('B', '3', '3', '0.5', None, None)
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None if math.isnan(value) else str(value)
    try:
        return str(value) if isinstance(value, (bool, int)) else None
    except ValueError:  # more digits than Python converts
        return None


def as_number(value: Any) -> float | None:
    """The number of a cell: finite, NaN, or 1 and 0 for true and false; None for what is none.

    Example:
        >>> as_number("0.5"), as_number(" 1e-3"), as_number("True"), as_number("0,5"), as_number("inf")
        (0.5, 0.001, 1.0, None, None)
    """
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        value = float(text) if _NUMBER.fullmatch(text) else None
    if not isinstance(value, (bool, int, float, Decimal)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):  # ValueError: a signalling NaN
        return None
    return None if math.isinf(number) else number


def as_json(value: Any) -> Any:
    """The value that a cell of text holds as JSON; any other value as it is, and None for what is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def as_list(value: Any) -> Any:
    """The list or object that a cell of text holds as JSON, or as Python writes it; None where it holds none."""
    if not isinstance(value, str) or len(value) > _MAX_LIST or value.lstrip()[:1] not in ("[", "{"):
        return value if isinstance(value, (list, dict)) else None
    found = as_json(value)
    if found is None:
        try:
            found = ast.literal_eval(value.strip())
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
    return found if isinstance(found, (list, dict)) else None


def shown(value: Any) -> str:
    """A value for a message.

    Example:
        >>> shown("x"), shown(None), shown([1]), shown(2.5)
        ("'x'", 'nothing', 'a list', '2.5')
    """
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list, bool)):
        return kind(value)
    if isinstance(value, date):
        return f"the date {value}"
    try:
        return repr(value)[:80]
    except ValueError:  # more digits than Python converts
        return kind(value)


def _listed_options(text: str) -> Any:
    """Options in one cell: as JSON, as lines "A. ...", or as letters."""
    text = text.strip()
    found = as_list(text) if text[:1] in ("[", "{") else read_options(text)
    return found or text


def _split_names(text: str) -> list[str]:
    """Names in one cell, between semicolons, or where there is none between commas."""
    names = (name.strip() for name in text.split(";" if ";" in text else ","))
    return [name for name in names if name]


def _number(column: str, value: Any, place: Place) -> float:
    number = as_number(value)
    if number is not None:
        return number
    comma = isinstance(value, str) and "," in value and _NUMBER.fullmatch(value.strip().replace(",", "."))
    place.error(column, f"expected a finite number, got {shown(value)}{'; decimals have a point' if comma else ''}")
    return math.nan


def _refuse_zero(place: Place, column: str) -> NoReturn:
    where = place.file if place.line is None else f"{place.file}:{place.line}"
    raise ArgumentError(
        "path",
        f"{where}: expected turns from 1, got turn 0 in {column!r}: turns count from 1; add 1 to every turn there, or "
        "remove rows of turn 0 where they are no answers",
    )
