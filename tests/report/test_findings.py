# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The sentences: each is said when its numbers hold and not otherwise."""

from __future__ import annotations

import math
from typing import Any

import pytest

from imug_metrics.metrics.description import MetricDescription
from imug_metrics.report import find
from imug_metrics.suite import ModelScores


def texts(models: list[Any], tone: str) -> list[tuple[str, str]]:
    return [(finding.model, finding.text) for finding in find(models) if finding.tone == tone]


def test_copying_is_named_although_its_consistency_is_the_highest(make_scores: Any) -> None:
    models = [make_scores("steady"), make_scores("copying", copy_rate=0.97, consistency=0.99)]
    ((name, text),) = texts(models, "warn")
    assert name == "copying"
    assert "0.97" in text
    assert "0.99 (the highest)" in text


def test_a_copying_model_is_not_called_highest_where_it_is_not(make_scores: Any) -> None:
    models = [make_scores("steady", consistency=0.95), make_scores("copying", copy_rate=0.9, consistency=0.9)]
    assert "(the highest)" not in texts(models, "warn")[0][1]


def test_results_without_a_guard_are_warned_of_by_their_copies_by_cosine(make_scores: Any) -> None:
    model = make_scores("old")
    del model.scores["copy_guard"]
    assert texts([model], "warn") == []
    model.scores["turn_consistency_copy_rate"] = 0.97
    ((_, text),) = texts([model], "warn")
    assert text.startswith("repeats its own images: copy rate 0.97")


def test_the_leader_where_lower_is_better_has_the_lowest_score(make_scores: Any) -> None:
    models = [make_scores("a", copy_rate=0.45, dialogues=60), make_scores("b", dialogues=60)]
    assert leaders(*models)["b"] == (
        "leads in a low copy rate (0.00): ahead of every other model on the same dialogues."
    )
    assert "copy rate" not in leaders(*models).get("a", "")
    models[1].scores["copy_guard_coverage"] = 0.6
    assert any(name == "b" and "has the lowest copy rate (0.00), but" in text for name, text in texts(models, "warn"))


def test_no_warning_without_copies(make_scores: Any) -> None:
    assert texts([make_scores(consistency=0.99, copy_rate=0.1)], "warn") == []


def test_decay_is_said_only_where_the_interval_excludes_zero(make_scores: Any) -> None:
    assert texts([make_scores(slope=-0.03, slope_error=0.01)], "loss")
    assert not texts([make_scores(slope=-0.03, slope_error=0.02)], "loss")
    assert texts([make_scores(slope=-0.03, slope_error=0.02)], "calm")
    assert texts([make_scores(slope=0.03, slope_error=0.01)], "gain")


def test_no_decay_comes_with_the_loss_that_remains_possible(make_scores: Any) -> None:
    ((_, text),) = texts([make_scores(slope=-0.004, slope_error=0.01)], "calm")
    assert "the intervals cover 0. A loss of up to 0.024, 0.024, 0.024 and 0.020 per turn remains possible." in text


def test_an_undefined_slope_is_no_finding(make_scores: Any) -> None:
    model = make_scores(slope=-0.5)
    for key in model.scores:
        if key.endswith(("_slope_lower", "_slope_upper")):
            model.scores[key] = math.nan
    assert not texts([model], "loss")
    assert not texts([model], "calm")


def leaders(*models: Any) -> dict[str, str]:
    return dict(texts(list(models), "lead"))


def test_a_leader_is_named_only_where_it_is_ahead_of_everyone_on_the_same_dialogues(make_scores: Any) -> None:
    def best(*starts: float) -> list[str]:
        return [*leaders(*(make_scores(name, start=start, seed=1) for name, start in zip("abc", starts)))]

    assert best(0.9, 0.5) == ["a"]
    assert best(0.5, 0.9) == ["b"]
    assert best(0.5, 0.9, 0.5) == ["b"]
    assert best(0.9, 0.9, 0.5) == [], "two are ahead of the third and not of each other"
    assert best(0.5, 0.5) == []


