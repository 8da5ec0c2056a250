# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Logs of Inspect: dialogues and single turns, scores of every form, epochs, attachments, and broken archives."""

from __future__ import annotations

import json
import math
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import Record, read_records
from imug_metrics.errors import ArgumentError
from tests.formats.table_files import log_header, write_archive


def sample(**more: Any) -> dict[str, Any]:
    """A sample as Inspect logs it."""
    return {
        **{"id": "s", "epoch": 1, "input": "Which?", "target": "B", "choices": ["red", "blue"]},
        "messages": [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "B"}],
        **{"scores": {"choice": {"value": "C"}}, "metadata": {}, "attachments": {}},
        **more,
    }


def read(folder: Path, *samples: Any, **options: Any) -> tuple[list[Record], list[str]]:
    path = folder / "log.json"
    path.write_text(json.dumps({**log_header(), "samples": samples}))
    found = read_records(path, **options)
    assert found.format == "inspect"
    return [record for records in found.values() for record in records], [
        str(problem).removeprefix(f"{path}:") for problem in found.problems
    ]


def test_a_sample_of_one_question_is_read_whole(tmp_path) -> None:
    usage = {"model_usage": {log_header()["eval"]["model"]: {"output_tokens": 7}, "grader": {"output_tokens": 99}}}
    [record], problems = read(tmp_path, sample(**usage))
    assert (record.dialogue, record.turn, record.prompt, record.text, record.target) == ("s", 1, "Which?", "B", "B")
    assert (record.options, record.scores) == ({"A": "red", "B": "blue"}, {"choice": 1.0})
    assert record.costs == {"tokens": 7.0}
    assert problems == []


@pytest.mark.parametrize(
    ("value", "scores"),
    [
        ("C", {"s": 1.0}),
        ("I", {"s": 0.0}),
        ("P", {"s": 0.5}),
        ("N", {"s": 0.0}),
        (0.25, {"s": 0.25}),
        (True, {"s": 1.0}),
        ("0.5", {"s": 0.5}),
        (math.nan, {"s": math.nan}),
        ({"a": 1, "b": "C"}, {"s.a": 1.0, "s.b": 1.0}),
        ("maybe", "told"),
        (None, "told"),
        ([1, 2], "told"),
        (math.inf, "told"),
    ],
)
def test_scores_of_every_form(tmp_path, value, scores) -> None:
    [record], problems = read(tmp_path, sample(scores={"s": {"value": value}}))
    assert record.scores == pytest.approx({"s": math.nan} if scores == "told" else scores, nan_ok=True)
    assert [problem.partition(": ")[2].partition(":")[0] for problem in problems] == (
        ["scores.s"] if scores == "told" else []
    )


def test_the_turns_of_a_dialogue_are_its_users_messages_and_the_key_is_the_last_turns(tmp_path) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Что это?", "metadata": {"target": "кот", "scores": {"s": 0.5}}},
        {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "кот"}]},
        {"role": "user", "content": "Which?"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": "look"}]},
        {"role": "tool", "content": "it is red", "tool_call_id": "1"},
        {"role": "assistant", "content": "A"},
    ]
    (first, second), problems = read(tmp_path, sample(messages=messages, target="A"))
    assert (first.turn, first.text, first.target, first.options, first.scores) == (1, "кот", "кот", None, {"s": 0.5})
    assert (second.turn, second.text, second.target, second.scores) == (2, "A", "A", {"choice": 1.0})
    assert problems == []


def test_a_sample_that_names_its_turn_is_that_turn_whatever_history_it_holds(tmp_path) -> None:
    history = [{"role": "user", "content": "Earlier?"}, {"role": "assistant", "content": "Yes."}]
    now = sample()["messages"]
    metadata = {"conversation_id": "d", "turn": 3, "links": [1, 9], "subject": "cat", "answer": "elsewhere"}
    [record], problems = read(tmp_path, sample(messages=[*history, *now], metadata=metadata))
    assert (record.dialogue, record.turn, record.prompt, record.text) == ("d", 3, "Which?", "B")
    assert (record.links, record.subject) == ((1,), "cat")
    assert [problem.partition(": ")[2].partition(":")[0] for problem in problems] == ["links"]


