# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a line of a chat says, in every form that people write it, and what is said of lines that are wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import Record, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.formats import ReadOptions
from imug_metrics.formats.chats.conversation import conversation_records, read_conversations
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.reading.files import Problems
from tests.formats.dialogues import source_records

PNG = next(record.image for record in source_records() if isinstance(record.image, bytes))
URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


def read(row: Any, **columns: str) -> tuple[list[Record], list[str]]:
    """Records of a line and its problems, without the file's name."""
    problems = Problems()
    place = Place(Path("chat.jsonl"), 1, problems)
    options = ReadOptions({name.replace("__", "."): key for name, key in columns.items()})
    found = [record.record for record in conversation_records(row, place, options, ImageSources(None))]
    return found, [str(problem).removeprefix("chat.jsonl:1: ") for problem in problems]


def user(text: Any = "Which?", **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": text, **more}


def model(content: Any = "B", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def tool(content: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content}


SHOWN = {"type": "image_url", "image_url": {"url": URL}}

# Messages, and what comes of each turn: prompt, modality, text, whether there is an image.
TURNS: list[tuple[str, list[dict[str, Any]], list[tuple[str, str, str | None, bool]]]] = [
    ("one", [user("Welche?"), model("B")], [("Welche?", "text", "B", False)]),
    ("two", [user("1"), model("a"), user("2"), model("b")], [("1", "text", "a", False), ("2", "text", "b", False)]),
    ("system", [{"role": "system", "content": "s"}, user("1"), model("a")], [("1", "text", "a", False)]),
    ("developer", [{"role": "developer", "content": "s"}, user("1"), model("a")], [("1", "text", "a", False)]),
    ("from", [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "是"}], [("你好", "text", "是", False)]),
    (
        "upper case",
        [{"role": "User", "content": "1"}, {"role": "ASSISTANT", "content": "a"}],
        [("1", "text", "a", False)],
    ),
    (
        "parts",
        [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), model()],
        [("a\nb", "text", "B", False)],
    ),
    (
        "text beside an image of the user",
        [user([SHOWN, {"type": "text", "text": "what?"}]), model()],
        [("what?", "text", "B", False)],
    ),
    ("image", [user("draw"), model([SHOWN])], [("draw", "image", None, True)]),
    ("caption", [user("draw"), model([{"type": "text", "text": "here"}, SHOWN])], [("draw", "image", "here", True)]),
    (
        "image in pieces of text",
        [user("draw"), model(["here", SHOWN, "done"])],
        [("draw", "image", "here\ndone", True)],
    ),
    ("URL alone", [user("draw"), model([{"type": "image_url", "image_url": URL}])], [("draw", "image", None, True)]),
    ("one part", [user("draw"), model(SHOWN)], [("draw", "image", None, True)]),
    (
        "input_text",
        [user([{"type": "input_text", "text": "i"}]), model([{"type": "output_text", "text": "o"}])],
        [("i", "text", "o", False)],
    ),
    ("text object", [user([{"type": "text", "text": {"value": "v"}}]), model()], [("v", "text", "B", False)]),
    ("refusal", [user("1"), model([{"type": "refusal", "refusal": "no"}])], [("1", "text", "no", False)]),
    (
        "tool image",
        [user("draw"), model(None, tool_calls=[{}]), tool([SHOWN]), model("here")],
        [("draw", "image", "here", True)],
    ),
    (
        "tool text is no answer",
        [user("1"), model(None, tool_calls=[{}]), tool("42 is B"), model("C")],
        [("1", "text", "C", False)],
    ),
    ("text before a tool", [user("1"), model("let me see: A"), tool("x"), model("C")], [("1", "text", "C", False)]),
    ("nothing after a tool", [user("1"), model("A"), tool("x")], [("1", "text", "A", False)]),
    ("two messages of the model", [user("1"), model("a"), model("b")], [("1", "text", "a\nb", False)]),
    (
        "function roles",
        [user("1"), {"role": "function_call", "content": "f(A)"}, {"role": "observation", "content": "A"}, model("B")],
        [("1", "text", "B", False)],
    ),
    (
        "thinking",
        [user("1"), model([{"type": "thinking", "thinking": "A?"}, {"type": "text", "text": "B"}])],
        [("1", "text", "B", False)],
    ),
    (
        "anthropic image",
        [
            user("d"),
            model(
                [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": URL.partition(",")[2]},
                    }
                ]
            ),
        ],
        [("d", "image", None, True)],
    ),
    ("images beside", [user("d"), model("here", images=[SHOWN])], [("d", "image", "here", True)]),
    ("raw base64 beside", [user("d"), model("here", images=[URL.partition(",")[2]])], [("d", "image", "here", True)]),
    (
        "a key and an answer ask for text",
        [user("Which?", target="B"), model([{"type": "text", "text": "B"}, SHOWN])],
        [("Which?", "text", "B", True)],
    ),
    ("Markdown", [user("d"), model(f"Here: ![a cat]({URL}) Nice?")], [("d", "image", "Here:\nNice?", True)]),
    ("Markdown that links", [user("d"), model("![a cat](cat.png)")], [("d", "text", "![a cat](cat.png)", False)]),
    ("a key and an image alone", [user("draw", target="cat"), model([SHOWN])], [("draw", "image", None, True)]),
    (
        "two questions in a row with keys",
        [user("1", target="A"), user("2", target="B"), model()],
        [("1", "text", None, False), ("2", "text", "B", False)],
    ),
]


