# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""UniM's records in every layout in which its files come, and files that are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.protocols.unim import Answer, Key, read_answers, read_captions, read_objects, read_references
from imug_metrics.reading import json_stream as stream_module
from imug_metrics.reading.files import Problems


def record(number: Any = "1", **parts: Any) -> dict[str, Any]:
    """As in the released data."""
    return {
        "domain": "general_domain",
        "subdomain": "architecture",
        "id": number,
        "input": {"modal": {"image1": "image/img_0001_01.jpg"}, "content": "Describe <image1>."},
        "output": {"modal": {"image2": "image/img_0001_02.png"}, "content": 'See <image2>, as {"it"} says.'},
        "difficulty_level": 3,
        **parts,
    }


LAYOUTS = {
    "one a line": lambda rows: "\n".join(map(json.dumps, rows)),
    "many lines": lambda rows: "\n".join(json.dumps(row, indent=2) for row in rows),
    "array": lambda rows: json.dumps(rows, indent=4),
    "array on one line": json.dumps,
    "commas and no array": lambda rows: ",\n".join(json.dumps(row, indent=1) for row in rows),
    "joined": lambda rows: "".join(map(json.dumps, rows)),
    "blank lines and a mark": lambda rows: "\ufeff\n\n" + "\r\n\r\n".join(json.dumps(row, indent=2) for row in rows),
}


def read(path: Path, content: str | bytes, **options: Any) -> tuple[list[tuple[int, Any]], Problems]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems()
    return list(read_objects(path, problems, **options)), problems


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("chunk", [1, 7, 64, 2**20])
def test_layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, chunk: int) -> None:
    monkeypatch.setattr(stream_module, "_CHUNK", chunk)
    rows = [record(str(k), note="ä—🚪\u2028") for k in range(5)]
    found, problems = read(tmp_path / "a.jsonl", LAYOUTS[layout](rows))
    assert [row for _, row in found] == rows
    assert not problems


def test_lines_are_those_where_objects_begin(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "a", '\n{"a":\n 1}\n\n{"b": 2} {"c": 3}\n')
    assert [line for line, _ in found] == [2, 5, 5]


@pytest.mark.parametrize("chunk", [1, 2**20])
def test_reading_goes_on_behind_what_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(stream_module, "_CHUNK", chunk)
    deep = '{"e":' * 3000 + "1" + "}" * 3000
    lines = ['{"a": 1}', '{"b": }', '{"c": 2}', "7", '{"open": "x', '{"d": 3}', deep, '{"f": 4}', '{"end": ']
    found, problems = read(tmp_path / "a", "\n".join(lines))
    assert [(line, next(iter(row))) for line, row in found] == [(1, "a"), (3, "c"), (6, "d"), (8, "f")]
    assert [problem.line for problem in problems] == [2, 4, 5, 7, 9]


def test_large_objects_are_passed_over(tmp_path: Path) -> None:
    content = json.dumps({"a": "x" * 5000}) + '\n{"b": 1}'
    found, problems = read(tmp_path / "a", content, max_bytes=1000)
    assert [row for _, row in found] == [{"b": 1}]
    assert "at most 1000" in problems[0].message


def test_what_is_no_text_is_read_up_to_there(tmp_path: Path) -> None:
    found, problems = read(tmp_path / "a", b'{"a": 1}\n{"b": "\xff"}')
    assert [row for _, row in found] == [{"a": 1}]
    assert "UTF-8" in problems[0].message
    assert list(read_objects(tmp_path / "none", problems)) == []
    assert "could not be opened" in problems[-1].message


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, indent=1) for row in rows))
    return path


def test_references(tmp_path: Path) -> None:
    write(
        tmp_path / "general_area/1_architecture/image/image_image.jsonl", record(1), record(2, difficulty_level="hard")
    )
    write(tmp_path / "natural_science/math.json", record("1", domain="natural_science", subdomain="Math", input=None))
    (tmp_path / "notes.txt").write_text("no records")
    problems = Problems()
    found = read_references(tmp_path, problems)
    assert [str(instance.key) for instance in found] == [
        "general/architecture/1",
        "general/architecture/2",
        "natural_science/math/1",
    ]
    assert [instance.difficulty for instance in found] == ["3", "hard", "3"]
    assert found[0].modalities() == {"image"}
    assert found[0].reference.items == {"image2": "image/img_0001_02.png"}
    assert not problems