@pytest.mark.parametrize(("metadata", "columns"), [({"case": "d", "nr": "2"}, {"dialogue": "case", "turn": "nr"})])
def test_fields_of_metadata_may_be_named(tmp_path, metadata, columns) -> None:
    [record], _ = read(tmp_path, sample(metadata=metadata), columns=columns)
    assert (record.dialogue, record.turn) == ("d", 2)


def test_epochs_repeat_the_dialogues_under_a_model_of_their_own(tmp_path) -> None:
    path = tmp_path / "log.json"
    header = {**log_header(), "eval": {**log_header()["eval"], "model": "org/" + "m" * 60}}
    samples = [sample(epoch=epoch, id=id) for epoch in (1, 2, 3) for id in ("s", "t")]
    path.write_text(json.dumps({**header, "samples": samples}))
    found = read_records(path)
    assert [name[-3:] for name in found] == ["mmm", "m#2", "m#3"]
    assert [[record.dialogue for record in records] for records in found.values()] == [["s", "t"]] * 3


def test_a_key_for_each_turn_is_a_list_of_targets(tmp_path) -> None:
    messages = sample()["messages"] * 2
    records, problems = read(tmp_path, sample(messages=messages, target=["A", "B"], choices=None))
    assert [(record.turn, record.target) for record in records] == [(1, "A"), (2, "B")]
    assert problems == []


def test_turns_that_a_run_did_not_come_to_are_absent(tmp_path) -> None:
    metadata = {"dialogue": "d"}
    records, problems = read(tmp_path, sample(target=["A", "B", "C"], metadata=metadata, choices=None, scores={}))
    assert [(record.turn, record.target, record.text) for record in records] == [
        (1, "A", "B"),
        (2, "B", None),
        (3, "C", None),
    ]
    assert "expected 3 turns, one for each key, got 1" in problems[0]


def test_several_keys_of_one_question_are_no_keys_of_turns(tmp_path) -> None:
    [record], problems = read(tmp_path, sample(target=["A", "B"], metadata={"dialogue": "d", "turn": 1}))
    assert record.target is None
    assert "expected the key as text, got a list" in problems[0]


def output(content: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content, **more}}]}


def test_an_output_that_a_solver_wrote_beside_the_messages_is_the_answer(tmp_path) -> None:
    asked, _ = sample()["messages"]
    [record], _ = read(tmp_path, sample(output=output("A")))
    assert record.text == "A"
    [record], _ = read(tmp_path, sample(output=output("A"), messages=[asked]))
    assert record.text == "A"


def test_the_output_of_an_earlier_turn_is_no_answer_to_one_that_failed(tmp_path) -> None:
    asked, said = sample()["messages"]
    messages = [asked, {**said, "id": "x"}, {"role": "user", "content": "And now?"}]
    records, problems = read(tmp_path, sample(messages=messages, output=output("B", id="x"), target=""))
    assert [record.text for record in records] == ["B", None]
    assert "expected an answer, found none: it counts as absent" in problems[0]


def test_scores_that_were_made_of_records_are_left_out(tmp_path) -> None:
    ours = {"value": {"answer_accuracy": math.nan}, "metadata": {"imug_metrics": {"records": []}}}
    [record], problems = read(tmp_path, sample(scores={"answers": ours, "match": {"value": "C"}}))
    assert (record.scores, problems) == ({"match": 1.0}, [])


def test_images_that_were_not_logged_say_so(tmp_path) -> None:
    shown = [{"type": "image", "image": "<base64-data-removed>"}]
    messages = [{"role": "user", "content": "Draw."}, {"role": "assistant", "content": shown}]
    [record], problems = read(tmp_path, sample(messages=messages, target=""))
    assert (record.modality, record.image) == ("image", None)
    assert "the run was told not to log images" in problems[0]


