# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug_metrics.compare` from evaluations, folders, rows and metrics."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import AnswerAccuracy, Record, compare, evaluate
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Comparison, Evaluation

RIGHT = {"strong": 0.9, "middle": 0.85, "weak": 0.2}


def records(name: str, *, lacking: float = 0.0) -> list[Record]:
    """Twenty dialogues of three answers."""
    found = []
    for place in range(20):
        for turn in range(1, 4):
            rng = random.Random(f"{name}:{place}:{turn}")
            key, right = rng.choice("ABCD"), rng.random() < RIGHT[name]
            text = None if rng.random() < lacking else key if right else "ABCD"["ABCD".index(key) - 1]
            found.append(Record(f"d{place}", turn, "text", "Which?", text=text, target=key))
    return found


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    return evaluate({name: records(name) for name in RIGHT})


def numbers(found: Comparison) -> list[Any]:
    return [row["value"] for row in found.rows()] + [row["joint_lower"] for row in found.rows()]


def test_an_evaluation_is_compared_in_every_metric(whole: Evaluation) -> None:
    found = compare(whole, replicates=300)
    assert found.models == ("strong", "middle", "weak")
    assert [metric.key for metric in found.metrics] == ["answer_accuracy", "answer_accuracy_imug"]
    [first, *_] = found.metrics
    assert first.ranks == ((1, 2), (1, 2), (3, 3))
    scores = [whole.scores[name]["answer_accuracy"] for name in RIGHT]
    assert found.rows()[1]["value"] == pytest.approx(scores[0] - scores[2])
    assert "Who differs from whom" in found.table()
    assert "Ranks" in found.table()


def test_rows_and_a_saved_folder_come_to_the_same(whole: Evaluation, tmp_path: Path) -> None:
    whole.save(tmp_path / "run")
    given = (whole, tmp_path / "run", str(tmp_path / "run"), whole.items)
    first, *others = (compare(each, metrics=["answer_accuracy"], replicates=300) for each in given)
    for other in others:
        assert numbers(other) == pytest.approx(numbers(first), rel=1e-12)
        assert other.marks == first.marks
        assert other.models == first.models


def test_rows_tell_coverage_copies_and_chance(whole: Evaluation) -> None:
    part = evaluate({"all": records("strong"), "lacks": records("strong", lacking=0.3)})
    of_rows, of_run = (compare(given, metrics=["answer_accuracy"]).marks for given in (part.items, part))
    assert of_rows == of_run
    assert [mark.kind for mark in of_rows["answer_accuracy"]["lacks"]] == ["coverage"]
    image = {"dialogue": "a", "modality": "image", "image": "x.png"}
    rows = [image | {"turn": t, "consistency": 1.0, "copy": None if t == 1 else 1.0} for t in (1, 2)]
    other = [image | {"turn": t, "consistency": 0.5, "copy": None if t == 1 else 0.0} for t in (1, 2)]
    told = compare({"copier": rows, "other": other}).marks["turn_consistency"]
    assert [mark.kind for mark in told["copier"]] == ["copies"]
    assert told["other"] == ()


def test_a_name_in_two_runs_has_its_folder_before_it(whole: Evaluation, tmp_path: Path) -> None:
    for folder, name in (("first", "strong"), ("second", "weak")):
        evaluate(records(name), model="mine").save(tmp_path / folder)
    found = compare(tmp_path / "first", tmp_path / "second", metrics=["answer_accuracy"])
    assert found.models == ("first/mine", "second/mine")
    with_other = compare(whole, evaluate(records("weak"), model="strong"), metrics=["answer_accuracy"])
    assert with_other.models == ("1/strong", "middle", "weak", "2/strong")


def test_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    for parent in "ab":
        evaluate(records("weak"), model="mine").save(tmp_path / parent / "run")
    with pytest.raises(ArgumentError, match="'run/mine' comes twice"):
        compare(tmp_path / "a" / "run", tmp_path / "b" / "run")


