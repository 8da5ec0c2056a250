# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables and logs that are broken anywhere: records and problems account for every row"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imug_metrics.errors import ArgumentError
from imug_metrics.formats import READERS, ReadOptions, RecordAt
from imug_metrics.formats.common.head import read_head
from imug_metrics.reading.files import Problems
from tests.formats.dialogues import source_records
from tests.formats.table_files import TABLE_FILES
from tests.formats.test_chat_fuzz import WRONG, places, put

FUZZ = settings(max_examples=16, deadline=None)  # of each form, and others in every run
FILES = [form for form in TABLE_FILES if form not in ("parquet.structs", "parquet.saved")]  # those are folders
TEXTS = ["table.commas", "table.semicolons", "table.tabs", "table.pandas", "vlmevalkit.tabs"]
LINES = ["table.lines", "lmms-eval.lmms", "lmms-eval.lm", "evalscope.turns"]
COUNT = len(source_records())


@lru_cache
def made(form: str) -> tuple[str, bytes]:
    """Name and content of the file of a form."""
    with tempfile.TemporaryDirectory() as folder:
        path = TABLE_FILES[form](Path(folder))
        return path.name, path.read_bytes()


def read(form: str, content: bytes) -> tuple[list[RecordAt], Problems] | None:
    """What the reader of a form gives of a content; None where it is refused as a whole, with an argument's name."""
    [reader] = [reader for reader in READERS if reader.name == form.partition(".")[0]]
    problems = Problems()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, made(form)[0])
        path.write_bytes(content)
        for each in READERS:
            each.recognises(read_head(path))
        try:
            return list(reader.read(path, ReadOptions(), problems)), problems
        except ArgumentError as error:
            refused = error.arguments[0]
    assert refused in ("columns", "path")
    return None


def accounted(found: list[RecordAt], problems: Problems) -> set[int] | None:
    """Rows of which there is a record or a problem; None where a problem is of the file as a whole."""
    if any(problem.line is None or "not read" in problem.message for problem in problems):
        return None
    return {record.line or 0 for record in found} | {problem.line or 0 for problem in problems}


def damaged(content: bytes, data: st.DataObject, at_most: int = 4) -> bytes:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, at_most))):
        start = data.draw(st.integers(0, len(content) - 1))
        changed[start : start + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    return bytes(changed)


@pytest.mark.parametrize("form", FILES)
@FUZZ
@given(data=st.data())
def test_damaged_bytes_lose_nothing_in_silence(form: str, data: st.DataObject) -> None:
    content = damaged(made(form)[1], data)
    result = read(form, content)
    if result is None:
        return
    found, problems = result
    lines = accounted(found, problems)
    if form in LINES and lines is not None:
        assert {number for number, line in enumerate(content.split(b"\n"), 1) if line.strip()} <= lines
    if not problems:
        assert len(found) >= COUNT or form in TEXTS  # one byte may join or split rows of a text
    if not problems and form in TEXTS:
        assert len(found) >= COUNT - 3


@pytest.mark.parametrize("form", FILES)
@FUZZ
@given(data=st.data())
def test_a_file_that_was_cut_says_so_or_ends_between_rows(form: str, data: st.DataObject) -> None:
    content = made(form)[1]
    cut = content[: data.draw(st.integers(1, len(content) - 1))]
    result = read(form, cut)
    if result is None:
        return
    found, problems = result
    if form in TEXTS:
        assert [one.record.turn for one in found] == [record.turn for record in source_records()[: len(found)]]
    elif form in LINES:
        lines = [line for line in cut.split(b"\n") if line.strip()]
        assert len(found) == len(lines) or problems
    elif content[len(cut) :].strip():
        assert problems.errors or not found  # of a file that gives nothing `read_records` tells


@pytest.mark.parametrize("form", ["table.lines", "table.array", "lmms-eval.lmms", "lmms-eval.lm", "inspect.dialogues"])
@FUZZ
@given(data=st.data())
def test_wrong_values_anywhere_give_a_record_or_a_problem(form: str, data: st.DataObject) -> None:
    content = made(form)[1]
    rows = [json.loads(line) for line in content.splitlines()] if form in LINES else json.loads(content)
    rows = rows if isinstance(rows, list) else [rows]
    number = data.draw(st.integers(0, len(rows) - 1))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from([*places(rows[number])]))
        rows[number] = put(rows[number], at, data.draw(WRONG))
    assume(json.dumps(rows[number]).strip("[], ") != "")  # brackets around nothing are passed over
    text = "\n".join(map(json.dumps, rows)) if form in LINES else json.dumps(rows if len(rows) > 1 else rows[0])
    result = read(form, text.encode())
    if result is None:
        return
    found, problems = result
    assert len(found) >= COUNT or problems
    for one in found:
        assert one.record.dialogue
        assert one.record.turn >= 1
        assert not isinstance(one.record.image, Path)  # no file of the folder is there, and none outside is named


CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "0", "1", "2.0", "-1", "1e400", "nan", "inf", "text", "image", "[", "{}", '["a"]', "../x"]
    ),
    st.text(max_size=12),
)


@pytest.mark.parametrize("form", TEXTS)
@FUZZ
@given(data=st.data())
def test_any_cells_give_a_record_or_a_problem_each_row(form: str, data: st.DataObject) -> None:
    content = made(form)[1].decode("utf-8-sig")
    separator = {"semicolons": ";", "tabs": "\t"}.get(form.partition(".")[2], ",")
    head, *rows = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
    for _ in range(data.draw(st.integers(1, 5))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(CELLS).replace("\r", "")
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([head, *rows])
    result = read(form, text.getvalue().encode("utf-8", "replace"))
    if result is None:
        return
    found, problems = result
    lines = {record.line for record in found} | {problem.line for problem in problems}
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(lines - {None}) >= len(filled)


@pytest.mark.parametrize("form", ["parquet.structs", "parquet.saved"])
@FUZZ
@given(data=st.data())
def test_damaged_files_of_a_folder_are_told(form: str, data: st.DataObject) -> None:
    [reader] = [reader for reader in READERS if reader.name == "parquet"]
    with tempfile.TemporaryDirectory() as folder:
        path = TABLE_FILES[form](Path(folder))
        files = sorted(file for file in path.rglob("*") if file.suffix in (".parquet", ".arrow", ".json"))
        file = data.draw(st.sampled_from(files))
        file.write_bytes(damaged(file.read_bytes(), data, 8))
        problems = Problems()
        reader.recognises(read_head(path))
        try:
            found = list(reader.read(path, ReadOptions(), problems))
        except ArgumentError:
            return
        assert len(found) >= COUNT or problems or file.suffix == ".json"


@pytest.mark.parametrize("form", ["table.lines", "lmms-eval.lmms", "lmms-eval.lm", "inspect.dialogues"])
@pytest.mark.parametrize("depth", [50, 5_000, 500_000])
def test_deep_nesting_is_a_problem_of_its_place(form: str, depth: int) -> None:
    content = made(form)[1]
    name = b"metadata" if form == "inspect.dialogues" else b"turn"
    deep = b'{"deep": ' + b"[" * depth + b"]" * depth + b', "' + name + b'": 1}\n'
    result = read(form, content + deep if form in LINES else deep)
    assert result is None or result[1]


def rows_of_nothing() -> Iterator[tuple[str, bytes]]:
    for form in FILES:
        for content in (b"", b"\n", b"{}", b"[]", b"[{}]", b"PK\x03\x04", b"PAR1", b"\0" * 100, b"a,b\n", b"null"):
            yield form, content


@pytest.mark.parametrize(("form", "content"), rows_of_nothing())
def test_files_that_hold_nothing_give_nothing(form: str, content: bytes) -> None:
    result: Any = read(form, content)
    assert result is None or result[0] == []
