# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The call that reads any file: what it finds, what it refuses, and how it says so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import imug_metrics
from imug_metrics import Record, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.formats import READERS, Head, ReadOptions, RecordAt
from imug_metrics.formats.common.head import read_head
from imug_metrics.reading.files import Problems

ASKED = {"role": "user", "content": "Which? A. red B. blue", "target": "B"}


def line(name: str, answer: str = "B", **more: Any) -> dict[str, Any]:
    return {"id": name, **more, "messages": [ASKED, {"role": "assistant", "content": answer}]}


def write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def test_records_go_into_an_evaluation_with_their_problems(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", line("a"), "{broken", line("b", "A"))
    records = read_records(path)
    found = imug_metrics.evaluate(records)
    assert found.scores["mine"]["answer_accuracy"] == 0.5
    assert [(Path(problem.file).name, problem.line) for problem in found.problems] == [("mine.jsonl", 2)]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        *(("mine.jsonl", "mine"), ("gpt-4.1.jsonl", "gpt-4.1"), ("Qwen2.5-VL-7B.json", "Qwen2.5-VL-7B"), ("x", "x")),
        *(("модель.jsonl", "модель"), ("a b.jsonl", "a b")),
    ],
)
def test_a_file_names_its_model(tmp_path: Path, name: str, model: str) -> None:
    path = write(tmp_path / name, line("a"))
    assert list(read_records(path)) == [model]
    assert list(read_records(path, model="other")) == ["other"]


@pytest.mark.parametrize(
    ("said", "model"),
    [
        *(
            ("m", "m"),
            ("org/model", "org_model"),
            ("../../up", ".._.._up"),
            ("a\\b", "a_b"),
            ("x\0y", "x_y"),
            ("..", "mine"),
        ),
        *(("", "mine"), (None, "mine"), ("m" * 300, "m" * 50), ("модель", "модель")),
    ],
)
def test_a_line_names_its_model_as_a_file_can_be_named(tmp_path: Path, said: str | None, model: str) -> None:
    assert list(read_records(write(tmp_path / "mine.jsonl", line("a", model=said)))) == [model]


def test_models_of_one_file_are_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", line("a", model="x"), line("a", model="y"), line("b", model="x"))
    records = read_records(path)
    assert {model: [record.dialogue for record in found] for model, found in records.items()} == {
        "x": ["a", "b"],
        "y": ["a"],
    }
    assert list(records.problems) == []


def test_a_turn_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", line("a"), line("a"), line("a", "A"), line("b"))
    records = read_records(path)
    assert [(record.dialogue, record.text) for record in records["mine"]] == [("a", "B"), ("b", "B")]
    assert [(problem.line, problem.level) for problem in records.problems] == [(2, "warning"), (3, "error")]
    assert all("'a', turn 1" in problem.message for problem in records.problems)


# The content of a file that no reader knows, and what is said of it.
UNKNOWN: list[tuple[bytes, list[str]]] = [
    (b"", ["an empty file", "known formats: openai"]),
    (b"   \n\n", ["known formats"]),
    (b"Once upon a time.", ["Once upon a time."]),
    (b"\0\1\2\3", ["a binary file"]),
    (b"%PDF-1.7\n", ["a PDF document"]),
    (b"\x89PNG\r\n\x1a\n", ["an image"]),
    (b'{"key": "a", "mesages": []}', ["the fields key, mesages", "of `mesages` did you mean `messages`?"]),
    (b'{"reply": "B", "who": 1}', ["the fields reply, who", "say by `columns`"]),
    (b'[{"reply": "B"}]', ["the fields reply"]),
    (b"reply;who\nB;1\n", ["the cells reply, who", "say by `columns`"]),
    (b'{"role": "user", "content": "Hi"}\n', ["put the messages of a conversation into one object"]),
    (b"[1, 2, 3]", ["known formats"]),
    (b"{not json}", ["known formats"]),
    (b"\xff\xfe{\0", ["known formats"]),
    (gzip.compress(b"hello", mtime=0), ["a file packed with gzip"]),
    (b"PK\x03\x04broken", ["a zip archive"]),
]


@pytest.mark.parametrize(("content", "said"), UNKNOWN, ids=[str(case[0][:20]) for case in UNKNOWN])
def test_an_unknown_file_is_refused_with_what_was_seen(tmp_path: Path, content: bytes, said: list[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ArgumentError) as raised:
        read_records(path)
    assert raised.value.arguments == ("path",)
    assert [part for part in said if part not in str(raised.value)] == []


def test_a_folder_that_no_reader_knows_is_refused_with_its_entries(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="an empty folder"):
        read_records(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ArgumentError, match=r"a folder of notes\.txt"):
        read_records(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"path": "nowhere.jsonl"}, "path"),
        ({"path": "x\0y"}, "path"),
        ({"format": "opnai"}, "format"),
        ({"format": ""}, "format"),
        ({"columns": {"dialog": "id"}}, "columns"),
        ({"columns": {"score.": "id"}}, "columns"),
        ({"columns": {"target": "nowhere"}}, "columns"),
        ({"images": "nowhere"}, "images"),
        ({"benchmark": "nowhere"}, "benchmark"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: dict[str, Any], named: str) -> None:
    path = write(tmp_path / "mine.jsonl", line("a"))
    with pytest.raises(ArgumentError) as raised:
        read_records(**{"path": path, **arguments})
    assert raised.value.arguments == (named,)


