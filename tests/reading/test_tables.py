# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""CSV as people and spreadsheets write it: read by the names of its columns, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from imug_metrics.reading.tables import read_table, stream_table
from imug_metrics.reading.text_files import TextError

REQUIRED, OPTIONAL = ("name", "score"), ("note",)


def table(tmp_path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    return list(read_table(path, required=REQUIRED, optional=OPTIONAL))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("name,score\na,1\n", [(2, {"name": "a", "score": "1"})]),
        ("name;score\r\na;1,5\r\n", [(2, {"name": "a", "score": "1,5"})]),
        ("name\tscore\na b\t1\n", [(2, {"name": "a b", "score": "1"})]),
        ("score,note,name\n1,x,a", [(2, {"score": "1", "note": "x", "name": "a"})]),
        ('"name";"score"\n"a;b";1\n', [(2, {"name": "a;b", "score": "1"})]),
        ('name,score\n"a, ""b""",1\n', [(2, {"name": 'a, "b"', "score": "1"})]),
        ('name,score\n"a\nb",1\nc,2\n', [(2, {"name": "a\nb", "score": "1"}), (4, {"name": "c", "score": "2"})]),
        ("\nname,score\n\n\na,1\n\n", [(5, {"name": "a", "score": "1"})]),
        ("name,score,,\na,1,,\n,,,\n", [(2, {"name": "a", "score": "1"})]),
        ("name,score,note\na,1,\n", [(2, {"name": "a", "score": "1", "note": ""})]),
        ("name,score\ra,1\r", [(2, {"name": "a", "score": "1"})]),
        ("name,score\na;b,1\n", [(2, {"name": "a;b", "score": "1"})]),
        ("name,score\n", []),
    ],
)
def test_columns_are_read_by_name_whatever_separates_them(tmp_path, text, rows) -> None:
    assert table(tmp_path, text) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("\n\n", "empty file"),
        ("name,scor\na,1\n", ":1: .*got 'scor'; did you mean `score`"),
        ("Name,score\na,1\n", ":1: .*got 'Name'; did you mean `name`"),
        ("name, score\na,1\n", ":1: .*got ' score'; did you mean `score`"),
        ("name;Score\na;1\n", ":1: .*got 'Score'; did you mean `score`"),
        ("name,score,score\na,1,2\n", ":1: .*`score` twice"),
        ("name,note\na,x\n", ":1: .*`score` is missing"),
        ("name,,score\na,,1\n", ":1: .*got ''"),
        ("name|score\na|1\n", ":1: .*separated by comma, semicolon, tab"),
        ("name,score\na\n", ":2: expected 2 cells, as in the first line, got 1"),
        ("name,score\na,1\nb,c,2\n", ":3: expected 2 cells, as in the first line, got 3; a cell that holds a comma"),
        ("name;score\na;b;2\n", ":2: .*holds a semicolon needs quotes"),
        ('name,score\na,1\n"b,2\nc,3\n', ":3: expected CSV"),
        ('name,score\n"a"b,1\n', ":2: expected CSV"),
        ('"name,score\na,1\n', ":1: expected CSV"),
        ("name,score\n" + "a" * 200_000 + ",1\n", ":2: expected CSV: field larger"),
    ],
)
def test_what_is_no_such_table_is_refused_by_line(tmp_path, text, message) -> None:
    with pytest.raises(TextError, match=r"table\.csv" + message if message.startswith(":") else message):
        table(tmp_path, text)


def streamed(tmp_path: Path, content: str | bytes, known: tuple[str, ...] = ()) -> tuple[tuple[str, ...], list]:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    columns, rows = stream_table(path, known=known)
    return columns, [(line, str(row) if isinstance(row, TextError) else row) for line, row in rows]


