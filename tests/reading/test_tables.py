# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""CSV as people and spreadsheets write it: read by the names of its columns, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from imug_metrics.reading.tables import read_table
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
