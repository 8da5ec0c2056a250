# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which dialogues are laid out, and what is said of why."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from imug_metrics.report.dialogues.scored_dialogue import scored_dialogues
from imug_metrics.report.dialogues.selection import ChosenGroup, chosen_dialogues
from imug_metrics.report.metric_specs import METRICS

ANSWERS = [view for view in METRICS if view.key == "answer_accuracy"]
ALIGNMENT = [view for view in METRICS if view.key == "turn_alignment"]


def answers(right: str) -> Any:
    """A model with one dialogue of two answers a digit, as many right as it says."""
    rows = [
        {"dialogue": f"d{place}", "turn": turn, "modality": "text", "text": "A", "reading": "answer"}
        | {"answer_strict": float(turn <= int(count))}
        for place, count in enumerate(right)
        for turn in (1, 2)
    ]
    return SimpleNamespace(model="mine", items=rows)


def chosen(*right: str) -> dict[str, ChosenGroup]:
    found = chosen_dialogues(scored_dialogues([answers(one) for one in right], ANSWERS))
    return {group.title: group for group in found}


def names(group: ChosenGroup) -> list[str]:
    return [one.scored[0].dialogue for one in group.dialogues]


def test_a_dialogue_in_which_nothing_went_wrong_is_never_among_those_that_did() -> None:
    found = chosen("22222", "22022")
    assert found["Where it went wrong"].spotless == [0]
    assert names(found["Where it went wrong"]) == ["d2"]
    assert found["Where it went wrong"].dialogues[0].reasons[0].model == 1


def test_the_worst_have_the_most_wrong_answers() -> None:
    assert names(chosen("21012")["Where it went wrong"]) == ["d2", "d1", "d3"]


def test_every_models_worst_are_there_and_each_dialogue_once() -> None:
    right = ["2" * place + "0" + "2" * (11 - place) for place in range(12)]
    found = chosen(*right)
    assert names(found["Where it went wrong"]) == [f"d{place}" for place in range(12)]
    every = [one.scored[0].dialogue for group in found.values() for one in group.dialogues]
    assert len(every) == len(set(every))


def test_all_models_stand_side_by_side() -> None:
    [worst, *_] = chosen("2201", "1222")["Where it went wrong"].dialogues
    assert [(one.model, one.wrong) for one in worst.scored] == [(0, 2), (1, 0)]


def test_models_differ_most_where_one_is_right_and_another_wrong() -> None:
    found = chosen("0" + "2" * 9, "0" + "2" * 8 + "1")
    reasons = {one.scored[0].dialogue: one.reasons for group in found.values() for one in group.dialogues}
    assert any(reason.text == "the models differ" for reason in reasons["d9"])
    assert not any(reason.text == "the models differ" for reason in reasons["d0"]), "both are as wrong there"


def test_one_model_differs_from_nobody() -> None:
    assert "Where the models differ most" not in chosen("0122")


def test_the_typical_one_is_the_median_and_the_best_the_last() -> None:
    found = chosen("0000111222222")
    assert names(found["Typical"]) == ["d6"]
    assert names(found["Best"]) == ["d12"]


def test_models_whose_turns_nobody_judges_show_their_lowest_scores() -> None:
    rows = [{"dialogue": f"d{d}", "turn": 1, "modality": "image", "image": "x", "alignment": d / 10} for d in range(9)]
    found = chosen_dialogues(scored_dialogues([SimpleNamespace(items=rows)], ALIGNMENT))
    assert [group.title for group in found] == ["Lowest scores", "Typical", "Best"]
    assert names(found[0]) == ["d0", "d1", "d2"]


def test_a_model_without_any_score_has_no_lowest_ones() -> None:
    rows = [{"dialogue": f"d{d}", "turn": 1, "modality": "image", "image": "x"} for d in range(3)]
    found = chosen_dialogues(scored_dialogues([SimpleNamespace(items=rows)], ALIGNMENT))
    assert "Lowest scores" not in [group.title for group in found]


def test_of_nothing_nothing_is_chosen() -> None:
    assert chosen_dialogues([]) == []