def test_intervals_side_by_side_do_not_make_a_leader(make_scores: Any) -> None:
    close = make_scores("a", start=0.56), make_scores("b", start=0.5)
    assert close[0].scores["turn_alignment_lower"] < close[1].scores["turn_alignment_upper"], "the intervals overlap"
    assert "alignment" in leaders(*close)["a"], "and the dialogues say which is ahead"
    far = make_scores("a", start=0.9), make_scores("b", start=0.5)
    for model in far:
        for item in model.items:
            item |= dict.fromkeys(("alignment", "retrieval", "answer_strict", "answer_imug"), 0.5)
    assert leaders(*far) == {}, "what was not seen on any dialogue is no lead, however far the means are apart"


def test_a_leader_that_left_outputs_out_is_named_with_its_coverage_or_not_at_all(make_scores: Any) -> None:
    models = [make_scores("skips", start=0.9), make_scores("whole", start=0.5)]
    for key in [key for key in models[0].scores if key.endswith("_coverage")]:
        models[0].scores[key] = 0.6
    assert leaders(*models) == {}
    warned = [text for name, text in texts(models, "warn") if name == "skips" and "has the highest alignment" in text]
    assert len(warned) == 1
    assert "but 60 % of the outputs were scored; with the others as 0 it is 0.54." in warned[0]


def test_the_gap_between_strict_and_official_is_named(make_scores: Any) -> None:
    model = make_scores()
    assert any("strict reading and the official rule differ" in text for _, text in texts([model], "note"))
    model.scores["answer_accuracy_imug"] = model.scores["answer_accuracy"]
    assert not any("official rule" in text for _, text in texts([model], "note"))


def test_warnings_come_first_and_notes_last(make_scores: Any) -> None:
    models = [make_scores("steady"), make_scores("fading", slope=-0.1), make_scores("copying", copy_rate=1.0)]
    tones = list(dict.fromkeys(finding.tone for finding in find(models)))
    assert tones == ["warn", "loss", "calm", "note"]


def test_a_slope_of_scores_that_are_all_equal_is_no_finding(make_scores: Any) -> None:
    assert not texts([make_scores(slope=0.0, slope_error=0.0)], "calm")


def test_an_answer_that_is_an_error_note_counts_as_missing(make_scores: Any) -> None:
    model = make_scores(dialogues=1)
    model.items[1]["text"] = "ERROR: timed out"
    assert any("Missing outputs: steady 1 of 2 answers" in text for _, text in texts([model], "note"))


@pytest.mark.parametrize(
    ("higher_is_better", "slope", "said"),
    [
        (True, -0.5, ("loss", "loses 0.500 of loudness per turn (95 % interval −0.600 to −0.400).")),
        (True, 0.5, ("gain", "gains 0.500 of loudness per turn (95 % interval 0.400 to 0.600).")),
        (False, 0.5, ("loss", "rises by 0.500 of loudness per turn (95 % interval 0.400 to 0.600).")),
        (False, -0.5, ("gain", "falls by 0.500 of loudness per turn (95 % interval −0.600 to −0.400).")),
        (None, -0.5, None),
    ],
)
def test_every_metric_with_a_direction_is_told_by_it(
    higher_is_better: bool | None, slope: float, said: tuple[str, str] | None
) -> None:
    described = MetricDescription(
        "Loudness", "loudness", "", "", "", "", name="loud", higher_is_better=higher_is_better, is_mean=True
    )
    scores = {"loud": 1.0, "loud_slope": slope, "loud_slope_lower": slope - 0.1, "loud_slope_upper": slope + 0.1}
    found = find([ModelScores("mine", scores, [], descriptions={"loud": described})])
    assert [(finding.tone, finding.text) for finding in found] == ([said] if said else [])


def test_what_may_still_be_lost_of_a_cost_is_its_rise() -> None:
    described = MetricDescription("Cost", "cost", "", "", "", "", name="c", higher_is_better=False, is_mean=True)
    scores = {"c": 1.0, "c_slope": 0.1, "c_slope_lower": -0.2, "c_slope_upper": 0.4}
    [finding] = find([ModelScores("mine", scores, [], descriptions={"c": described})])
    assert (
        finding.text == "shows no rise in cost: its interval covers 0. A rise of up to 0.400 per turn remains possible."
    )
