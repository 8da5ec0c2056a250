# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What tasks of lm-eval and lmms-eval name: values of documents, and all scores of them by one update."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imug_metrics import AnswerAccuracy, ImugSuite, Record, TurnAlignment, TurnConsistency, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.integrations import task_scores
from imug_metrics.integrations.task_scores import NAMES, TaskScores
from tests.integrations.recorded import expected, rows


def doc(**more: Any) -> dict[str, Any]:
    return {"dialogue": "a", "turn": 1, "question": "Which? A. red B. blue", "answer": "B", **more}


def values(scores: TaskScores) -> dict[str, list[Any]]:
    """The recorded run as a harness holds it: the values of each name."""
    found = [scores.process_results(row, [row["reply"]]) for row in rows()]
    return {name: [each[name] for each in found] for name in scores.names}


def test_the_numbers_are_those_of_the_metric() -> None:
    scores = TaskScores()
    for name, given in values(scores).items():
        assert scores.aggregation(name)(given) == expected()[name]


def test_all_names_share_one_update(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    made = task_scores.score_records
    monkeypatch.setattr(task_scores, "score_records", lambda *args, **kwargs: calls.append(1) or made(*args, **kwargs))
    scores = TaskScores()
    given = values(scores)
    found = {name: scores.aggregation(name)(copy.deepcopy(given[name])) for name in NAMES}
    assert len(calls) == 1
    for value in given[NAMES[0]]:
        value["text"] = "A"
    assert scores.aggregation(NAMES[0])(given[NAMES[0]]) != found[NAMES[0]]
    assert len(calls) == 2


def test_what_a_harness_copies_is_not_there_twice() -> None:
    scores = TaskScores()
    assert copy.deepcopy({"process_results": scores.process_results})["process_results"].__self__ is scores


def test_only_the_primary_name_has_a_score_of_its_own() -> None:
    found = TaskScores().process_results(doc(), ["(B)"])
    assert [name for name in NAMES if "score" in found[name]] == ["answer_accuracy"]
    assert found["answer_accuracy"]["score"] == 1.0
    assert all({**value, "score": 1.0} == found["answer_accuracy"] for value in found.values())


@pytest.mark.parametrize(
    ("more", "reply"),
    [({}, ""), ({}, " \n"), ({"answer": None}, "B"), ({}, "ERROR: 500"), ({"answer": "orange?"}, "B")],
    ids=["empty", "blank", "no key", "failed", "key that names no option"],
)
def test_what_is_not_scored_has_no_score(more: dict[str, Any], reply: str) -> None:
    assert "score" not in TaskScores().process_results(doc(**more), [reply])["answer_accuracy"]


def test_an_absent_reply_lowers_the_coverage() -> None:
    scores = TaskScores()
    given = [scores.process_results(doc(turn=turn), [reply]) for turn, reply in ((1, "B"), (2, ""))]
    coverage = [value["answer_accuracy_coverage"] for value in given]
    assert scores.aggregation("answer_accuracy_coverage")(coverage) == 0.5
    assert scores.aggregation("answer_accuracy")([value["answer_accuracy"] for value in given]) == 1.0


def test_where_nothing_has_a_key_nothing_is_scored() -> None:
    scores = TaskScores()
    with pytest.warns(UserWarning, match="No record could be fed to answer_accuracy"):
        assert math.isnan(
            scores.aggregation("answer_accuracy")([scores.turn_value(doc(answer=None), task_scores.Reply("B"))])
        )


def test_values_are_plain_json() -> None:
    value = TaskScores().process_results(doc(domain="kitchen", options=["red", "blue"]), ["blue"])["answer_accuracy"]
    assert json.loads(json.dumps(value)) == value
    assert value["domain"] == "kitchen"
    assert value["options"] == {"A": "red", "B": "blue"}


def test_fields_are_named_or_made() -> None:
    scores = TaskScores(
        dialogue="session",
        turn=lambda doc: doc["n"] + 1,
        prompt="q",
        key=lambda doc: "AB"[doc["gold"]],
        options="choices",
    )
    given = {"session": 7, "n": 0, "q": "Which?", "gold": 1, "choices": ["red", "blue"]}
    [record] = scores.records(scores.process_results(given, ["It is blue."])["answer_accuracy"])
    assert (record.dialogue, record.turn, record.prompt, record.target) == ("7", 1, "Which?", "B")
    assert record.options == {"A": "red", "B": "blue"}


@pytest.mark.parametrize("name", ["dialogue", "turn", "prompt", "key"])
def test_a_field_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(
        ArgumentError, match=rf"`{name}`: expected 'other' .* which are dialogue, turn.*TaskScores\({name}="
    ):
        TaskScores(**{name: "other"}).check_docs([doc()])


def test_options_that_a_task_names_have_to_be_there() -> None:
    with pytest.raises(ArgumentError, match="`options`: expected 'choices'"):
        TaskScores(options="choices").check_docs([doc()])


@pytest.mark.parametrize("name", ["dialogue", "turn"])
def test_a_document_without_its_place_is_refused_before_the_model_runs(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}`: expected in what the task writes"):
        TaskScores().check_docs([doc(**{name: None})])


def test_a_turn_that_is_there_twice_is_refused_before_the_model_runs() -> None:
    docs = [doc(), doc(turn=2), doc()]
    with pytest.raises(ArgumentError, match="document 2 is turn 1 of dialogue 'a', and so is one before it"):
        TaskScores().check_docs(docs)
    assert TaskScores().check_docs(docs[:2]) == docs[:2]


def test_a_key_that_is_the_number_of_an_option_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"`key`: at turn 1 of dialogue 'a': .*numbers may count options from 0"):
        TaskScores().check_docs([doc(answer=1, options=["red", "blue"])])


def test_a_key_that_names_no_option_is_refused_before_the_model_runs() -> None:
    with pytest.raises(ArgumentError, match=r"'orange' of document 1 names no option.*kind='exact'"):
        TaskScores().check_docs([doc(), doc(turn=2, answer="orange")])
    assert TaskScores(kind="exact").check_docs([doc(answer="orange")])


def test_a_key_without_a_number_is_refused_where_keys_are_numbers() -> None:
    docs = [doc(answer="1,5"), doc(turn=2, answer="1.5"), doc(turn=3, answer=2), doc(turn=4, answer="two")]
    with pytest.raises(ArgumentError, match=r"'two' of document 3 holds no number.*kind='exact'"):
        TaskScores(kind="numeric").check_docs(docs)
    assert TaskScores(kind="numeric").check_docs(docs[:3])


@pytest.mark.parametrize("kind", ["choice", "exact", "f1", "numeric"])
def test_a_key_that_is_no_text_is_refused(kind: Any) -> None:
    with pytest.raises(ArgumentError, match="expected the key as text, got a list"):
        TaskScores(kind=kind).check_docs([doc(answer=["red", "blue"])])


def test_repeats_are_no_turns() -> None:
    with pytest.raises(ArgumentError, match=r"expected one reply to a document, got 2: let a filter take one"):
        TaskScores().process_results(doc(), [["A", "B"]])


@pytest.mark.parametrize("results", [["B"], [["B"]], [("B",)]])
def test_a_reply_is_found_in_its_lists(results: Any) -> None:
    assert TaskScores().process_results(doc(), results)["answer_accuracy"]["text"] == "B"


def test_the_likeliest_option_is_the_answer() -> None:
    likely = [(-3.0, False), (-0.5, True), (-1.0, False), (-9.0, False)]
    assert TaskScores().process_likelihoods(doc(), likely)["answer_accuracy"]["score"] == 1.0


def test_other_kinds_of_answers_are_scored_by_their_kind() -> None:
    scores = TaskScores(kind="numeric")
    value = scores.process_results(doc(question="How many?", answer="12"), ["about 12 cups"])["answer_accuracy"]
    assert value["score"] == 1.0
    assert scores.aggregation("answer_accuracy")([value]) == 1.0


def test_names_that_are_none_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"expected one of answer_accuracy, .* got 'accuracy'"):
        TaskScores().aggregation("accuracy")
    scores = TaskScores(("accuracy",))
    with pytest.raises(ArgumentError, match=r"expected one of answer_accuracy, .* got 'accuracy'"):
        scores.aggregation("accuracy")([scores.process_results(doc(), ["B"])["accuracy"]])


def drawn(folder: Path) -> list[dict[str, Any]]:
    """Documents that ask for images, and what a model replied: JSON that names files."""
    found = []
    for turn, colour in enumerate(("red", "blue", "green"), 1):
        Image.new("RGB", (32, 32), colour).save(folder / f"{colour}.png")
        reply = {"text": "Here.", "images": [f"{colour}.png"]}
        found.append({"dialogue": "a", "turn": turn, "question": f"a {colour} circle", "reply": json.dumps(reply)})
    found[2]["reply"] = json.dumps({"text": "", "images": ["../green.png"]})
    return found


def test_images_are_scored_by_an_encoder_and_no_path_leads_out(tmp_path: Path) -> None:
    names = ("turn_alignment", "turn_alignment_coverage", "turn_consistency")
    metrics = [TurnAlignment(detail=True), TurnConsistency(detail=True)]
    scores = TaskScores(names, key=None, metrics=metrics, encoder="scene", images=tmp_path)
    docs = drawn(tmp_path)
    given = [scores.process_results(doc, [doc["reply"]]) for doc in docs]
    found = {name: scores.aggregation(name)([value[name] for value in given]) for name in names}

    suite = ImugSuite(metrics, encoder="scene")
    images = [tmp_path / "red.png", tmp_path / "blue.png", None]
    suite.update([Record("a", n, "image", doc["question"], image=i) for n, (doc, i) in enumerate(zip(docs, images), 1)])
    assert found == {name: value for name, value in suite.compute().items() if name in names}
    assert found["turn_alignment_coverage"] == pytest.approx(2 / 3)
    assert not any("score" in value for each in given for value in each.values())


def test_a_reply_with_images_does_not_take_a_question_with_a_key_out_of_the_answers() -> None:
    value = TaskScores().process_results(doc(), ['{"text": "A", "images": ["a.png"]}'])["answer_accuracy"]
    assert (value["modality"], value["text"], value["score"]) == ("text", "A", 0.0)
    value = TaskScores().process_results(doc(modality="image"), ['{"images": ["a.png", "b.png"]}'])["answer_accuracy"]
    assert (value["modality"], value["image"]) == ("image", "b.png")


def scored_log(path: Path, given: list[dict[str, Any]], kind: Any = "choice") -> dict[str, float]:
    """What the log of a harness, which holds the values of its samples, is scored to."""
    samples = [{"doc_id": n, "target": "x", "filtered_resps": "x", "input": "", **each} for n, each in enumerate(given)]
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    [records] = read_records(path).values()
    suite = ImugSuite([AnswerAccuracy(kind, detail=True)])
    suite.update(records)
    return suite.compute()


def test_a_log_of_the_values_is_scored_to_the_same_numbers(tmp_path: Path) -> None:
    scores = TaskScores()
    given = [scores.process_results(row, [row["reply"]]) for row in rows()]
    found = scored_log(tmp_path / "20260102_030405_samples_imug.jsonl", given)
    assert {name: found[name] for name in NAMES} == {name: expected()[name] for name in NAMES}


@pytest.mark.parametrize(
    ("kind", "key", "reply"), [("exact", "blue", "B"), ("exact", "blue", "blue"), ("numeric", "4", "4")]
)
@pytest.mark.parametrize("options", [None, ["blue", "4"]])
def test_words_and_numbers_stay_what_they_are_where_there_are_options(
    tmp_path: Path, kind: Any, key: str, reply: str, options: Any
) -> None:
    scores = TaskScores(kind=kind)
    value = scores.process_results(doc(question="Which? A. blue B. 4", answer=key, options=options), [reply])
    right = float(reply == key)
    assert value["answer_accuracy"]["score"] == right
    assert scores.aggregation("answer_accuracy")([value["answer_accuracy"]]) == right
    found = scored_log(tmp_path / "20260102_030405_samples_imug.jsonl", [value], kind)
    assert (found["answer_accuracy"], found["answer_accuracy_n"]) == (right, 1.0)