@pytest.mark.parametrize(("messages", "expected"), [case[1:] for case in TURNS], ids=[case[0] for case in TURNS])
def test_messages_are_turns(messages: list[dict[str, Any]], expected: list[Any]) -> None:
    found, _ = read({"id": "a", "messages": messages})
    assert [(r.prompt, r.modality, r.text, r.image is not None) for r in found] == expected
    assert [record.turn for record in found] == [*range(1, len(expected) + 1)]
    assert all(record.image in (None, PNG) for record in found)


TWO = [user("1"), model("a"), user("2"), model("b")]
# What stands in a line or its messages, which field it gives, and of each turn what.
BESIDE: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("id", {"id": "x"}, "dialogue", ["x", "x"]),
    ("id as a number", {"id": 7}, "dialogue", ["7", "7"]),
    ("id by its surest name", {"id": "x", "conversation_id": "y"}, "dialogue", ["y", "y"]),
    ("no id", {}, "dialogue", ["chat.jsonl:1"] * 2),
    ("an id in many scripts", {"session": "диалог/对话 1"}, "dialogue", ["диалог/对话 1"] * 2),
    ("half a surrogate in an id", {"id": "a\ud800"}, "dialogue", ["a?"] * 2),
    ("keys by turn", {"target": ["A", None]}, "target", ["A", None]),
    ("keys under another name", {"answer_key": ["A", "B"]}, "target", ["A", "B"]),
    ("keys as numbers", {"label": [1, 2]}, "target", ["1", "2"]),
    ("options by turn", {"options": [["x", "y"], None]}, "options", [{"A": "x", "B": "y"}, None]),
    (
        "options as objects",
        {"choices": [{"a": "x", "b": "y"}, {"A": "u", "B": "v"}]},
        "options",
        [{"A": "x", "B": "y"}, {"A": "u", "B": "v"}],
    ),
    ("options with letters", {"options": [["A. x", "B. y"], None]}, "options", [{"A": "x", "B": "y"}, None]),
    ("subject of all turns", {"subject": "cat"}, "subject", ["cat", "cat"]),
    ("subjects by turn", {"subject": ["cat", "dog"]}, "subject", ["cat", "dog"]),
    ("a score by turn", {"score": [0.5, 1]}, "scores", [{"score": 0.5}, {"score": 1.0}]),
    (
        "scores by name and turn",
        {"scores": {"clip": [0.5, None], "fid": [1, 2]}},
        "scores",
        [{"clip": 0.5, "fid": 1.0}, {"fid": 2.0}],
    ),
    ("scores by turn and name", {"scores": [{"clip": 0.5}, {"clip": 0.25}]}, "scores", [{"clip": 0.5}, {"clip": 0.25}]),
    ("domain", {"domain": "Küche", "class": "c"}, "groups", [{"domain": "Küche", "class": "c"}] * 2),
    ("difficulty", {"difficulty": ["easy", "hard"]}, "groups", [{"difficulty": "easy"}, {"difficulty": "hard"}]),
    ("a question is no group", {"groups": {"question": "static"}}, "groups", [{"question": "static"}] * 2),
    ("groups of other names", {"groups": {"language": "de"}}, "groups", [{"language": "de"}] * 2),
    ("links", {"links": [None, [1]]}, "links", [(), (1,)]),
    ("objects by turn", {"objects": [["dog", "ball"], []]}, "objects", [("dog", "ball"), ()]),
    ("target objects", {"gt_objects": [None, ["dog"]]}, "target_objects", [None, ("dog",)]),
    ("costs", {"costs": {"seconds": [1.5, 2]}}, "costs", [{"seconds": 1.5}, {"seconds": 2.0}]),
    ("modalities", {"modality": ["text", "image_only"]}, "modality", ["text", "image"]),
    ("turns that are not all there", {"turns": [2, 5]}, "turn", [2, 5]),
]