def test_bad_records_are_named_and_passed_over(tmp_path: Path) -> None:
    rows = [
        record(1),
        record(1),
        record(None),
        record(True),
        record(3, output="text"),
        record(4, output={"content": 5}),
        record(5, output={"content": "<image1>", "modal": {"drawing1": "a", "image1": 7, "image2": "b"}}),
    ]
    problems = Problems()
    found = read_references(write(tmp_path / "a.json", *rows), problems)
    assert [instance.key.id for instance in found] == ["1", "5"]
    assert found[1].reference.items == {"image2": "b"}
    fields = [problem.field for problem in problems]
    assert fields == ["id", "id", "id", "output", "output.content", "output.modal.drawing1", "output.modal.image1"]
    with pytest.raises(FileNotFoundError):
        read_references(tmp_path / "none", problems)


def test_answers_are_matched_by_field_domain_and_id(tmp_path: Path) -> None:
    references = read_references(
        write(tmp_path / "r.json", record(1), record(1, domain="natural_science"), record(2), record(3)), Problems()
    )
    problems = Problems()
    answers = read_answers(
        write(
            tmp_path / "o.json",
            record("1", domain="general_area"),
            {"id": 2, "content": "flat <image1>", "modal": {"image1": "a.png"}},
            {"id": 1, "content": "of which domain?"},
            record(2),
            record(77),
        ),
        references,
        problems,
    )
    assert set(answers) == {Key("general", "architecture", "1"), Key("general", "architecture", "2")}
    assert answers[Key("general", "architecture", "2")].text == "flat <image1>"
    assert [problem.message.split(";")[0] for problem in problems if problem.level == "warning"] == [
        "no reference has the instance unstated/unstated/1",
        "instance general/architecture/2 is answered twice",
        "no reference has the instance general/architecture/77",
    ]
    assert problems.errors == 2, "two instances have no answer"


def test_no_file_outside_of_the_outputs_is_found(tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(b"x")
    outputs = tmp_path / "outputs"
    (outputs / "image").mkdir(parents=True)
    (outputs / "image/a.png").write_bytes(b"x")
    (outputs / "image/link.png").symlink_to(outside)
    items = {
        "image1": "image/a.png",
        "image2": "../secret.png",
        "image3": str(outside),
        "image4": "image/link.png",
        "image5": "https://example.org/a.png",
        "image6": "image",
        "image7": "a\0b",
        "image8": "x" * 5000,
        "image9": "image/../image/a.png",
    }
    rows = record(1, output={"content": "<image1>", "modal": items})
    references = read_references(write(tmp_path / "r.json", record(1)), Problems())
    (answer,) = read_answers(write(outputs / "o.json", rows).parent, references, Problems()).values()
    assert [name for name in items if answer.find(name) is not None] == ["image1", "image9"]
    assert answer.find("image10") is None


def test_captions_in_the_layout_of_the_released_script(tmp_path: Path) -> None:
    problems = Problems()
    rows = {"domain": "general_domain", "subdomain": "food", "id": "5", "modal": {"Audio2": "A guitar.", "x": "y"}}
    found = read_captions(write(tmp_path / "c.json", rows, {"id": 3}), problems)
    assert found == {Key("general", "food", "5"): {"audio2": "A guitar."}}
    assert problems.errors == 1


@pytest.mark.parametrize(
    ("name", "near", "field"),
    [
        ("output", "outputs", "outputs"),
        ("output", "Output", "Output"),
        ("subdomain", "sub_domain", "sub_domain"),
        ("difficulty_level", "dificulty_level", "dificulty_level"),
        ("modal", "modall", "output.modall"),
        ("modal", "modals", "output.modals"),
        ("content", "contents", "output.contents"),
        ("captioned_response", "captionedresponse", "output.captionedresponse"),
        ("input", "inputs", "inputs"),
        ("domain", "Domain", "Domain"),
    ],
)
def test_a_field_whose_name_is_nearly_right_is_told_of(tmp_path: Path, name: str, near: str, field: str) -> None:
    row = record(1)
    row["output"] = {**row["output"], "modal": {}, "captioned_response": "a"}
    row = {**row, "difficulty_level": 1, "of_their_own": 1}
    problems = Problems()
    read_references(write(tmp_path / "r.json", row, row), problems)
    assert not [problem for problem in problems if "unknown field" in problem.message]
    text = json.dumps(row).replace(f'"{name}"', f'"{near}"')
    (tmp_path / "r.json").write_text(text + text)
    read_references(tmp_path / "r.json", problems)
    (problem,) = (problem for problem in problems if "unknown field" in problem.message and problem.field == field)
    assert f"did you mean `{name}`" in problem.message
    assert "2 times" in problem.message


@pytest.mark.parametrize("pad", range(12))
def test_an_object_behind_a_large_one_is_found_wherever_a_piece_of_the_file_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pad: int
) -> None:
    monkeypatch.setattr(stream_module, "_CHUNK", 8)
    content = '{"a": "' + "x" * (200 + pad) + '"}\n  {"b": 1}\n{"c": 2}'
    found, problems = read(tmp_path / "a", content, max_bytes=20)
    assert [row for _, row in found] == [{"b": 1}, {"c": 2}]
    assert len(problems) == 1


