# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of chats that are broken anywhere: each line gives records or a problem, and nothing else is ever raised."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics import read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.formats import READERS, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems
from tests.formats.chat_files import CHAT_FILES
from tests.formats.dialogues import source_records

DIALOGUES = len({record.dialogue for record in source_records()})
NO_LINES = ("sharegpt.array", "openai.over-lines", "webdataset.plain", "webdataset.packed")
LINES = [name for name in CHAT_FILES if name not in NO_LINES]
FUZZ = settings(max_examples=20, deadline=None)  # of each form, and others in every run

NUMBERS = (10**400, -(10**30), 1e308, float("inf"), float("-inf"), float("nan"), 0, -1, 2**63)
PATHS = (
    "../../etc/passwd",
    "/etc/passwd",
    "http://example.org/a.png",
    "file:///etc/passwd",
    "file://[",
    "~",
    ".",
    "\0",
)
URLS = ("data:image/png;base64,", "data:,x", "data:image/png;base64,====", "data:image/png;base64,iVBORw0KGgo=")
TEXTS = ("", "\ud800", "<image>", "<image><image>", "user", "gpt", "text", "image", "x" * 5000)
NAMES = ("type", "text", "image", "url", "role", "content", "bytes", "path", "source", "data")

WRONG = st.one_of(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    st.sampled_from([*NUMBERS, *PATHS, *URLS, *TEXTS]),
    st.recursive(st.none() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    st.dictionaries(
        st.sampled_from(NAMES),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=2),
        max_size=4,
    ),
)
BROKEN = (b"{", b"[]", b"null", b'"text"', b"\xff\xfe{}", b'{"messages": 3}', b'{"id": 1' + b"0" * 5000 + b"}", b"{}")


@lru_cache
def made(form: str) -> tuple[str, bytes]:
    """Name and content of the file of a form."""
    with tempfile.TemporaryDirectory() as folder:
        path = CHAT_FILES[form](Path(folder))
        return path.name, path.read_bytes()


def read(form: str, name: str, content: bytes) -> tuple[list[RecordAt], Problems]:
    """What the reader of a form gives of a content; images of files are not there."""
    [reader] = [reader for reader in READERS if reader.name == form.partition(".")[0]]
    problems = Problems()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return list(reader.read(path, ReadOptions(), problems)), problems


def accounted(found: list[RecordAt], problems: Problems) -> set[int] | None:
    """Lines of which there is a record or a problem; None where a problem is of the file as a whole."""
    if any(problem.line is None for problem in problems):
        return None
    return {record.line or 0 for record in found} | {problem.line or 0 for problem in problems}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from places(entry, (*at, key))


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The value with another one in a place."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = put(copy[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize("form", CHAT_FILES)
@FUZZ
@given(data=st.data())
def test_damaged_bytes_lose_nothing_in_silence(form: str, data: st.DataObject) -> None:
    name, content = made(form)
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        damaged[start : start + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    found, problems = read(form, name, bytes(damaged))
    lines = accounted(found, problems)
    texts = bytes(damaged).decode("utf-8", "replace").split("\n")
    over_lines = texts[0].rstrip().endswith(("{", "[", ",", ":"))  # an object that goes on below
    if form in LINES and lines is not None and not over_lines:
        assert {number for number, text in enumerate(texts, 1) if text.strip()} <= lines
    if not problems:
        assert len({record.record.dialogue for record in found}) == DIALOGUES
        assert len(found) == len(source_records())


@pytest.mark.parametrize("form", CHAT_FILES)
@FUZZ
@given(data=st.data())
def test_a_file_that_was_cut_says_so(form: str, data: st.DataObject) -> None:
    name, content = made(form)
    cut = content[: data.draw(st.integers(1, len(content) - 1))]
    found, problems = read(form, name, cut)
    if form in LINES and b"\n" in (cut[-1:], content[len(cut) : len(cut) + 1]):  # nothing shows that lines are gone
        assert len({record.line for record in found}) == len(cut.splitlines())
    elif content[len(cut) :].strip(b"\0\n"):
        assert problems.errors


@pytest.mark.parametrize("form", [*LINES, "sharegpt.array"])
@FUZZ
@given(data=st.data())
def test_wrong_values_anywhere_give_a_record_or_a_problem(form: str, data: st.DataObject) -> None:
    name, content = made(form)
    array = form == "sharegpt.array"
    rows = json.loads(content) if array else [json.loads(line) for line in content.splitlines()]
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    for _ in range(data.draw(st.integers(1, 3))):
        row = put(row, data.draw(st.sampled_from(list(places(row))[1:] or [()])), data.draw(WRONG))
    found, problems = read(form, name, json.dumps([row] if array else row).encode())
    assert found or problems
    for one in found:
        assert one.record.dialogue
        assert one.record.turn >= 1
        assert not isinstance(one.record.image, Path)  # no file of the folder is there, and none outside is named


@pytest.mark.parametrize("depth", [50, 5_000, 500_000])
@pytest.mark.parametrize("form", [*LINES, "sharegpt.array"])
def test_deep_nesting_is_a_problem_of_its_line(form: str, depth: int) -> None:
    name, _ = made(form)
    value = "[" * depth + "]" * depth
    line = f'{{"id": "a", "messages": {value}, "conversations": {value}}}'
    found, problems = read(form, name, f"[{line}]".encode() if form == "sharegpt.array" else line.encode())
    assert not found
    assert problems.errors


@pytest.mark.parametrize("form", LINES)
def test_a_broken_line_between_others_costs_itself_alone(form: str) -> None:
    name, content = made(form)
    lines = content.splitlines()
    for broken in BROKEN:
        found, problems = read(form, name, b"\n".join([lines[0], broken, *lines[1:]]))
        assert {record.line for record in found} == {1, 3, 4}
        assert 2 in {problem.line for problem in problems}


@pytest.mark.parametrize("form", CHAT_FILES)
@FUZZ
@given(data=st.data())
def test_a_damaged_beginning_is_read_or_refused(form: str, data: st.DataObject) -> None:
    name, content = made(form)
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, min(600, len(content) - 1)))
        damaged[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    read_or_refused(bytes(damaged), name)


@FUZZ
@given(st.binary(max_size=600) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refused(content, "any.bin")


@FUZZ
@given(st.recursive(WRONG, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner)))
def test_any_json_is_read_or_refused(value: Any) -> None:
    read_or_refused(json.dumps(value).encode(), "any.json")


def read_or_refused(content: bytes, name: str) -> None:
    """Read a file as anybody would: it gives records or problems, or is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        with contextlib.suppress(ArgumentError):
            found = read_records(path)
            assert found or found.problems
