# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files as people have them: each is read rightly or told, and none gives wrong numbers in silence."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.formats import read_records

WHICH = "Which? A. red B. blue"
OPTIONS = {"A": "red", "B": "blue"}


def user(content: Any = WHICH, **beside: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **beside}


def model(content: Any = "B", **beside: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **beside}


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read(folder: Path, content: str, name: str = "mine.jsonl", **options: Any) -> tuple[list[Any], list[str]]:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    records = read_records(path, **options)
    return [record for found in records.values() for record in found], [
        str(problem).removeprefix(f"{path}:") for problem in records.problems
    ]


TWO = [user(), model(), user("Und jetzt?"), model("A")]

TURNS: list[tuple[str, str, list[tuple[str, int, Any, Any]]]] = [
    (
        "one line a turn",
        lines(
            {"session_id": "a", "turn": 1, "messages": [user(target="A"), model("A")]},
            {"session_id": "a", "turn": 2, "messages": [user(target="B"), model("B")]},
        ),
        [("a", 1, "A", "A"), ("a", 2, "B", "B")],
    ),
    (
        "one line a turn, with the history",
        lines(
            {"id": "a", "turn": 1, "messages": [user(), model()], "target": "B"},
            {"id": "a", "turn": 2, "messages": TWO, "target": "A"},
        ),
        [("a", 1, "B", "B"), ("a", 2, "A", "A")],
    ),
    (
        "one line a turn, with the end of the history",
        lines({"id": "猫", "turn_id": 7, "messages": TWO}),
        [("猫", 7, "A", None)],
    ),
    (
        "as many turns as it says",
        lines({"id": "a", "turn": 2, "messages": TWO}),
        [("a", 1, "B", None), ("a", 2, "A", None)],
    ),
    (
        "one line a turn, of ShareGPT",
        lines(
            *(
                {"id": "a", "turn": n, "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": t}]}
                for n, t in ((1, "x"), (2, "y"))
            )
        ),
        [("a", 1, "x", None), ("a", 2, "y", None)],
    ),
    (
        "turns on the messages",
        lines({"id": "a", "messages": [user(turn=2), model(turn=2), user(turn=5), model("A", turn=5)]}),
        [("a", 2, "B", None), ("a", 5, "A", None)],
    ),
    ("ids as floats", lines({"id": 7.0, "messages": [user(), model()]}), [("7", 1, "B", None)]),
    (
        "what tools gave, said by the user",
        lines(
            {
                "id": "a",
                "messages": [
                    user(),
                    model([{"type": "tool_use", "id": "1", "name": "look", "input": {}}]),
                    user([{"type": "tool_result", "tool_use_id": "1", "content": "A. or so"}]),
                    model("It is B."),
                ],
            }
        ),
        [("a", 1, "It is B.", None)],
    ),
    (
        "parts without types, and the role model",
        lines(
            {
                "id": "a",
                "messages": [
                    {"role": "user", "parts": [{"text": "¿Qué?"}]},
                    {"role": "model", "parts": [{"text": "B"}]},
                ],
            }
        ),
        [("a", 1, "B", None)],
    ),
    (
        "text in place of content",
        lines({"id": "a", "messages": [{"role": "user", "text": "x"}, {"role": "assistant", "text": "B"}]}),
        [("a", 1, "B", None)],
    ),
    (
        "the answer beside the messages",
        lines({"id": "a", "messages": [user()], "prediction": "B", "target": "A"}),
        [("a", 1, "B", "A")],
    ),
    (
        "the last answer beside the messages",
        lines({"id": "a", "messages": [user(), model("B"), user("again")], "response": "A"}),
        [("a", 1, "B", None), ("a", 2, "A", None)],
    ),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in TURNS], ids=[case[0] for case in TURNS])
def test_turns_and_answers_are_found(tmp_path, content, expected) -> None:
    found, problems = read(tmp_path, content)
    assert [(record.dialogue, record.turn, record.text, record.target) for record in found] == expected
    assert problems == []


REFUSED = [
    (
        "ids of lines",
        lines(*({"id": f"a-{n}", "turn": n, "messages": [user(), model()]} for n in (1, 2))),
        "`id` differs",
    ),
    ("from 0", lines(*({"id": "a", "turn": n, "messages": [user(), model()]} for n in (0, 1))), "turns count from 1"),
    ("from 0 on messages", lines({"id": "a", "messages": [user(turn=0), model(), user(turn=1), model()]}), "from 1"),
]