def test_a_broken_end_of_a_file_is_reported_once(tmp_path: Path) -> None:
    _, problems = read(tmp_path / "a", '{"a": 1}\n{"b"')
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("given", "is_content"),
    [
        ("print(1)", True),
        ("a / b", True),
        ("os.path", True),
        ("x = 'a/b.c'", True),
        ("Either this and/or that.", True),
        ("", True),
        ("code/cod_0001_01.py", False),
        ("./text/a.txt", False),
        ("../../etc/passwd.txt", False),
        ("https://example.org/a.py", False),
    ],
)
def test_the_path_of_an_absent_file_is_no_content(given: str, is_content: bool) -> None:
    answer = Answer("<code1>", {"code1": given})
    assert (answer.inline_content("code1") == given) is is_content
    assert (answer.inline_content("code1") is None) is not is_content


def test_a_long_hostile_path_is_looked_at_at_once() -> None:
    assert Answer("", {"code1": "a/" * 500_000 + "!"}).inline_content("code1")
    assert Answer("", {"code1": "a.-" * 500_000 + "!"}).inline_content("code1")


def test_many_broken_objects_are_read_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder's errors look at all text from its start, so that text must stay short."""
    seen = []
    real = json.JSONDecoder.raw_decode
    monkeypatch.setattr(
        json.JSONDecoder, "raw_decode", lambda self, text, at=0: seen.append(len(text)) or real(self, text, at)
    )
    good = json.dumps({"a": "x" * 500_000})
    found, problems = read(tmp_path / "a", good + '\n{"b": }' * 9000 + '\n{"c": 1}')
    assert [next(iter(row)) for _, row in found] == ["a", "c"]
    assert len(problems) == 9000
    assert all("Expecting value" in problem.message for problem in problems), "none is taken for a large one"
    assert sum(length > 2**18 for length in seen) < 20


def test_a_file_of_nothing_but_broken_objects_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_GIVE_UP_AFTER", 5)
    found, problems = read(tmp_path / "a", '{"b": }\n' * 4 + '{"a": 1}\n' + '{"b": }\n' * 9 + '{"c": 1}')
    assert [row for _, row in found] == [{"a": 1}]
    assert len(problems) == 4 + 5 + 1
    assert "5 objects in a row" in problems[-1].message


def test_a_broken_object_far_from_the_end_is_not_called_large(tmp_path: Path) -> None:
    found, problems = read(tmp_path / "a", '{"b": }\n' + '{"c": 1}\n' * 100, max_bytes=50)
    assert len(found) == 100
    assert [problem.message for problem in problems] == ["expected JSON: Expecting value"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_every_token_may_be_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(stream_module, "_CHUNK", chunk)
    row = {"a": [None, True, False, -1.5e-300, 10**30, '\U0001f6aa\\ " ä'], "": {}, "b": [[], {"x" * 60: " " * 60}]}
    for content in (json.dumps(row), json.dumps(row, indent=30), json.dumps(row, ensure_ascii=False)):
        found, problems = read(tmp_path / "a", content * 3)
        assert [entry for _, entry in found] == [row] * 3
        assert not problems
