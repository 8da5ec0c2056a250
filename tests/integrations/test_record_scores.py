# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records as scores: those of the metrics themselves, together and of each answer."""

from __future__ import annotations

import math
from typing import Any

import pytest

from imug_metrics import AnswerAccuracy, Record, TurnAlignment
from imug_metrics.errors import InputError
from imug_metrics.integrations.record_scores import answer_scores, score_records
from imug_metrics.integrations.samples import sample_record
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


def test_any_metric_can_be_asked_for_and_images_need_an_encoder() -> None:
    drawn = [
        sample_record({"dialogue": "a", "turn": turn, "modality": "image"}, where="x", prompt="a red circle")
        for turn in (1, 2)
    ]
    assert score_records(drawn, [TurnAlignment(detail=True)], encoder="scene")["turn_alignment_coverage"] == 0
    with pytest.raises(ValueError, match="`encoder`"):
        score_records(drawn, [TurnAlignment()])


def answer(turn: int, text: str | None, target: str = "B", options: Any = None) -> Record:
    return Record("a", turn, "text", "Which?", text=text, target=target, options=options)


def test_each_answer_is_scored_by_its_own_options() -> None:
    said = [answer(1, "It is blue.", options={"A": "red", "B": "blue"}), answer(2, "B"), answer(3, "A")]
    assert answer_scores(said, "choice") == [1.0, 1.0, 0.0]
    assert answer_scores([answer(1, "about 12", "12")], "numeric") == [1.0]


@pytest.mark.parametrize("text", [None, "ERROR: 500"])
def test_what_the_metrics_count_as_absent_has_no_score(text: str | None) -> None:
    said = [answer(1, "B"), answer(2, text)]
    assert answer_scores(said, "choice") == pytest.approx([1.0, math.nan], nan_ok=True)
    assert score_records(said)["answer_accuracy_coverage"] == 0.5


def test_a_key_that_names_no_option_is_refused() -> None:
    with pytest.raises(InputError, match=r"to name options .* got 'orange\?' at turn 2 of dialogue 'a'"):
        answer_scores([answer(1, "B"), answer(2, "B", "orange?")], "choice")


def test_a_key_without_a_number_is_refused() -> None:
    with pytest.raises(InputError, match="to hold a finite number, got 'orange' at turn 2 of dialogue 'a'"):
        answer_scores([answer(1, "3", "3"), answer(2, "B", "orange")], "numeric")
