# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of one row a turn: what a cell may hold, and what is said of a cell that cannot be read."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import openpyxl
import pytest

from imug_metrics import Record, read_records
from imug_metrics.errors import ArgumentError
from tests.formats.table_files import write_workbook

KINDS = ("csv", "json", "xlsx")


def table(folder: Path, rows: list[dict[str, object]], kind: str = "csv") -> Path:
    """A file of these rows, whose first decides on the columns."""
    path = folder / f"mine.{kind}"
    if kind == "xlsx":
        return write_workbook(path, [{name: row.get(name) for name in rows[0]} for row in rows])
    if kind == "json":
        path.write_text(json.dumps(rows))
        return path
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def read(path: Path, **options: object) -> tuple[list[Record], list[str]]:
    found = read_records(path, format="table", **options)
    problems = [str(problem).removeprefix(f"{path}:") for problem in found.problems]
    return [record for records in found.values() for record in records], problems


def one(folder: Path, kind: str = "csv", **cells: object) -> tuple[list[Record], list[str]]:
    """The records and problems of a row with these cells, beside a row that is right."""
    row = {"dialogue": "a", "turn": 1, "score": 0.5, **cells}
    right: dict[str, object] = {**dict.fromkeys(row, ""), "dialogue": "z", "turn": 1, "score": 1.0}
    if "modality" in row:
        right["modality"] = "text"
    records, problems = read(table(folder, [right, row], kind))
    assert records[0].dialogue == "z"
    assert records[0].scores == {"score": 1.0}
    return records[1:], problems


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cell", "score"),
    [
        (0.25, 0.25),
        ("0.25", 0.25),
        (" 1e-3 ", 0.001),
        ("-.5", -0.5),
        ("7", 7.0),
        ("٠.٥", 0.5),
        (True, 1.0),
        ("false", 0.0),
        ("nan", math.nan),
        ("NaN", math.nan),
    ],
)
def test_a_score_is_read(tmp_path, kind, cell, score) -> None:
    [record], problems = one(tmp_path, kind, score=cell)
    assert problems == []
    assert record.scores == pytest.approx({"score": score}, nan_ok=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["", "   ", None])
def test_an_empty_score_is_told_and_lowers_the_coverage_where_nothing_else_is_there(tmp_path, kind, cell) -> None:
    [record], [problem] = one(tmp_path, kind, score=cell)
    assert record.scores == {"score": pytest.approx(math.nan, nan_ok=True)}
    assert problem.endswith("score: expected a score, found none: it counts as absent")
    [record], problems = one(tmp_path, kind, score=cell, clip=0.5, reply="B")
    assert (record.scores, problems) == ({}, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cell",
    ["high", "0,5", "inf", "-Infinity", "5 %", "1e999", "½", "1_000", "0x10", "N/A", "#DIV/0!", "C"],
)
def test_what_is_no_number_is_told_and_counts_as_not_scored(tmp_path, kind, cell) -> None:
    [record], [problem] = one(tmp_path, kind, score=cell)
    assert math.isnan(record.scores["score"])
    assert "score: expected a finite number, got" in problem
    assert ("decimals have a point" in problem) == (cell == "0,5")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["x", "-1", "1.5", "", "2000", "ten", "二", "1e3", "NaN", "①"])
def test_a_row_without_a_turn_is_left_out_and_told_by_its_line(tmp_path, kind, cell) -> None:
    records, [problem] = one(tmp_path, kind, turn=cell)
    assert records == []
    assert problem.startswith({"csv": "3: ", "json": "1: ", "xlsx": "3: "}[kind])
    assert "turn: expected a turn from 1 to 1024, got" in problem


