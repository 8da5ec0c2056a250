# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of people's scores: no row is ever taken for another model's, and nothing is left out in silence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.human import Human
from imug_metrics.evaluation.human_file import read_human, unmatched_scores

MARK = b"\xef\xbb\xbf"
EXPECTED = {"mine": {("Cooking/pan/1", 1, None): {"anna": 4.0}, ("Cooking/pan/1", 2, 3): {"anna": 2.5}}}


def read(tmp_path, content: str | bytes, *models: str, name: str = "people.csv") -> Human:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_human(path, models or ("mine",))


CSV = "model,dialogue,turn,point,score,rater\nmine,Cooking/pan/1,1,,4,anna\nmine,Cooking/pan/1,2,3,2.5,anna\n"
JSON = (
    '{"model": "mine", "dialogue": "Cooking/pan/1", "turn": 1, "score": 4, "rater": "anna"}\n'
    '{"model": "mine", "dialogue": "Cooking/pan/1", "turn": 2, "point": 3, "score": 2.5, "rater": "anna"}\n'
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", CSV),
        ("people.CSV", CSV.replace("\n", "\r\n")),
        ("people.csv", MARK + CSV.encode()),
        ("people.csv", MARK + CSV.replace(",", ";").replace("\n", "\r\n").encode()),
        ("people.tsv", CSV.replace(",", "\t")),
        ("people.txt", CSV),
        ("people.csv", CSV.replace("\n", ",,,\n") + ",,,,,,,,\n\n"),
        ("people.csv", CSV.replace("score", '"score"').replace("anna", '"anna"')),
        ("people.csv", CSV.replace("mine,", "").replace("model,", "")),
        ("people.jsonl", JSON),
        ("people.jsonl", MARK + JSON.replace("\n", "\r\n\r\n").encode()),
        ("people.csv", JSON),  # what it holds decides, not its name
        ("people.jsonl", CSV),
        ("people.jsonl", JSON.replace('"model": "mine", ', "")),
        ("people.jsonl", JSON.replace('"score"', '"point": null, "score"', 1).replace("2.5", '"2.5"')),
        ("people.jsonl", JSON.replace('"turn": 2', '"turn": "2"')),
    ],
)
def test_all_forms_read_alike(tmp_path, name, content) -> None:
    found = read(tmp_path, content, name=name)
    assert found == EXPECTED
    assert found.problems == ()
    assert found.file == str(tmp_path / name)


CASES = [
    # columns
    ("Model,dialogue,turn,score\nother,a,1,4\n", ":1: .*'Model'; did you mean `model`"),
    ("model,dialog,turn,score\nmine,a,1,4\n", ":1: .*'dialog'; did you mean `dialogue`"),
    ("model,dialogue,turn, score\nmine,a,1,4\n", ":1: .*' score'; did you mean `score`"),
    ("model,dialogue,turn,score,comment\nmine,a,1,4,x\n", ":1: .*'comment'"),
    ("dialogue,turn\na,1\n", ":1: .*`score` is missing"),
    ("dialogue,turn,score,score\na,1,4,2\n", ":1: .*`score` twice"),
    ("dialogue,turn,score,rater\na,1,4\n", ":2: expected 4 cells"),
    ("dialogue,turn,score\na,b,1,4\n", ":2: expected 3 cells"),
    ("dialogue,turn,score\na,1,4\n\na,1\n", ":4: expected 3 cells"),
    # values
    ("dialogue;turn;score\na;1;4,5\n", ":2: score: .*'4,5'; write a point"),
    ("dialogue,turn,score\na,1,\n", ":2: score: expected in every row"),
    ("dialogue,turn,score\na,1,5.1\n", ":2: score: 5.1 is not from 0 to 5"),
    ("dialogue,turn,score\na,1,-1\n", ":2: score"),
    ("dialogue,turn,score\na,1,nan\n", ":2: score"),
    ("dialogue,turn,score\na,1,4/5\n", ":2: score"),
    ("dialogue,turn,score\na,1,1_0\n", ":2: score"),
    ("dialogue,turn,score\na,0,4\n", ":2: turn"),
    ("dialogue,turn,score\na,one,4\n", ":2: turn"),
    ("dialogue,turn,score,point\na,1,4,x\n", ":2: point"),
    ("dialogue,turn,score\n,1,4\n", ":2: dialogue"),
    ('{"dialogue": "a", "turn": 1.5, "score": 4}', ":1: turn"),
    ('{"dialogue": "a", "turn": 1, "score": true}', ":1: score"),
    ('{"dialogue": "a", "turn": 1, "score": null}', ":1: score"),
    ('{"dialogue": "a", "turn": 1, "score": NaN}', ":1: score"),
    ('{"dialogue": ["a"], "turn": 1, "score": 4}', ":1: dialogue"),
    ('{"dialogue": "a", "turn": 1, "score": 4, "rater": {}}', ":1: rater"),
    ('{"dialogue": "a", "turn": 1, "Score": 4}', ":1: .*'Score'; did you mean `score`"),
    ('{"dialogue": "a", "turn": 1, "score": 4, "score": 1}', ":1: got `score` twice"),
    ('{"dialogue": "a", "turn": 1, "score": 4}\n[1]', ":2: expected an object"),
    ('[{"dialogue": "a", "turn": 1, "score": 4},\n{}]', ":1: .*not an array"),
    # whose they are
    ("model,dialogue,turn,score\nmine,a,1,4\n,a,2,4\n", ":3: .*line 2 names a `model` and line 3 does not"),
    ("model,dialogue,turn,score\n,a,2,4\nmine,a,1,4\n", ":3: .*line 3 names a `model` and line 2 does not"),
    ("model,dialogue,turn,score\nother,a,1,4\nMine,a,1,4\n", "found no score of the models .*'other', 'Mine'"),
    ("", "found no score"),
    (" \n\n", "found no score"),
    ("dialogue,turn,score\n", "found no score"),
    # the same twice
    ("dialogue,turn,score\na,1,4\na,1,4\n", ":3: scores the same as line 2"),
    ("dialogue,turn,score,rater\na,1,4,x\na,1,3,y\na,1,2,x\n", ":4: scores the same as line 2, by 'x'"),
    ("model,dialogue,turn,score\nmine,a,1,4\nother,b,1,3\nother,b,1,2\n", ":4: scores the same as line 3"),
]


