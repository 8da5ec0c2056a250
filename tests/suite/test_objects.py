# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of objects that records carry feed metrics of objects."""

from __future__ import annotations

import pytest

from imug_metrics import ObjectHallucination
from imug_metrics.errors import InputError
from imug_metrics.suite import ImugSuite, Record
from imug_metrics.suite.objects import object_columns


def records() -> list[Record]:
    said = [["dog", "ball"], None, ["dog", "hat"], ["cup"], []]
    there = [["dog"], ["dog"], ["hat"], None, ["cup"]]
    places = zip([*"aaabb"], (1, 2, 3, 1, 2))
    return [
        Record(dialogue, turn, "text", "What is there?", text="A", objects=of, target_objects=target)
        for (dialogue, turn), of, target in zip(places, said, there)
    ]


def test_a_suite_gives_what_the_metric_gives() -> None:
    metric, suite = ObjectHallucination(detail=True), ImugSuite([ObjectHallucination(detail=True)])
    without = Record("c", 1, "text", "Which?", text="A")
    metric.update(**object_columns(records()))
    suite.update([*records(), without])
    found = suite.compute()
    assert found == {name: pytest.approx(float(value), nan_ok=True) for name, value in metric.compute().items()}
    assert found["object_hallucination"] == 0.5
    assert found["object_hallucination_coverage"] == 0.6, "a record without either list was not expected to have them"


def test_each_record_tells_its_own_share() -> None:
    suite = ImugSuite([ObjectHallucination()], keep_rows=True)
    suite.update(records())
    assert [row["object_hallucination"] for row in suite.rows()] == [0.5, None, 0.5, None, 0]


def test_nothing_found_in_an_output_that_is_absent_is_not_an_output_without_objects() -> None:
    outputs = [{"text": "A"}, {"image": b"none"}, {}, {"text": "ERROR: timeout"}]
    turns = [
        Record("a", turn, "text", "What is there?", objects=[], target_objects=["dog"], **output)
        for turn, output in enumerate(outputs, 1)
    ]
    assert object_columns(turns)["preds"] == [(), (), None, None]
    suite = ImugSuite([ObjectHallucination(detail=True)])
    suite.update(turns)
    found = suite.compute()
    assert found["object_hallucination_coverage"] == 0.5
    assert found["object_hallucination_n"] == 2


def test_objects_alone_are_of_an_output_that_is_there() -> None:
    alone = Record("a", 1, "image", "A dog.", objects=["dog"], target_objects=["dog"])
    assert object_columns([alone])["preds"] == [("dog",)]


def test_images_and_texts_alike_without_an_encoder() -> None:
    suite = ImugSuite([ObjectHallucination()])
    suite.update([Record("a", 1, "image", "A dog.", image=b"none", objects=["cat"], target_objects=["dog"])])
    assert suite.compute()["object_hallucination"] == 1


def test_what_is_missing_is_told() -> None:
    suite = ImugSuite([ObjectHallucination()])
    suite.update([Record("a", 1, "text", "Which?", text="A")])
    with pytest.warns(UserWarning, match="object_hallucination, .* records with `objects` and .* `target_objects`"):
        suite.compute()


def test_columns_feed_it_too() -> None:
    suite = ImugSuite([ObjectHallucination()])
    suite.update(preds=[[["dog", "cat"]]], target=[[["dog"]]])
    assert suite.compute()["object_hallucination"] == 0.5


def test_a_refused_batch_changes_nothing() -> None:
    suite = ImugSuite([ObjectHallucination()])
    suite.update(records())
    before = suite.compute()
    with pytest.raises(InputError, match="`preds` to hold names"):
        suite.update(preds=[[["dog", ""]]], target=[[["dog"]]])
    assert suite.compute() == before