@pytest.mark.parametrize(("row", "field", "expected"), [case[1:] for case in BESIDE], ids=[case[0] for case in BESIDE])
def test_lines_say_more_than_messages(row: dict[str, Any], field: str, expected: list[Any]) -> None:
    found, _ = read({**row, "messages": TWO})
    assert [getattr(record, field) for record in found] == expected


def test_a_message_says_it_of_its_own_turn() -> None:
    known = {"target": "blue", "options": ["red", "blue"], "score": 0.5, "subject": "cup", "costs": {"seconds": 2}}
    [record, other], problems = read(
        {
            "target": [None, "A"],
            "messages": [user("1", **known), model(usage={"completion_tokens": 12}), user("2"), model(score=1)],
        }
    )
    assert (record.target, record.options, record.subject) == ("B", {"A": "red", "B": "blue"}, "cup")
    assert (record.scores, record.costs) == ({"score": 0.5}, {"tokens": 12.0, "seconds": 2.0})
    assert (other.target, other.scores) == ("A", {"score": 1.0})
    assert problems == []


def test_objects_of_one_turn_stand_in_its_message_or_in_the_line() -> None:
    [record], problems = read({"messages": [user("1", target_objects=["cup"]), model()], "objects": ["cup", "hat"]})
    assert (record.objects, record.target_objects, problems) == (("cup", "hat"), ("cup",), [])


@pytest.mark.parametrize("objects", [{"bbox": [1, 2]}, "a cup", 3, [3], [""], [{"name": "cup"}], ["x" * 1001]])
def test_what_is_no_list_of_names_is_told_and_not_known(objects: Any) -> None:
    [record], [problem] = read({"messages": [user("1", objects=objects), model()]})
    assert record.objects is None
    assert "messages[0].objects: expected a list of names, got" in problem


def test_keys_of_other_names_are_named() -> None:
    said = [user("1", right="A", meta={"sim": 0.5}), model("A")]
    [record], problems = read(
        {"talk": said, "session": "s", "run": 3},
        messages="talk",
        target="right",
        score__clip="meta.sim",
        dialogue="run",
        cost__seconds="run",
    )
    assert (record.dialogue, record.target, record.scores, record.costs) == ("3", "A", {"clip": 0.5}, {"seconds": 3.0})
    assert problems == []