@pytest.mark.parametrize(
    ("status", "of_run", "told"),
    [
        ("cancelled", {"dataset": {"sample_ids": ["s", "t", "u"]}, "config": {"epochs": 2}}, "1 of 6 samples are here"),
        ("success", {"dataset": {"sample_ids": ["s", "t"]}}, "1 of 2 samples are here"),
        ("started", {}, "the run ended as 'started': 1 samples are here"),
        ("error", {"dataset": {"sample_ids": ["s"]}}, ""),  # what failed in a sample is told of the sample
        ("success", {}, ""),
    ],
)
def test_a_run_that_was_cut_short_says_how_many_samples_are_here(tmp_path, status, of_run, told) -> None:
    path = tmp_path / "log.json"
    header = {**log_header(), "status": status, "eval": {**log_header()["eval"], **of_run}}
    path.write_text(json.dumps({**header, "samples": [sample()]}))
    problems = read_records(path).problems
    assert [(problem.level, problem.field) for problem in problems] == [("error", "status")] * bool(told)
    assert all(told in str(problem) for problem in problems)


def test_samples_that_name_no_turn_are_told(tmp_path) -> None:
    _, [problem] = read(tmp_path, sample(id="s"), sample(id="t"))
    assert "let the task write `dialogue` and `turn` into the metadata of its samples" in problem
    assert read(tmp_path, *(sample(id=id, metadata={"dialogue": id}) for id in "st"))[1] == []


def test_turns_without_a_dialogue_are_refused_unless_each_is_said_to_be_one(tmp_path) -> None:
    samples = [sample(id=f"s{turn}", metadata={"turn": turn}) for turn in (1, 2)]
    with pytest.raises(
        ArgumentError, match=r"`id` differs in each row.* let the task write `dialogue` into the metadata"
    ):
        read(tmp_path, *samples)
    records, problems = read(tmp_path, *samples, columns={"dialogue": "id"})
    assert [(record.dialogue, record.turn) for record in records] == [("s1", 1), ("s2", 2)]
    assert problems == []


def test_attachments_take_the_place_of_their_names(tmp_path) -> None:
    shown = [{"type": "image", "image": "attachment://a"}]
    messages = [{"role": "user", "content": "attachment://b"}, {"role": "assistant", "content": shown}]
    attachments = {"a": "data:image/png;base64,aW1hZ2U=", "b": "a long question"}
    [record], problems = read(tmp_path, sample(messages=messages, attachments=attachments, target=""))
    assert (record.prompt, record.modality, record.image, problems) == ("a long question", "image", b"image", [])
    [record], problems = read(tmp_path, sample(messages=messages, target="", attachments={"b": "a long question"}))
    assert (record.modality, record.image) == ("image", None)
    assert "expected 'attachment://a', which a message names" in problems[0]


def test_messages_that_were_not_logged_are_made_of_input_and_output(tmp_path) -> None:
    [record], problems = read(tmp_path, sample(messages=[], output=output("A")))
    assert (record.prompt, record.text, problems) == ("Which?", "A", [])


@pytest.mark.parametrize(
    ("more", "count", "message"),
    [
        ({"messages": "x"}, 0, "1: messages: expected a list, got text"),
        ({"messages": ["x"]}, 0, "1: messages[0]: expected a message, got text"),
        ({"messages": [], "input": 3, "output": None}, 1, "expected a text or a list of parts, got a number"),
        ({"metadata": {"turn": "x"}}, 0, "1: metadata.turn: expected a turn from 1 to 1024, got 'x'"),
        ({"target": ["A", "B"]}, 1, "expected the key as text, got a list"),
        ({"target": "D"}, 1, "expected the letter or the text of an option, A, B, got 'D'"),
        ({"messages": [{"role": "user", "content": "Which?"}]}, 1, "expected an answer, found none"),
    ],
)
def test_what_is_wrong_in_a_sample_is_told_by_its_number_and_field(tmp_path, more, count, message) -> None:
    records, problems = read(tmp_path, sample(**more), sample(id="right"))
    assert [record.dialogue for record in records][-1] == "right"
    assert len(records) == count + 1
    assert any(message in problem for problem in problems)