def test_metrics_are_compared_by_their_states() -> None:
    metrics = {}
    for name in RIGHT:
        metrics[name] = AnswerAccuracy(bootstrap=500, detail=True)
        given = records(name)
        places = {"dialogue": [r.dialogue for r in given], "turn": [r.turn for r in given]}
        metrics[name].update([r.text for r in given], [r.target for r in given], **places)
    found = compare(metrics)
    assert [metric.key for metric in found.metrics] == ["answer_accuracy"]
    assert found.metrics[0].ranks == ((1, 2), (1, 2), (3, 3))
    assert [row["Second"] for row in found.tables()[0].records()] == ["middle", "weak", "weak"]
    with pytest.raises(ValueError, match="two models or more"):
        compare({"strong": metrics["strong"]})


def test_models_metrics_and_slopes_are_chosen(whole: Evaluation) -> None:
    found = compare(whole, metrics=["answer_accuracy"], models=["weak", "strong"], slopes=True, level=0.8)
    assert found.models == ("strong", "weak")
    assert [metric.key for metric in found.metrics] == ["answer_accuracy", "answer_accuracy_slope"]
    assert set(found.marks) == {"answer_accuracy", "answer_accuracy_slope"}
    assert "80 %" in found.table()


def test_the_report_is_strict_json(whole: Evaluation, tmp_path: Path) -> None:
    one = evaluate({"a": records("strong"), "same": records("strong"), "lacks": records("weak", lacking=0.5)})
    path = compare(one, slopes=True, replicates=200).report(tmp_path / "new" / "folder")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert path.name == "comparison.json"
    assert found["models"] == ["a", "same", "lacks"]
    equal = found["differences"][0]
    assert (equal["first"], equal["second"], equal["value"], equal["lower"], equal["p"]) == (
        "a",
        "same",
        0.0,
        None,
        None,
    )
    assert "the same in all dialogues" in equal["reason"]
    assert found["ranks"]["answer_accuracy"]["lacks"] == [3, 3]
    assert found["marks"]["answer_accuracy"]["lacks"][0]["kind"] == "coverage"


ROW = {"dialogue": "a", "turn": 1, "modality": "image", "alignment": 0.5}
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "one model": ({"a": [ROW]}, {}, "two models or more, got a"),
    "no model": ({}, {}, "two models or more, got none"),
    "one chosen": ({"a": [ROW], "b": [ROW]}, {"models": ["b"]}, "two models or more, got b"),
    "unknown model": ({"a": [ROW], "b": [ROW]}, {"models": ["a", "c"]}, "expected one of those compared"),
    "unknown metric": ({"a": [ROW], "b": [ROW]}, {"metrics": ["beauty"]}, "turn_alignment.*got 'beauty'"),
    "no turn": ({"a": [ROW], "b": [{"dialogue": "a"}]}, {}, "`dialogue` and `turn` in row 0 of 'b'"),
    "a turn twice": ({"a": [ROW], "b": [ROW, ROW]}, {}, "each turn once.*in row 1 of 'b'"),
    "level": ({"a": [ROW], "b": [ROW]}, {"level": 1.0}, "between 0 and 1, got 1.0"),
    "power": ({"a": [ROW], "b": [ROW]}, {"power": 0.0}, "between 0 and 1, got 0.0"),
    "replicates": ({"a": [ROW], "b": [ROW]}, {"replicates": 0}, "from 1, got 0"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_compared_is_refused(why: str) -> None:
    given, options, message = REFUSED[why]
    with pytest.raises(ArgumentError, match=message):
        compare(given, **options)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(ArgumentError, match="two models or more, got none"):
        compare()


def test_a_folder_without_an_evaluation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="expected a saved evaluation"):
        compare(tmp_path)
    (tmp_path / "evaluation.json").write_text("{")
    with pytest.raises(ArgumentError, match="cannot be read"):
        compare(tmp_path)


def test_models_without_a_score_have_nothing_to_compare() -> None:
    found = compare({"a": [ROW | {"alignment": None}], "b": [ROW | {"alignment": None}]})
    assert found.metrics == ()
    assert found.rows() == []
