# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction tables of VLMEvalKit: `index`, `question`, options, `answer`, `prediction`, as xlsx, tsv or csv."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import FAILED
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import names_turn
from imug_metrics.formats.tables.row_files import head_names, open_rows
from imug_metrics.formats.tables.rows import Rows, as_list
from imug_metrics.reading.files import MAX_TURN, Problems, inside, kind

_USUAL = {
    **USUAL,
    "dialogue": (*USUAL["dialogue"], ("index",)),
    "class": (*USUAL["class"], ("category",)),
    "score": (*USUAL["score"], ("hit",)),
    "image": USUAL["image"][:1],  # not `image`, which is the question's
}
_GIVEN = {"prompt": "question", "text": "prediction", "target": "answer"}
_TURN = "turn"  # made of the place in a list
_NO_ANSWER = "Failed to obtain answer"  # how the kit's stand-in for an answer begins; the error's text follows


class VLMEvalKitReader:
    """Prediction tables of VLMEvalKit, or of any kit that writes `index`, `question` and `prediction`.

    Options stand in columns A, B, ...; `answer` is the key, `hit` a score, `category` the class. A row is a turn where
    a column names it, a dialogue of its own where the caller says `turn=1`, and a whole dialogue where question and
    prediction are lists of the same length. The column `image` holds the question's image, and is read only where a
    column `modality` tells turns that the model answered with an image; then it is base64 or the path of a file.
    A prediction that begins with "Failed to obtain answer" is the kit's own, and reports a failed turn.
    """

    name = "vlmevalkit"

    def recognises(self, head: Head) -> bool:
        """A table of these columns."""
        return is_vlmevalkit(head_names(head) or ())

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The record of each row, or of each turn of it; see `Rows`.

        Raises:
            ArgumentError: of `columns`, see `find_columns`; of `path`, if turns count from 0.
            ModuleNotFoundError: if it is a workbook and openpyxl is not installed.
        """
        names, found = open_rows(path, problems)
        first = next(found, None)
        if first is None:
            return
        listed = "turn" not in options.columns and not names_turn(names) and _list(first[1].get("question")) is not None
        options = _named(names, options, listed)
        rows = Rows(path, [*names, _TURN] if listed else names, options, problems, usual=_USUAL)
        root = options.images or path.parent
        for line, row in chain([first], found):
            whole = dict(row)
            image = row.get(rows.columns.of.get("image", ""))
            if image is not None:
                whole[rows.columns.of["image"]] = _image(image, root)
            for turn in _turns(whole, Place(path, line, problems)) if listed else (whole,):
                said = {**turn, "prediction": _reply(turn.get("prediction"))}
                if (record := rows.read(said, line)) is not None:
                    yield record
        rows.end()


def is_vlmevalkit(names: Collection[str]) -> bool:
    """Whether these are the columns of such a table.

    Example:
        >>> is_vlmevalkit(["index", "question", "A", "B", "answer", "prediction"]), is_vlmevalkit(["id", "prediction"])
        (True, False)
    """
    return {"index", "question", "prediction"} <= {*names}


def _named(names: Collection[str], options: ReadOptions, listed: bool) -> ReadOptions:
    """The options with the columns that these tables have by definition, where the caller has named no others."""
    given = {field: name for field, name in _GIVEN.items() if name in names}
    if listed:
        given["turn"] = _TURN
    if "image" in names and any(name in names for rank in USUAL["modality"] for name in rank):
        given["image"] = "image"
    return replace(options, columns={**given, **options.columns})


def _image(value: Any, root: Path) -> Any:
    """An image cell, which holds a path or base64."""
    if not isinstance(value, str) or value[:5] == "data:" or not value.strip():
        return value
    return value if len(value) < 4096 and inside(root / value, root) else {"base64": value}


def _reply(prediction: Any) -> Any:
    """A prediction as records have it: one that the kit wrote in place of an answer reports a failed turn."""
    failed = isinstance(prediction, str) and prediction.startswith(_NO_ANSWER)
    return f"{FAILED} {prediction}" if failed else prediction


def _turns(row: Mapping[str, Any], place: Place) -> Iterator[Mapping[str, Any]]:
    """A row of lists as one row a turn."""
    questions, replies = _list(row.get("question")), _list(row.get("prediction"))
    if questions is None or replies is None or len(questions) != len(replies) or len(questions) > MAX_TURN:
        cells = ((questions, row.get("question")), (replies, row.get("prediction")))
        got = " and ".join(kind(cell) if found is None else f"a list of {len(found)}" for found, cell in cells)
        place.error("prediction", f"expected lists of as many questions and predictions, got {got}")
        return
    keys = _list(row.get("answer"))
    if keys is not None and len(keys) != len(questions):
        place.error("answer", f"expected a list of {len(questions)} keys, got one of {len(keys)}: there are none")
        keys = None
    for turn, (question, reply) in enumerate(zip(questions, replies), 1):
        key = None if keys is None else keys[turn - 1]
        yield {**row, "question": question, "prediction": reply, "answer": key, _TURN: turn}


def _list(value: Any) -> list[Any] | None:
    """The list that a cell holds; None where it holds none."""
    found = as_list(value)
    return found if isinstance(found, list) else None