@pytest.mark.parametrize(
    ("text", "known", "columns", "rows"),
    [
        ("a,b\n1,2\n", (), ("a", "b"), [(2, {"a": "1", "b": "2"})]),
        ("a;b\n1,5;2\n", (), ("a", "b"), [(2, {"a": "1,5", "b": "2"})]),
        ("a\tb\n1\t2\n", (), ("a", "b"), [(2, {"a": "1", "b": "2"})]),
        ("\ufeffid;t\r\n1;2\r\n", (), ("id", "t"), [(2, {"id": "1", "t": "2"})]),
        (",id,t\n0,1,2\n", (), ("", "id", "t"), [(2, {"": "0", "id": "1", "t": "2"})]),
        ("\nid,t\n\n1,2\n\n", (), ("id", "t"), [(4, {"id": "1", "t": "2"})]),
        ('i,t\n"x, ""y""\nz",2\nv,3\n', (), ("i", "t"), [(2, {"i": 'x, "y"\nz', "t": "2"}), (4, {"i": "v", "t": "3"})]),
        ("turn;why, how, who\n1;x\n", ("Turn",), ("turn", "why, how, who"), [(2, {"turn": "1", "why, how, who": "x"})]),
        ("id,t\n" + "a" * 200_000 + ",1\n", (), ("id", "t"), [(2, {"id": "a" * 200_000, "t": "1"})]),
        ("对话,回合\nß,1", (), ("对话", "回合"), [(2, {"对话": "ß", "回合": "1"})]),
        ("id\nx\n", (), ("id",), [(2, {"id": "x"})]),
    ],
)  # fmt: skip
def test_any_columns_are_streamed(tmp_path, text, known, columns, rows) -> None:
    assert streamed(tmp_path, text, known) == (columns, rows)


@pytest.mark.parametrize(
    ("content", "read", "broken"),
    [
        ('a,b\n1,"2\n3,4\n5,6\n', [3, 4], {2: "unexpected end of data"}),
        ('a,b\n1,"2\n3,"4"\n5,6\n', [3, 4], {2: "expected CSV"}),
        ('a,b\n"1"x,2\n3,4\n', [3], {2: "expected after"}),
        ("a,b\n1\n3,4\n", [3], {2: "expected 2 cells, as in the first line, got 1"}),
        ("a,b\n1,2,3\n3,4\n", [3], {2: "holds a comma needs quotes"}),
        (b"a,b\n1,\xff\n3,4\n", [3], {2: "expected UTF-8"}),
        (b'a,b\n1,"2\n\xff,"\n3,4\n', [4], {2: "expected UTF-8", 3: "expected UTF-8"}),
        ('a,b\n1,"' + "\n" * 3_000 + '"\n3,4\n', [3003], {2: "open for more than 2000 lines", 3002: "unexpected end"}),
        ("a,b\n1,\r2\n3,4\n", [3], {2: "a CR within"}),
        ('a,b\n"\n', [], {2: "unexpected end of data"}),
    ],
)
def test_a_broken_row_costs_itself_alone(tmp_path, content, read, broken) -> None:
    _, rows = streamed(tmp_path, content)
    assert [line for line, row in rows if isinstance(row, dict)] == read
    found = {line: row for line, row in rows if isinstance(row, str)}
    assert found.keys() == broken.keys()
    assert all(message in found[line] for line, message in broken.items())


def test_quotes_that_are_never_closed_are_told_with_their_lines_once_they_were_too_many(tmp_path) -> None:
    _, rows = streamed(tmp_path, "a,b\n" + 'x","\n' * 5_000)
    assert {line for line, row in rows if isinstance(row, dict)} == set()
    told = {line for line, _ in rows}
    for _, message in rows:
        if "are not read" in message:
            begin, end = (int(word) for word in message.split("lines ")[-1].split(" are")[0].split(" to "))
            told |= set(range(begin, end + 1))
    assert told == set(range(2, 5_002))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty file"),
        ("\n \n,,\n", "names the columns"),
        ("a,b,a\n", ":1: .*`a` twice"),
        ("a,b\r1,2\r", "a CR within the line"),
        ('"a,b\n1,2\n', ":1: expected CSV"),
        ("a,b\n".encode("utf-16"), "found UTF-16"),
    ],
)
def test_what_has_no_columns_is_refused(tmp_path, content, message) -> None:
    with pytest.raises(TextError, match=message):
        streamed(tmp_path, content)