@pytest.mark.parametrize(("content", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_would_give_wrong_turns_is_refused(tmp_path, content, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        read(tmp_path, content)


TOLD = [
    ({"messages": [user(), model()], "turn": 2}, "dialogue: expected the id of the dialogue whose turn 2 this is"),
    ({"id": "a", "messages": TWO, "turn": 1}, "turn: expected the turn of its last message of the user, which is"),
    ({"id": "a", "messages": TWO, "turn": "later"}, "turn: expected a turn from 1 to 1024, got 'later'"),
    ({"id": "a", "messages": [user(), model()], "response": "A"}, "response: differs from the answer in the messages"),
    ({"id": "a", "messages": TWO, "scores": {"clip": 0.3}}, "scores.clip: expected one entry for each of 2 turns"),
    ({"id": "a", "messages": TWO, "costs": {"seconds": 9}}, "costs.seconds: expected one entry for each of 2 turns"),
    (
        {"id": "a", "messages": TWO, "scores": [0.1, 0.2]},
        "scores: expected numbers by name, got a number; a number alone",
    ),
    (
        {"id": "a", "messages": [{"role": "user", "txt": "x"}, model()]},
        "messages[0]: expected `content`, found the fields",
    ),
    (
        {"id": "a", "messages": [user("?", target=1, options=["red", "blue"]), model()]},
        "messages[0].target: expected the letter",
    ),
    ({"id": "a", "messages": [user(target=1), model()]}, "messages[0].target: is '1', neither the letter nor"),
]


@pytest.mark.parametrize(("row", "message"), TOLD, ids=[case[1][:50] for case in TOLD])
def test_what_is_not_certain_is_told(tmp_path, row, message) -> None:
    _, problems = read(tmp_path, lines(row))
    assert [problem for problem in problems if problem.startswith(f"1: {message}")]


@pytest.mark.parametrize(
    "options",
    [
        ["red", "blue"],
        {"a": "red", "b": "blue"},
        ["A. red", "B. blue"],
        [{"label": "A", "text": "red"}, {"label": "B", "text": "blue"}],
        [{"key": "A", "value": "red"}, {"key": "B", "value": "blue"}],
        {"label": ["A", "B"], "text": ["red", "blue"]},
        [{"A": "red"}, {"B": "blue"}],
        "A) red\nB) blue",
        "['red', 'blue']",
        '{"A": "red", "B": "blue"}',
        "{'A': 'red', 'B': 'blue'}",
    ],
)
@pytest.mark.parametrize("key", ["B", "blue"])
def test_options_of_any_form_are_texts_by_letter(tmp_path, options, key) -> None:
    row = {"id": "a", "turn": 1, "question": "Which?", "options": options, "prediction": "B", "target": key}
    [record], problems = read(tmp_path, lines(row))
    assert (record.options, record.target, problems) == (OPTIONS, "B", [])


@pytest.mark.parametrize(
    "options", [{"1": "red"}, [{"x": 1, "y": 2}], ["red", None], "red|blue", [["red"]], 7, "rot; blau"]
)
def test_options_of_no_known_form_are_told_and_not_read(tmp_path, options) -> None:
    row = {"id": "a", "turn": 1, "question": "Which?", "options": options, "prediction": "B", "target": "B"}
    [record], [problem] = read(tmp_path, lines(row))
    assert record.options is None
    assert problem.startswith("1: options: expected options as texts by letter")


TABLES: list[tuple[str, str, list[tuple[Any, ...]], list[str]]] = [
    ("ids as floats", "id,turn,score\n7.0,1,0.5\n7,2,1\n", [("7", 1, None, None), ("7", 2, None, None)], []),
    ("blanks around", " id , turn, score\n a ,1, 0.5\na, 2 ,1\n", [("a", 1, None, None), ("a", 2, None, None)], []),
    (
        "what pandas writes",
        "id,turn,response,target\na,1,nan,B\na,2,B,<NA>\n",
        [("a", 1, None, "B"), ("a", 2, "B", None)],
        ["2: response: expected an answer, found none: it counts as absent"],
    ),
    (
        "an id that is not there",
        "id,turn,response\nnan,1,B\na,1,B\n",
        [("a", 1, "B", None)],
        ["2: id: expected the id of a dialogue, got 'nan'"],
    ),
    (
        "words that may be empty",
        "id,turn,response,target\na,1,None,N/A\na,2,None,B\n",
        [("a", 1, "None", "N/A"), ("a", 2, "None", "B")],
        [
            "2: response: 'None' is read as it stands: leave a cell empty where nothing is. It is told once",
            "2: target: 'N/A' is read as it stands: leave a cell empty where nothing is. It is told once",
        ],
    ),
    (
        "a dialogue in a cell",
        'dialogue,turn,reply\n"User: Hola\nBot: ¿sí?",1,B\nb,1,A\n',
        [("b", 1, "A", None)],
        ["2: dialogue: expected the id of a dialogue, got 'User: Hola\\nBot: ¿sí?'"],
    ),
    (
        "a column of each option",
        "id,turn,question,Option A,Option B,answer,prediction\na,1,Which?,red,blue,blue,A\n",
        [("a", 1, "A", "B")],
        [],
    ),
    (
        "numbers of options",
        'id,turn,options,label,prediction\na,1,"[""red"", ""blue""]",1,B\n',
        [("a", 1, "B", None)],
        [
            "2: label: expected the letter or the text of an option, A, B, got '1': write the letter, "
            "for numbers may count options from 0 or from 1"
        ],
    ),
]


@pytest.mark.parametrize(
    ("content", "expected", "told"), [case[1:] for case in TABLES], ids=[case[0] for case in TABLES]
)
def test_tables_as_they_are(tmp_path, content, expected, told) -> None:
    found, problems = read(tmp_path, content, "mine.csv")
    assert [(record.dialogue, record.turn, record.text, record.target) for record in found] == expected
    assert problems == told


UNKNOWN = [
    ("mine.json", {"data": [{"id": "a", "messages": TWO}]}, '`jq -c ".data[]"`'),
    ("mine.json", {"data": {"rows": [{"id": "a", "turn": 1}]}}, '`jq -c ".data.rows[]"`'),
    ("mine.json", {"features": [{}], "rows": [{"row_idx": 0, "row": {"id": "a"}}]}, '`jq -c ".rows[].row"`'),
    ("mine.json", {"row_idx": 0, "row": {"id": "a", "messages": TWO}}, '`jq -c ".row"`'),
    ("mine.json", {"a": {"messages": TWO}, "b": {"messages": TWO}}, "to_entries[]"),
    ("mine.json", {"id": ["a", "a"], "turn": [1, 2], "score": [0.5, 1]}, "each field holds a column"),
    ("mine.json", {"id": {"0": "a"}, "turn": {"0": 1}}, "each field holds a column"),
    ("mine.json", {"id": "a", "messages": json.dumps(TWO)}, "`messages` holds text"),
    ("mine.json", {"id": "a", "messages": [{"speaker": "user", "text": "x"}]}, "objects with speaker, text"),
    ("mine.json", {"id": "a", "turn": 1, **user()}, "put the messages of a conversation into one object"),
    ("mine.json", {"choices": [{"delta": {"content": "B"}}]}, "pieces of a streamed answer"),
    ("mine.json", {"id": "a", "prompt": "x", "completion": "B"}, "turn=1 if each row is a dialogue"),
    ("mine.json", '[\n{"id": "a", "messages": [],},\n]', "JSON that cannot be read"),
    ("mine.csv", "# exported\nid,turn,score\na,1,1\n", "remove what stands above"),
    ("mine.csv", "a,1,0.5\na,2,1\n", "put their names above"),
    ("mine.csv.gz", gzip.compress(b"id,turn,score\na,1,1\n"), "has to be unpacked first"),
]


@pytest.mark.parametrize(("name", "content", "cure"), UNKNOWN, ids=[case[2][:40] for case in UNKNOWN])
def test_a_file_of_no_known_form_is_refused_with_the_cure(tmp_path, name, content, cure) -> None:
    path = tmp_path / name
    text = content if isinstance(content, (str, bytes)) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ArgumentError) as refused:
        read_records(path)
    assert cure in str(refused.value)


def test_pipes_and_devices_are_not_opened(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    for path in (tmp_path / "pipe.jsonl", Path("/dev/zero")):
        with pytest.raises(ArgumentError, match=r"file or folder that can be read, .*device or a pipe"):
            read_records(path)
