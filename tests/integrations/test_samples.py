# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A harness's sample as a record, and records as scores."""

from __future__ import annotations

import math
from typing import Any

import pytest

from imug_metrics import AnswerAccuracy, TurnAlignment
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.integrations.samples import sample_record, score_records
from tests.integrations.recorded import expected, rows


def record(row: dict[str, Any]) -> Any:
    return sample_record(row, where="the row", prompt=row["question"], text=row["reply"], target=row["answer"])


def test_scores_are_those_of_the_metric_itself() -> None:
    found = score_records(map(record, rows()))
    assert found.keys() == expected().keys()
    for name, value in expected().items():
        assert found[name] == value or (math.isnan(found[name]) and math.isnan(value))


def test_metrics_that_are_given_are_not_changed() -> None:
    metric = AnswerAccuracy(detail="interval")
    assert score_records(map(record, rows()), [metric])["answer_accuracy_n"] == len(rows())
    assert not metric.update_called
    metric.update([["A"]], [["A"]])
    assert score_records(map(record, rows()), [metric])["answer_accuracy_n"] == len(rows())


def test_no_records_have_no_scores() -> None:
    assert score_records([]) == {}


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


def test_any_metric_can_be_asked_for_and_images_need_an_encoder() -> None:
    drawn = [
        sample_record({"dialogue": "a", "turn": turn, "modality": "image"}, where="x", prompt="a red circle")
        for turn in (1, 2)
    ]
    assert score_records(drawn, [TurnAlignment(detail=True)], encoder="scene")["turn_alignment_coverage"] == 0
    with pytest.raises(ValueError, match="`encoder`"):
        score_records(drawn, [TurnAlignment()])
