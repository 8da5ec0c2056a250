# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A harness's sample as records: its fields, one turn behind its history, or a whole dialogue."""

from __future__ import annotations

from typing import Any

import pytest

from imug_metrics import Record
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.integrations.samples import dialogue_records, read_sample, sample_record, turn_record


@pytest.mark.parametrize("name", ["dialogue", "turn"])
@pytest.mark.parametrize("value", [None, "left out"])
def test_a_sample_without_its_place_says_what_to_set(name: str, value: Any) -> None:
    row = {"dialogue": "a", "turn": 1, name: value}
    if value is not None:
        del row[name]
    with pytest.raises(ArgumentError, match=f"`{name}`: expected in the metadata of sample 7"):
        sample_record(row, where="the metadata of sample 7", text="A")


def test_what_the_harness_knows_comes_first_and_groups_are_found() -> None:
    row = {"dialogue": 3, "turn": 2, "text": "old", "class": "cup", "domain": 4, "groups": {"kind": "x"}, "other": 1}
    found = sample_record(row, where="the row", text="new", target=7, image=None)
    assert (found.dialogue, found.turn, found.text, found.target, found.modality) == ("3", 2, "new", "7", "text")
    assert found.groups == {"class": "cup", "domain": "4", "kind": "x"}


def test_an_output_that_is_an_image_is_of_an_image_turn() -> None:
    found = sample_record({"dialogue": "a", "turn": 1}, where="the row", prompt="a cat", image=b"\x89PNG")
    assert found.modality == "image"
    assert sample_record({"dialogue": "a", "turn": 1, "modality": "image"}, where="the row").image is None


@pytest.mark.parametrize("turn", [0, "second", 1.5, True])
def test_a_turn_that_is_none_is_refused(turn: Any) -> None:
    with pytest.raises(InputError, match="`turn`"):
        sample_record({"dialogue": "a", "turn": turn}, where="the row", text="A")


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]


def one_turn(metadata: dict[str, Any], messages: list[dict[str, Any]], where: str) -> Record:
    return turn_record(metadata, messages, target="A", where=where)


def test_of_a_turn_the_last_question_counts_and_the_history_does_not() -> None:
    messages = said("Which? A. red B. blue", "A", "And now? A. cup B. pan", "The pan.")
    record = turn_record({"dialogue": "a", "turn": 2}, messages, target="B", where="sample 7")
    assert (record.turn, record.prompt, record.text) == (2, "And now? A. cup B. pan", "The pan.")
    assert record.options == {"A": "cup", "B": "pan"}


def test_every_turn_of_a_dialogue_has_its_own_key() -> None:
    records = dialogue_records({"dialogue": 3, "target": ["A", "B"]}, said("One?", "A", "Two?", "C"), where="sample 7")
    assert [(record.dialogue, record.turn, record.text, record.target) for record in records] == [
        ("3", 1, "A", "A"),
        ("3", 2, "C", "B"),
    ]


def test_an_absent_answer_is_a_record_and_a_warning() -> None:
    with pytest.warns(UserWarning, match="sample 7: messages.* expected an answer, found none"):
        record = turn_record({"dialogue": "a", "turn": 2}, said("Which?"), target="B", where="sample 7")
    assert record.text is None


@pytest.mark.filterwarnings("ignore:.*expected an answer")
def test_turns_that_a_dialogue_did_not_come_to_are_absent() -> None:
    with pytest.warns(UserWarning, match="sample 7: target: expected 3 turns, one for each key, got 1"):
        records = dialogue_records({"dialogue": "a", "target": ["A", "B", "C"]}, said("One?", "A"), where="sample 7")
    assert [(record.turn, record.text, record.target) for record in records] == [
        (1, "A", "A"),
        (2, None, "B"),
        (3, None, "C"),
    ]


