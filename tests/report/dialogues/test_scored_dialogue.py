# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues of models as they stand among one another."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imug_metrics.report.dialogues import scored_dialogue
from imug_metrics.report.dialogues.scored_dialogue import listed, scored_dialogues
from imug_metrics.report.metric_specs import METRICS, MetricSpec, row_metrics, shown_metrics
from tests.report.large import large_scores

ALIGNMENT = next(view for view in METRICS if view.key == "turn_alignment")
CONSISTENCY = next(view for view in METRICS if view.key == "turn_consistency")


def image(dialogue: str, turn: int = 1, **scores: float | None) -> dict[str, Any]:
    return {"dialogue": dialogue, "turn": turn, "modality": "image", "image": "a.png", **scores}


def model(*rows: dict[str, Any]) -> Any:
    return SimpleNamespace(model="mine", scores={}, items=[*rows])


def test_turns_are_in_order_and_a_mean_leaves_out_what_has_no_value() -> None:
    rows = [image("a", 3, alignment=1.0), image("a", 1, alignment=0.0), image("a", 2, alignment=None)]
    [found] = scored_dialogues([model(*rows)], [ALIGNMENT, CONSISTENCY])
    assert [row["turn"] for row in found.rows] == [1, 2, 3]
    assert found.means[0] == 0.5
    assert math.isnan(found.means[1])


@pytest.mark.parametrize(("higher", "expected"), [(True, ["a", "b", "c"]), (False, ["c", "b", "a"])])
def test_the_better_end_of_a_score_is_the_better_rank(higher: bool, expected: list[str]) -> None:
    metric = replace(ALIGNMENT, higher_is_better=higher)
    found = scored_dialogues(
        [model(*(image(name, alignment=value) for name, value in zip("abc", (1, 2, 4))))], [metric]
    )
    assert [one.dialogue for one in sorted(found, key=lambda one: one.rank)] == expected


def test_metrics_of_any_scale_weigh_alike() -> None:
    rows = [image("a", alignment=0.0, consistency=1.0), image("b", alignment=1000.0, consistency=0.0)]
    found = scored_dialogues([model(*rows)], [ALIGNMENT, CONSISTENCY])
    assert [one.standing for one in found] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_a_dialogue_that_cost_more_is_no_worse() -> None:
    dear = replace(ALIGNMENT, key="cost_tokens", item="cost_tokens", higher_is_better=False)
    rows = [image("a", alignment=1.0, cost_tokens=900.0), image("b", alignment=0.0, cost_tokens=1.0)]
    found = scored_dialogues([model(*rows)], [ALIGNMENT, dear])
    assert [one.standing for one in found] == pytest.approx([1.0, -1.0])


@pytest.mark.parametrize("metrics", [[], [replace(ALIGNMENT, higher_is_better=None)], [CONSISTENCY], [ALIGNMENT]])
def test_what_says_nothing_leaves_all_alike(metrics: list[MetricSpec]) -> None:
    rows = [image(name, alignment=0.5 if metrics == [ALIGNMENT] else place) for place, name in enumerate("abc")]
    assert [one.standing for one in scored_dialogues([model(*rows)], metrics)] == [0.0, 0.0, 0.0]


def test_wrong_answers_rank_before_other_faults_and_those_before_scores() -> None:
    answer = {"turn": 1, "modality": "text", "text": "A", "reading": "answer"}
    rows = [
        image("fine", alignment=1.0),
        image("low", alignment=0.1),
        image("misfit", alignment=2.0, retrieval=0.0),
        image("absent twice", alignment=2.0) | {"image": None},
        image("absent twice", 2, alignment=2.0) | {"image": None},
        answer | {"dialogue": "wrong", "answer_strict": 0.0},
    ]
    found = sorted(scored_dialogues([model(*rows)], [ALIGNMENT]), key=lambda one: one.rank)
    assert [one.dialogue for one in found] == ["wrong", "absent twice", "misfit", "low", "fine"]


def test_of_too_many_dialogues_the_ends_and_the_middle_of_every_model_are_listed(monkeypatch: Any) -> None:
    monkeypatch.setattr(scored_dialogue, "MOST_LISTED", 30)
    models = large_scores(2, 100, 2)
    found = scored_dialogues(models, row_metrics(shown_metrics(models)))
    kept = listed(found)
    assert [one.rank for one in kept] == sorted(one.rank for one in kept)
    for place in range(2):
        ranked = sorted((one for one in found if one.model == place), key=lambda one: one.rank)
        mine = [one.place for one in kept if one.model == place]
        assert len(mine) == 15
        assert mine[:5] == [one.place for one in ranked[:5]]
        assert mine[-5:] == [one.place for one in ranked[-5:]]
        assert mine[5:10] == [one.place for one in ranked[47:52]]


def test_where_there_is_room_all_are_listed() -> None:
    models = large_scores(2, 20, 2)
    found = scored_dialogues(models, row_metrics(shown_metrics(models)))
    assert sorted(one.place for one in listed(found)) == list(range(40))
    assert listed([]) == []