@pytest.mark.parametrize(
    ("cell", "turn"), [("2", 2), (2, 2), (2.0, 2), ("2.0", 2), (" 2", 2), ("02", 2), ("1024", 1024)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_turns_are_read_however_a_program_wrote_them(tmp_path, kind, cell, turn) -> None:
    [record], problems = one(tmp_path, kind, turn=cell)
    assert (record.turn, problems) == (turn, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", [0, "0", "0.0", "00", 0.0])
def test_turns_from_0_are_refused_with_the_cure(tmp_path, kind, cell) -> None:
    with pytest.raises(ArgumentError, match=r"got turn 0 in 'turn': turns count from 1; add 1 to every turn"):
        one(tmp_path, kind, turn=cell)


def test_a_row_without_any_score_is_left_out_where_no_column_names_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a", "turn": 1, "scores": {"judge": 1}}\n{"id": "a", "turn": 2, "scores": {}}\n')
    records, problems = read(path)
    assert [record.scores for record in records] == [{"judge": 1.0}, {}]
    assert problems == ["2: scores: expected a score, found none: the row is left out"]


@pytest.mark.parametrize(
    ("cells", "field", "message"),
    [
        ({"dialogue": ""}, "dialogue", "expected the id of a dialogue, got nothing"),
        ({"modality": "img"}, "modality", "expected 'text' or 'image', got 'img'"),
        ({"modality": "imge"}, "modality", "did you mean `image`"),
        ({"modality": "video"}, "modality", "expected 'text' or 'image'"),
        ({"modality": "text", "reply": "B", "options": '{"A": '}, "options", "options"),
        ({"modality": "text", "reply": "B", "options": "red"}, "options", "options"),
        ({"modality": "text", "reply": "B", "options": '["red", "blue"]', "target": 1}, "target", "the text of"),
        ({"modality": "text", "reply": "B", "options": "AB", "target": "green"}, "target", "option, A, B, got 'green'"),
        ({"modality": "image", "image": "gone.png"}, "image", "found none at 'gone.png'"),
        ({"modality": "image", "image": "../../etc/passwd"}, "image", "expected an image inside"),
        ({"modality": "image", "image": "https://example.org/a.png"}, "image", "not fetched"),
        ({"modality": "image", "image": "data:image/png;base64,%%"}, "image", "base64"),
        ({"modality": "image", "image": "", "score": ""}, "image", "found none: it counts as absent"),
        ({"modality": "text", "reply": "", "score": ""}, "reply", "found none: it counts as absent"),
        ({"turn": 3, "links": "1, 5"}, "links", "expected earlier turns"),
        ({"turn": 3, "links": "first"}, "links", "expected earlier turns"),
        ({"cost.tokens": "many"}, "cost.tokens", "expected a finite number"),
        ({"cost.tokens": -1}, "costs", "cost"),
        ({"reply": "B", "image": "a.png", "target": ""}, "image", "may be of the question: name the column of"),
        ({"reply": "", "image": "", "target": "", "score": 1}, "", "nothing says whether text or an image was"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_in_a_cell_is_told_with_line_and_field(tmp_path, kind, cells, field, message) -> None:
    if field == "" or "may be of the question" in message:  # the right row has to say what it is
        path = table(tmp_path, [{"id": "z", "turn": 1, "score": 1.0, "reply": "A", "image": "", "target": ""},
                                {"id": "a", "turn": 1, **cells}], kind)  # fmt: skip
        records, problems = read(path)
        assert [record.dialogue for record in records] == ["z"]
    else:
        _, problems = one(tmp_path, kind, **cells)
    [problem] = problems
    line, _, rest = problem.partition(": ")
    assert line == {"csv": "3", "json": "1", "xlsx": "3"}[kind]
    assert field in rest
    assert message in rest


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("ABCD", "ABCD"),
        ('["red", "blue"]', {"A": "red", "B": "blue"}),
        ('{"A": "rot", "B": "blau"}', {"A": "rot", "B": "blau"}),
        ("A. красный\nB. синий", {"A": "красный", "B": "синий"}),
        ("(A) 赤 (B) 青", {"A": "赤", "B": "青"}),
        ('{"A": "red", "B": null}', {"A": "red"}),
        ('["1", "2", "3"]', {"A": "1", "B": "2", "C": "3"}),
    ],
)
def test_options_are_read_in_every_usual_form(tmp_path, cell, options) -> None:
    [record], problems = one(tmp_path, reply="A", target="A", options=cell)
    assert (record.options, problems) == (options, [])


def test_all_columns_that_a_record_has_are_read(tmp_path) -> None:
    (tmp_path / "drawn").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "drawn" / f"{name}.png").write_bytes(b"png" + name.encode())
    row = {
        **{"Dialogue": "küche/猫", "turn": 3, "modality": "Image", "prompt": "Draw it.", "image": "drawn/a.png"},
        **{"reference_image": "drawn/b.png", "mask": "drawn/c.png", "subject": "cat", "links": "1 2", "class": "x"},
        **{"difficulty": 2, "group.source": "web", "groups": '{"language": "de"}'},
        **{"domain": "d", "subdomain": "s", "score.clip": 0.25, "score": 1, "cost.tokens": 12, "model": "m/1"},
        **{"objects": "dog, red car,dog", "target_objects": '["dog, old"]'},
    }
    found = read_records(table(tmp_path, [row]))
    assert [*found] == ["m_1"]
    [record] = found["m_1"]
    paths = {name: getattr(record, name).relative_to(tmp_path).name for name in ("image", "reference", "mask")}
    assert paths == {"image": "a.png", "reference": "b.png", "mask": "c.png"}
    assert (record.dialogue, record.turn, record.modality, record.subject) == ("küche/猫", 3, "image", "cat")
    groups = {"class": "x", "domain": "d", "subdomain": "s", "difficulty": "2", "language": "de", "source": "web"}
    assert (record.links, record.groups) == ((1, 2), groups)
    assert (record.scores, record.costs) == ({"clip": 0.25, "score": 1.0}, {"tokens": 12.0})
    assert (record.objects, record.target_objects) == (("dog", "red car", "dog"), ("dog, old",))


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("dog; red, old car ;", ("dog", "red, old car")),
        ("dog", ("dog",)),
        ("['dog', \"a;b\"]", ("dog", "a;b")),
        ("[]", ()),
        ("", None),
        ("nan", None),
    ],
)
def test_objects_in_a_cell(tmp_path, form, cell, names) -> None:
    [record], problems = read(table(tmp_path, [{"id": "a", "turn": 1, "score": 1, "objects": cell}], form))
    assert (record.objects, problems) == (names, [])


def test_objects_in_a_list(tmp_path) -> None:
    rows = [{"id": "a", "turn": t, "score": 1, "seen": of} for t, of in ((1, ["dog, old"]), (2, []), (3, None))]
    found, problems = read(table(tmp_path, rows, "json"), columns={"objects": "seen"})
    assert ([record.objects for record in found], problems) == ([("dog, old",), (), None], [])


@pytest.mark.parametrize("cell", [{"bbox": [1, 2]}, 3, True, [3], ["", "dog"], '{"a": 1}', "[1]", "[dog", "x" * 1001])
def test_what_is_no_list_of_objects_is_told_and_not_known(tmp_path, cell) -> None:
    rows = [{"id": "a", "turn": 1, "score": 1, "objects": cell}]
    [record], problems = read(table(tmp_path, rows, "json"))
    if cell in ("[dog", '{"a": 1}'):
        assert (record.objects, problems) == ((cell,), []), "any text is a name"
    else:
        assert record.objects is None
        assert "objects: expected a list of names, got" in problems[0]


def test_images_may_lie_in_another_folder(tmp_path) -> None:
    for folder in ("tables", "drawn"):
        (tmp_path / folder).mkdir()
    (tmp_path / "drawn" / "a.png").write_bytes(b"png")
    path = table(tmp_path / "tables", [{"id": "a", "turn": 1, "image": "a.png"}])
    [record], problems = read(path, images=tmp_path / "drawn")
    assert isinstance(record.image, Path)
    assert (record.image.read_bytes(), problems) == (b"png", [])
    [record], [problem] = read(path)
    assert record.image is None
    assert "expected an image inside" in problem


def test_columns_of_any_name_are_read_as_they_were_named(tmp_path) -> None:
    path = table(tmp_path, [{"fall": "a", "schritt": 1, "wert": "0.5", "was": "B"}])
    columns = {"dialogue": "fall", "turn": "schritt", "score.mine": "wert", "text": "was"}
    [record], problems = read(path, columns=columns)
    assert (record.scores, record.text, problems) == ({"mine": 0.5}, "B", [])
    assert read_records(path, columns=columns).format == "table"


def test_groups_of_any_name_are_named_by_columns_and_what_is_no_text_is_told(tmp_path) -> None:
    path = table(tmp_path, [{"id": "a", "turn": 1, "question": "Which?", "text": "B", "art": "x", "groups": "[1]"}])
    [record], [problem] = read(path, columns={"group.kind": "art"})
    assert (record.prompt, record.groups) == ("Which?", {"kind": "x"})
    assert "groups: expected an object of texts by name, got '[1]'" in problem
    path = table(tmp_path, [{"id": "a", "turn": 1, "text": "B", "groups": {"kind": [1], "other": 7}}], "json")
    [record], [problem] = read(path)
    assert record.groups == {"other": "7"}
    assert "groups.kind: expected text, got a list" in problem


def test_rows_that_are_dialogues_of_their_own_are_said_to_be(tmp_path) -> None:
    records, problems = read(table(tmp_path, [{"id": n, "score": n} for n in range(3)]), columns={"turn": "1"})
    assert [(record.dialogue, record.turn) for record in records] == [("0", 1), ("1", 1), ("2", 1)]
    assert problems == []


def test_an_id_of_the_row_is_not_taken_for_the_dialogue(tmp_path) -> None:
    rows = [{"id": f"{n}", "turn": n % 3 + 1, "score": 1} for n in range(6)]
    with pytest.raises(ArgumentError, match=r"`id` differs in each row, while turns go on: .*dialogue=id"):
        read(table(tmp_path, rows))
    assert len(read(table(tmp_path, rows), columns={"dialogue": "id"})[0]) == 6


def test_a_column_that_is_nearly_a_field_is_told(tmp_path) -> None:
    row = {"id": "a", "turn": 1, "score": 1, "modalty": "image", "generated_imge": "a.png", "note": "x", "level": 2}
    _, problems = read(table(tmp_path, [row]))
    assert [problem.partition("unknown column, is not read; did you mean ")[2] for problem in problems] == [
        "`modality`?",
        "`generated_image`?",
    ]


def test_keys_of_json_lines_may_differ(tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [
        {"id": "a", "turn": 1, "answer": "B"},  # the key: a later line shows that answers are predictions
        {"id": "a", "turn": 2, "answer": "A", "prediction": "A"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + '\nnot json\n["x"]\n')
    records, problems = read(path)
    assert [(record.text, record.target) for record in records] == [(None, "B"), ("A", "A")]
    assert [problem.partition(":")[0] for problem in problems] == ["1", "3", "4"]


def test_every_row_that_is_broken_is_told_and_reading_goes_on(tmp_path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b'id,turn,score\na,1,0.5\na,2\na,3,"1\na,4,\xff\na,5,1,2\n,6,1\na,7,0\n')
    records, problems = read(path)
    assert [record.turn for record in records] == [1, 7]
    assert [int(problem.partition(":")[0]) for problem in problems] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        ("id,turn\n".encode("utf-16"), "UTF-16"),
        (b"id,turn,turn\n", "`turn` twice"),
        (b"id,turn,score\n", "expected records in the format table, found none"),
        (b"[]", "expected records in the format table, found none"),
    ],
)
def test_a_file_that_is_no_table_is_a_problem(tmp_path, content, message) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    records, [problem] = read(path)
    assert records == []
    assert message in problem


def test_formulas_of_a_workbook_are_not_computed_and_a_missing_value_is_absent(tmp_path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "turn", "score", "reply"])
    book.active.append(["a", 1, "=1+1", "B"])
    book.active.append([])
    book.active.append(["a", 2, 0.5, "B"])
    book.save(tmp_path / "mine.xlsx")
    records, problems = read(tmp_path / "mine.xlsx")
    assert [(record.turn, record.scores) for record in records] == [(1, {}), (2, {"score": 0.5})]
    assert problems == []


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(tmp_path, monkeypatch) -> None:
    path = table(tmp_path, [{"id": "a", "turn": 1, "score": 1}], "xlsx")
    monkeypatch.setattr("imug_metrics.formats.tables.workbook.MAX_WORKBOOK_BYTES", 100)
    records, [problem] = read(path)
    assert records == []
    assert "at most 100 bytes" in problem


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch) -> None:
    path = table(tmp_path, [{"id": "a", "turn": 1, "score": 1}], "xlsx")
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs openpyxl, .*imug_metrics\[formats\]"):
        read_records(path)


