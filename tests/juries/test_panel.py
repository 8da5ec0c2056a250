# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judgements side by side: what is compared, and what is left out."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics.juries import Judgement, family_of, make_panel


def item(judge: str, name: str, value: float | None, *, expected: float = 1.0, **more: object) -> Judgement:
    return Judgement(judge, "m", "d", 1, name, value=value, expected=expected, **more)  # type: ignore[arg-type]


def test_a_score_is_the_share_of_items_that_every_judge_answered() -> None:
    said = [item("a", "1", 1.0), item("a", "2", 0.0), item("a", "3", 1.0), item("b", "1", 0.0), item("b", "2", 0.0)]
    said.append(item("b", "3", None))
    panel = make_panel(said)
    assert panel.scores.tolist() == [[0.5, 0.0]], "the third item is compared by nobody"
    assert panel.answers[2].isnan().tolist() == [False, True]


def test_a_judge_that_failed_on_an_output_costs_the_others_nothing() -> None:
    said = [item("a", "1", 1.0), item("a", "2", 0.0), *(item("b", name, None, error="busy: no") for name in "12")]
    scores = make_panel(said).scores
    assert scores[0, 0] == 0.5
    assert scores[0, 1].isnan()


def test_what_does_not_apply_counts_for_neither() -> None:
    said = [item("a", "1", None, applies=False), item("a", "2", 1.0), item("b", "1", 0.0), item("b", "2", 1.0)]
    assert make_panel(said).scores.tolist() == [[1.0, 1.0]]


def test_an_item_that_expects_a_no_is_met_by_a_no() -> None:
    assert make_panel([item("a", "1", 0.0, expected=0.0), item("a", "2", 1.0, expected=0.0)]).scores.tolist() == [[0.5]]


def test_repeats_are_a_majority_of_items_and_a_mean_of_scores() -> None:
    said = [item("a", "1", value, repeat=place) for place, value in enumerate((1.0, 0.0, 1.0))]
    panel = make_panel(said)
    assert panel.answers.tolist() == [[1.0]]
    assert panel.scores[0, 0] == pytest.approx(2 / 3)
    even = make_panel([item("a", "1", value, repeat=place) for place, value in enumerate((1.0, 0.0))])
    assert even.answers.isnan().all(), "as many yes as no"


def test_people_stand_apart() -> None:
    said = [Judgement(name, "m", "d", 1, value=value) for name, value in (("a", 4.0), ("eva", 5.0), ("ole", 3.0))]
    panel = make_panel(said, people=("eva", "ole"), best=5.0)
    assert panel.judges == ("a",)
    assert panel.scores.tolist() == [[0.8]]
    assert panel.people.tolist() == [0.8]


def test_without_judgements_there_is_an_empty_panel() -> None:
    panel = make_panel([])
    assert (panel.judges, panel.outputs, panel.scores.shape) == ((), (), (0, 0))


def test_of_two_judgements_of_the_same_the_first_counts() -> None:
    assert make_panel([item("a", "1", 1.0), item("a", "1", 0.0)]).scores.tolist() == [[1.0]]


def test_dialogues_are_the_same_for_all_models() -> None:
    said = [Judgement("a", model, dialogue, 1, value=0.5) for model in "mn" for dialogue in "xy"]
    assert make_panel(said).dialogue.tolist() == [0, 1, 0, 1]
    assert math.isnan(float(make_panel(said).lengths[0]))


@pytest.mark.parametrize(("name", "family"), [("a/b/Gemma-3", "gemma"), ("42-b", "42-b"), ("模型-2", "模型"), ("", "")])
def test_families_are_the_letters_that_names_begin_with(name: str, family: str) -> None:
    assert family_of(name) == family


def test_rows_hold_what_is_known_alone() -> None:
    assert item("a", "1", 0.0).as_row()["answer"] == "no"
    assert "answer" not in item("a", "1", None).as_row()
    assert item("a", "1", None, applies=False).as_row()["answer"] == "n/a"
    assert Judgement("a", "m", "d", 1, value=0.5, costs={"tokens": 3.0}).as_row()["cost.tokens"] == 3.0
    assert torch.tensor([1.0]).item() == Judgement("a", "m", "d", 1, "1", 0.0, 0.0).score


def test_an_item_whose_answer_is_not_said_expects_a_yes() -> None:
    assert (
        make_panel([Judgement("a", "m", "d", 1, "1", 1.0), Judgement("a", "m", "d", 1, "2", 0.0)]).scores[0, 0] == 0.5
    )