@pytest.mark.parametrize(
    ("read", "metadata", "messages", "expected"),
    [
        (one_turn, {"turn": 1}, said("Which?", "A"), "`dialogue`: expected in the metadata of sample 7"),
        (one_turn, {"dialogue": "a"}, said("Which?", "A"), "`turn`: expected in the metadata of sample 7"),
        (
            one_turn,
            {"dialogue": "a", "turn": 2000},
            said("Which?", "A"),
            "sample 7: metadata.turn: expected a turn from 1",
        ),
        (dialogue_records, {"target": ["A"]}, said("Which?", "A"), "`dialogue`: expected in the metadata of sample 7"),
    ],
)
def test_what_is_no_turn_of_a_dialogue_is_refused(read, metadata, messages, expected) -> None:
    with pytest.raises(ArgumentError, match=expected):
        read(metadata, messages, where="sample 7")


def sample(metadata: dict[str, Any], *said: str, **more: Any) -> dict[str, Any]:
    """A sample whose messages are of the user and of the model in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": text} for number, text in enumerate(said)]
    return {"id": 7, "messages": messages, "target": ["B"], "metadata": metadata, **more}


def test_a_sample_is_the_turn_that_its_metadata_name() -> None:
    history = ("Which? A. red B. blue", "A", "And now? A. one B. two", "B")
    [record], problems = read_sample(sample({"dialogue": "a", "turn": 2, "domain": "cups"}, *history))
    assert (record.dialogue, record.turn, record.text, record.target) == ("a", 2, "B", "B")
    assert (record.options, record.groups, problems) == ({"A": "one", "B": "two"}, {"domain": "cups"}, [])


def test_a_sample_that_names_no_turn_is_a_whole_dialogue() -> None:
    said = ("Which?", "A", "And now?", "B")
    records, _ = read_sample(sample({}, *said, target=["A", "C"]))
    assert [(record.dialogue, record.turn, record.target) for record in records] == [("7", 1, "A"), ("7", 2, "C")]
    [record], _ = read_sample(sample({"dialogue": "a"}, "Which?", "B"))
    assert (record.dialogue, record.turn) == ("a", 1)


@pytest.mark.parametrize(("metadata", "missing"), [({}, "dialogue"), ({"turn": 2}, "dialogue")])
def test_a_sample_of_a_log_without_its_place_says_what_to_set(metadata, missing) -> None:
    with pytest.raises(ArgumentError, match=f"`{missing}`: expected in the metadata of sample 7: let the task write"):
        read_sample(sample(metadata, "Which?", "B"))


def test_a_sample_that_is_no_dialogue_says_why() -> None:
    with pytest.raises(ArgumentError, match=r"sample 7: metadata\.turn: expected a turn from 1 to 1024, got 'x'"):
        read_sample(sample({"dialogue": "a", "turn": "x"}, "Which?", "B"))
    with pytest.raises(ArgumentError, match="add 1 to every turn"):
        read_sample(sample({"dialogue": "a", "turn": 0}, "Which?", "B"))
    with pytest.raises(ArgumentError, match="expected a message of the user, found none"):
        read_sample(sample({"dialogue": "a"}, messages=[{"role": "system", "content": "Hi"}]))


@pytest.mark.parametrize("image", ["https://example.org/cat.png", "/etc/passwd", "cat.png", "../cat.png"])
def test_no_image_is_fetched_and_no_path_is_followed(image) -> None:
    shown = [{"type": "image", "image": image}]
    messages = [{"role": "user", "content": "Draw."}, {"role": "assistant", "content": shown}]
    [record], [problem] = read_sample({"id": 7, "messages": messages, "metadata": {"dialogue": "a", "turn": 1}})
    assert (record.modality, record.image) == ("image", None)
    assert problem.startswith("sample 7: messages[1].content[0]")


def test_images_of_a_named_folder_are_found_and_none_beside_it(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for path in (tmp_path / "in" / "cat.png", tmp_path / "dog.png"):
        path.write_bytes(b"image")
    for name, found in {"cat.png": tmp_path / "in" / "cat.png", "../dog.png": None}.items():
        shown = [{"type": "image", "image": name}]
        messages = [{"role": "user", "content": "Draw."}, {"role": "assistant", "content": shown}]
        read = {"id": 7, "messages": messages, "metadata": {"dialogue": "a", "turn": 1}}
        [record], _ = read_sample(read, tmp_path / "in")
        assert record.image == found