@pytest.mark.parametrize(
    "more",
    [
        {"query": "Which?", "response": "B"},
        {"question": "Which?", "choices": ["red", "blue"], "prediction": "B"},
        {"input": "Which?", "output": "B"},
        {"conversation": "a", "response": "B"},
        {"messages": 3, "response": "B"},
        {"samples": 5, "eval": 2, "version": 1, "response": "B"},
        {"history": [], "question": "Which?", "answer": "B"},
        {"image": None, "text": "B"},
    ],
)
@pytest.mark.parametrize("turn", ["turn", "t"])
def test_rows_of_json_lines_are_not_taken_for_another_format(tmp_path, more, turn) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps({"dialogue": "a", turn: number, **more}) + "\n" for number in (1, 2)))
    found = read_records(path, columns={"turn": turn} if turn == "t" else None)
    assert found.format == "table"
    assert [(record.turn, record.text) for record in found["mine"]] == [(1, "B"), (2, "B")]
    assert list(found.problems) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("dialogue,turn,score\n".encode("utf-16"), "a text in another encoding .*UTF-16.*: save it as UTF-8"),
        ("dialogue,turn,score\nküche,1,1\n".encode("latin-1"), "looks like Windows-1252 .*; save it as UTF-8"),
        ("диалог,turn,score\n".encode("cp1251"), "looks like Windows-1251 .*; save it as UTF-8"),
        (
            b"dialogue|turn|score\na|1|1\n",
            r"'dialogue\|turn\|score', has one cell \(separated by comma, semicolon, tab\)",
        ),
        (b"case,nr,wert\na,1,1\n", "the cells case, nr, wert; say by `columns` which of them are what"),
        (b"dialogue,trun,score\na,1,1\n", "did you mean `turn`"),
        (b"\x00\x01\x02\xff", "found a binary file"),
    ],
)
def test_a_table_that_is_not_known_says_why(tmp_path, content, message) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(ArgumentError, match=message):
        read_records(tmp_path / "mine.csv")


def test_a_list_of_one_reply_is_that_reply_and_of_several_none_is_taken(tmp_path) -> None:
    given = {"dialogue": "a", "turn": 1, "prompt": "Which?", "target": "B"}
    rows = [{**given, "response": ["(B)"]}, {**given, "turn": 2, "response": ["B", "C"]}]
    (first, second), problems = read(table(tmp_path, rows, "json"))
    assert (first.text, second.text) == ("(B)", None)
    assert problems == ["1: response: expected text, got a list"]  # an array on one line