# A line, and the beginning of what is said of it; what is left of it are so many records.
WRONG: list[tuple[dict[str, Any], str, int]] = [
    ({}, "messages: expected a list of messages, found none", 0),
    ({"messages": None}, "messages: expected a list of messages, got null", 0),
    ({"messages": "hello"}, "messages: expected a list of messages, got text", 0),
    ({"messages": []}, "messages: expected messages, got an empty list", 0),
    ({"messages": [user(), 3]}, "messages[1]: expected a message, got a number", 0),
    (
        {"messages": [user(), {"content": "B"}]},
        "messages[1].from: expected a role such as user or assistant, got null",
        0,
    ),
    ({"messages": [user(), {"role": "narrator", "content": "B"}]}, "messages[1].role: expected a role", 0),
    ({"messages": [model("Hi")]}, "messages[0]: comes before the first message of the user", 0),
    ({"messages": [{"role": "system", "content": "s"}]}, "messages: expected a message of the user, found none", 0),
    ({"messages": [model("Hi"), user(), model()]}, "messages[0]: comes before the first message of the user", 1),
    ({"messages": [user(), model(None)]}, "messages[0]: expected an answer, found none", 1),
    ({"messages": [user()]}, "messages[0]: expected an answer, found none", 1),
    ({"messages": [user(modality="image"), model("no")]}, "messages[0]: expected an image, found none", 1),
    ({"messages": [user(modality="img"), model("no")]}, "messages[0].modality: expected text or image, got 'img'", 1),
    ({"messages": [user(5), model()]}, "messages[0].content: expected a text or a list of parts, got a number", 1),
    ({"messages": [user(), model([3])]}, "messages[1].content[0]: expected a text or an image, got a number", 1),
    ({"messages": [user(), model([{"type": "text", "text": 3}])]}, "messages[1].content[0].text: expected a text", 1),
    ({"messages": [user(), model([{"type": "audio", "audio": "x"}, "B"])]}, "messages[1].content[0].type: expected", 1),
    (
        {"messages": [user(), model([SHOWN, SHOWN])]},
        "messages[1].content[0]: 2 images in one output: the last counts",
        1,
    ),
    ({"messages": [user(modality="text"), model(["B", SHOWN])]}, "messages[1].content[1]: an image at a turn that", 1),
    ({"messages": [user(), user(), model()]}, "messages[1]: messages of the user in a row are read as one turn", 1),
    ({"messages": TWO, "target": "B"}, "target: expected one entry for each of 2 turns, got one value", 2),
    ({"messages": TWO, "target": ["A"]}, "target: expected one entry for each of 2 turns, got a list of 1", 2),
    ({"messages": TWO, "options": ["x", "y"]}, "options: expected one entry for each of 2 turns", 2),
    ({"messages": [user(label="A", answer="B"), model()]}, "messages[0]: `label` and `answer` differ", 1),
    ({"messages": [user(target=["A"]), model()]}, "messages[0].target: expected the key as text, got a list", 1),
    ({"messages": [user(options={"AB": "x"}), model()]}, "messages[0].options: expected options as texts by letter", 1),
    ({"messages": [user(score="high"), model()]}, "messages[0].score: expected a finite number, got 'high'", 1),
    ({"messages": [user(score=10**400), model()]}, "messages[0].score: expected a finite number", 1),
    ({"messages": [user(scores=[1]), model()]}, "messages[0].scores: expected numbers by name, got a list", 1),
    ({"messages": [user(links=[3]), model()]}, "messages[0].links: expected earlier turns", 1),
    ({"messages": TWO, "id": ["a"] * 3}, "id: expected a text or a whole number, got a list", 2),
    ({"messages": TWO, "id": True}, "id: expected a text or a whole number, got true or false", 2),
    ({"messages": TWO, "id": 1.5}, "id: expected a text or a whole number, got a number", 2),
    ({"messages": TWO, "turns": [0, 1]}, "turns: expected the numbers of 2 turns, from 1 to 1024", 0),
    ({"messages": TWO, "turns": [1]}, "turns: expected the numbers of 2 turns", 0),
    ({"messages": TWO, "turns": [2, 1]}, "turns: expected the numbers of 2 turns", 0),
    (
        {"messages": [user(turn=1), model(turn=2), user(turn=3), model(turn=4)]},
        "messages[0].turn: is not read: turns are",
        2,
    ),
    ({"messages": [user(), model()] * 1025}, "messages: expected at most 1024 turns, got 1025", 0),
    ({"messages": [user(), model("<image>")], "images": ["a.png", "b.png"]}, "images: expected as many of both", 1),
    ({"messages": [user(), model("B")], "image": "a.png"}, "image: expected as many of both, got 1 images and 0", 1),
    ({"messages": [user(), model("<image>")], "images": 3}, "images: expected images, got a number", 1),
    (
        {"messages": [user(), model([{"type": "image"}])]},
        "messages[1].content[0]: expected an image, found none that",
        1,
    ),
]