@pytest.mark.parametrize(("content", "message"), CASES)
def test_what_cannot_be_read_in_one_way_is_refused_by_line(tmp_path, content, message) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        read(tmp_path, content)
    assert caught.value.arguments == ("human",)
    assert str(tmp_path / "people.csv") in str(caught.value)


def test_several_models_need_a_model_in_each_row(tmp_path) -> None:
    with pytest.raises(ArgumentError, match=r"csv:2: expected a `model`, as more than one is scored"):
        read(tmp_path, "dialogue,turn,score\na,1,4\n", "mine", "yours")
    found = read(tmp_path, "model,dialogue,turn,score\nmine,a,1,4\nyours,a,1,2\n", "mine", "yours")
    assert {model: list(rows.values()) for model, rows in found.items()} == {"mine": [{"": 4.0}], "yours": [{"": 2.0}]}


def test_rows_of_models_that_are_not_scored_are_counted(tmp_path) -> None:
    places = [("mine", 1), ("mine", 2), ("Mine", 1), ("other", 1), ("other", 2), ("other", 3)]
    rows = [f"{model},a,{turn},4" for model, turn in places]
    found = read(tmp_path, "\n".join(["model,dialogue,turn,score", *rows]))
    assert list(found) == ["mine"]
    said = [problem.message for problem in found.problems]
    assert said == [
        "1 row of 'Mine', which is not scored, left out; did you mean `mine`?",
        "3 rows of 'other', which is not scored, left out",
    ]
    assert {problem.level for problem in found.problems} == {"warning"}


def samples():
    tasks = [SimpleNamespace(turn=1, points=["x", "y"]), SimpleNamespace(turn=2, points=[])]
    return [SimpleNamespace(key=("Cooking", "pan", number), tasks=tasks) for number in ("1", "2")]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (("Cooking/pan/1", 1, None), None),
        (("Cooking/pan/1", 1, 2), None),
        (("Cooking/pan/3", 1, None), "dialogue"),
        (("cooking/pan/1", 1, None), "dialogue"),
        (("1", 1, None), "dialogue"),
        (("Cooking/pan/1", 2, None), "turn"),
        (("Cooking/pan/1", 3, 1), "turn"),
        (("Cooking/pan/1", 1, 3), "point"),
    ],
)
def test_scores_of_what_the_benchmark_has_not_are_told_of(place, field) -> None:
    human = Human({"mine": {("Cooking/pan/2", 1, None): {"": 4.0}, place: {"": 4.0}}}, "people.csv")
    found = unmatched_scores(human, "mine", samples())
    assert [(problem.file, problem.field, problem.level) for problem in found] == (
        [] if field is None else [("people.csv", field, "warning")]
    )
    assert list(unmatched_scores(human, "yours", samples())) == []


@pytest.mark.parametrize(
    "dialogue", ["cooking/pan/1", "Cooking/Pan/1", "Cooking/pan/01", "pan/1", "1", "Cooking\\pan\\1"]
)
def test_a_file_of_which_no_dialogue_is_in_the_benchmark_is_an_error(dialogue) -> None:
    (problem,) = unmatched_scores(Human({"mine": {(dialogue, 1, None): {"": 4.0}}}), "mine", samples())
    assert (problem.level, problem.field) == ("error", "dialogue")
    assert repr(dialogue) in problem.message
    assert "such as 'Cooking/pan/1'" in problem.message