def test_turns_from_0_are_refused_with_the_cure(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="add 1 to every turn"):
        read(tmp_path, sample(metadata={"dialogue": "d", "turn": 0}))


@pytest.mark.parametrize("content", [{"samples": None}, {}, {"samples": {"a": 1}}])
def test_a_log_without_samples_says_so(tmp_path, content) -> None:
    (tmp_path / "log.json").write_text(json.dumps({**log_header(), **content}))
    found = read_records(tmp_path / "log.json")
    assert dict(found) == {}
    assert "expected a list of samples" in str(found.problems[0])


def test_the_model_is_that_of_the_log(tmp_path) -> None:
    path = write_archive(tmp_path / "log.eval", [sample()])
    assert [*read_records(path)] == [log_header()["eval"]["model"]]


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("samples/bad_epoch_1.json", b"{", "samples/bad_epoch_1.json: expected JSON"),
        ("samples/bad_epoch_1.json", b"\xff\xff", "samples/bad_epoch_1.json: expected UTF-8"),
        ("samples/bad_epoch_1.json", b"[" * 100_000, "samples/bad_epoch_1.json: expected JSON"),
        ("samples/bad_epoch_1.json", b"[]", "samples/bad_epoch_1.json: expected a sample, got a list"),
        ("samples/bad_epoch_1/sample.json", b"{}", "is a sample in pieces, which is not read"),
        ("header.json", b"[]", "header.json: eval.model: expected the name of the model"),
    ],
)
def test_a_broken_member_costs_itself_alone(tmp_path, name, content, message) -> None:
    path = write_archive(tmp_path / "log.eval", [sample()])
    found = read_records(pack(path, {**members(path), name: content}))
    [records] = found.values()
    assert [record.dialogue for record in records] == ["s"]
    assert message in str(found.problems[0])


def test_a_sample_whose_id_holds_slashes_is_read(tmp_path) -> None:
    given = [sample(id=name) for name in ("room/0-1", "a/b/sample", "plain")]
    found = read_records(write_archive(tmp_path / "log.eval", given))
    [records] = found.values()
    assert [record.dialogue for record in records] == ["room/0-1", "a/b/sample", "plain"]
    assert not [problem for problem in found.problems if problem.level == "error"]


def test_an_archive_without_samples_says_so(tmp_path) -> None:
    path = pack(tmp_path / "log.eval", {"_journal/start.json": json.dumps(log_header()).encode()})
    [problem] = read_records(path).problems
    assert "found none: the log was not finished, or cut" in str(problem)


def test_a_member_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("imug_metrics.formats.inspect_log.MAX_ROW_BYTES", 10_000)
    path = write_archive(tmp_path / "log.eval", [sample(id="bomb", input="0" * 10**6), sample()])
    found = read_records(path)
    assert [record.dialogue for [*records] in found.values() for record in records] == ["s"]
    assert "expected at most 10000 bytes, got 1000" in str(found.problems[0])


def test_an_archive_that_unpacks_to_too_much_is_read_up_to_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("imug_metrics.formats.common.zip_members.MAX_TOTAL", 2_000)
    found = read_records(write_archive(tmp_path / "log.eval", [sample(id=f"{n}") for n in range(20)]))
    [records] = found.values()
    assert 1 <= len(records) < 20
    errors = [problem for problem in found.problems if problem.level == "error"]
    assert len(records) + len(errors) == 20
    assert "expected an archive of at most 2000 bytes" in str(errors[-1])


def test_what_zstandard_needs_is_named(tmp_path, monkeypatch) -> None:
    path = write_archive(tmp_path / "log.eval", [sample()], zstandard=True)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs pyarrow, .*imug_metrics\[formats\]"):
        read_records(path)