def test_a_near_name_of_a_format_is_meant() -> None:
    with pytest.raises(ArgumentError, match="did you mean `openai`"):
        read_records(__file__, format="openia")


def test_a_format_that_was_named_is_taken_whatever_the_content(tmp_path: Path) -> None:
    records = read_records(write(tmp_path / "mine.jsonl", {"talk": []}), format="openai")
    assert records == {}
    assert [problem.field for problem in records.problems] == ["messages"]


def test_a_file_without_records_says_so(tmp_path: Path) -> None:
    [problem] = read_records(write(tmp_path / "mine.jsonl", ""), format="openai").problems
    assert "found none" in problem.message


def test_images_lie_where_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"png")
    said = {"messages": [{"role": "user", "content": "draw"}, {"role": "assistant", "images": ["a.png"]}]}
    path = write(tmp_path / "mine.jsonl", said)
    assert read_records(path)["mine"][0].image is None
    found = read_records(path, images=tmp_path / "elsewhere")
    assert found["mine"][0].image == tmp_path / "elsewhere" / "a.png"
    assert list(found.problems) == []


class Lines:
    """A reader of somebody's own."""

    name = "lines"

    def recognises(self, head: Head) -> bool:
        return False

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        for number, text in enumerate(path.read_text().splitlines(), 1):
            yield RecordAt(Record(dialogue="a", turn=number, modality="text", prompt="", text=text), number)


def test_a_reader_of_ones_own_is_given_as_the_format(tmp_path: Path) -> None:
    records = read_records(write(tmp_path / "mine.txt", "A", "B"), format=Lines())
    assert (records.format, [record.text for record in records["mine"]]) == ("lines", ["A", "B"])


# The first line of a file, and whose it is: what looks like a chat, and is none, and the other way round.
OWNERS: list[tuple[dict[str, Any], str]] = [
    ({"dialogue": "a", "turn": 1, "choices": ["x", "y"], "response": "B", "answer": "A"}, "table"),
    ({"dialogue": "a", "turn": 1, "output": ["x"], "input": "y"}, "table"),
    ({"id": "a", "turn": 1, "image": "a.png", "prompt": "draw"}, "table"),
    ({"id": 1, "choices": [{"message": {"role": "assistant", "content": "B"}}]}, "openai"),
    ({"id": 1, "response": {"body": {"choices": [{"message": {"content": "B"}}]}}}, "openai"),
    ({"id": 1, "input": "Which?", "output": [{"type": "message", "role": "assistant", "content": []}]}, "openai"),
    ({"messages": [{"role": "user", "content": "Hi"}], "images": []}, "openai"),
    ({"messages": [{"role": "user", "content": "Hi"}], "images": ["a.png"]}, "messages"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Hi"}]}]}, "messages"),
    ({"query": "Hi", "response": "B"}, "messages"),
    (
        {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "B"}]},
        "messages",
    ),
    ({"conversations": [{"from": "human", "value": "Hi"}]}, "sharegpt"),
    ({"conversation": [{"from": "human", "value": "Hi"}], "turn": 1}, "sharegpt"),
]


@pytest.mark.parametrize(("row", "owner"), OWNERS, ids=[f"{case[1]}: {[*case[0]]}" for case in OWNERS])
def test_a_line_has_one_reader(row: dict[str, Any], owner: str, tmp_path: Path) -> None:
    head = read_head(write(tmp_path / "mine.jsonl", row))
    assert [reader.name for reader in READERS if reader.recognises(head)] == [owner]


@pytest.mark.parametrize("owner", ["openai", "sharegpt"])
def test_messages_under_another_name_are_found(owner: str, tmp_path: Path) -> None:
    keys = ("role", "content") if owner == "openai" else ("from", "value")
    talk = [dict(zip(keys, said)) for said in (("user", "Hi"), ("assistant", "B"))]
    path = write(tmp_path / "mine.jsonl", {"id": "a", "talk": talk})
    with pytest.raises(ArgumentError, match="say by `columns` that messages=talk"):
        read_records(path)
    records = read_records(path, columns={"messages": "talk"})
    assert (records.format, [record.text for record in records["mine"]]) == (owner, ["B"])


def test_of_several_answers_the_first_is_read_and_that_is_told(tmp_path: Path) -> None:
    answers = [{"message": {"role": "assistant", "content": text}} for text in "BC"]
    records = read_records(
        write(tmp_path / "mine.jsonl", {"custom_id": "a", "response": {"body": {"choices": answers}}})
    )
    assert [(record.dialogue, record.text) for record in records["mine"]] == [("a", "B")]
    assert ["the first is read" in problem.message for problem in records.problems] == [True]


def test_names_of_formats_differ() -> None:
    names = [reader.name for reader in READERS]
    assert len({*names}) == len(names)


def test_the_head_of_a_file_is_little(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", *[line("a")] * 100)
    head = read_head(path, {"target": "x"})
    assert head.value == line("a")
    assert len(head.start) == 4096
    assert (head.names, head.entries, head.columns) == ((), (), {"target": "x"})


def test_reading_is_imported_when_it_is_asked_for() -> None:
    assert "read_records" in imug_metrics.__all__
    assert "read_records" not in vars(imug_metrics)