@pytest.mark.parametrize(("row", "said", "left"), WRONG, ids=[case[1][:60] for case in WRONG])
def test_what_is_wrong_is_told_with_its_field(row: dict[str, Any], said: str, left: int) -> None:
    found, problems = read(row)
    assert len(found) == left
    assert [problem for problem in problems if problem.startswith(said)] == problems[:1] if problems else False


def test_an_image_mark_is_a_text_where_the_line_has_no_images() -> None:
    [record], problems = read({"messages": [user("What does <image> mean?"), model("A tag: <image>")]})
    assert (record.prompt, record.text, problems) == ("What does <image> mean?", "A tag: <image>", [])


def test_marks_of_user_and_model_are_filled_in_their_order() -> None:
    said = [user("<image>\nMake it red."), model("Here: <image>"), user("And <image> too."), model("<image>")]
    urls = [f"data:image/png;base64,{base64.b64encode(name).decode()}" for name in (b"one", b"two", b"three", b"four")]
    found, problems = read({"messages": said, "images": urls})
    assert [(record.prompt, record.text, record.image) for record in found] == [
        ("Make it red.", "Here:", b"two"),
        ("And\ntoo.", None, b"four"),
    ]
    assert problems == []


def read_file(rows: list[dict[str, Any]], **columns: str) -> tuple[list[Any], Problems]:
    problems = Problems()
    return list(read_conversations(enumerate(rows, 1), Path("chat.jsonl"), ReadOptions(columns), problems)), problems


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        *(("taget", "target"), ("answerKey", "answer_key"), ("optons", "options"), ("modalty", "modality")),
        *(("sujbect", "subject"), ("referenceimage", "reference_image"), ("link", "links")),
        *(("ground_thruth", "ground_truth"), ("choises", "choices")),
    ],
)
def test_a_misspelled_key_is_told_once(key: str, meant: str) -> None:
    rows = [{"messages": [user(**{key: "A"}), model()]}] * 3
    _, problems = read_file(rows)
    [problem] = problems
    assert (problem.line, problem.field, problem.level) == (1, f"messages[0].{key}", "warning")
    assert f"did you mean `{meant}`?" in problem.message


@pytest.mark.parametrize(
    "key",
    [
        "source",
        "image_id",
        "created",
        "timestamp",
        "finish_reason",
        "metadata",
        "tools",
        "name",
        "tool_calls",
        "weight",
    ],
)
def test_other_keys_are_passed_over(key: str) -> None:
    _, problems = read_file([{key: "x", "messages": [user(**{key: "x"}), model()]}])
    assert list(problems) == []


def test_a_named_key_that_no_line_has_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"target=right_leter.*did you mean `right_letter`") as raised:
        read_file([{"messages": [user(right_letter="A"), model()]}], target="right_leter")
    assert raised.value.arguments == ("columns",)


def test_an_id_that_was_named_and_is_missing_is_told() -> None:
    found, problems = read_file([{"run": "a", "messages": TWO}, {"messages": TWO}], dialogue="run")
    assert [record.record.dialogue for record in found] == ["a", "a", "chat.jsonl:2", "chat.jsonl:2"]
    assert [(problem.line, problem.field) for problem in problems] == [(2, "run")]


@pytest.mark.parametrize("text", ["ERROR: timeout", "", "   ", "\ud83d", "<script>", "A\u2028B"])
def test_texts_stay_as_they_are(text: str) -> None:
    [record], _ = read(json.loads(json.dumps({"messages": [user(text), model(text)]})))
    assert (record.prompt, record.text) == (text, text)


@pytest.mark.parametrize("field", ["prompt", "image"])
def test_what_messages_say_themselves_is_not_named(field: str, tmp_path: Path) -> None:
    """It had no effect, and nothing said so."""
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"id": "a", "asked": "Where?", "messages": [user(), model()]}))
    with pytest.raises(ArgumentError, match=f"{field}=asked.*stand in its messages"):
        read_records(path, columns={field: "asked"})
