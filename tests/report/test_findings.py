# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The sentences: each is said when its numbers hold and not otherwise."""

from __future__ import annotations

import math
from typing import Any

from imug_metrics.report import find


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


def test_no_warning_without_copies(make_scores: Any) -> None:
    assert texts([make_scores(consistency=0.99, copy_rate=0.1)], "warn") == []


def test_decay_is_said_only_where_the_interval_excludes_zero(make_scores: Any) -> None:
    assert texts([make_scores(slope=-0.03, slope_error=0.01)], "loss")
    assert not texts([make_scores(slope=-0.03, slope_error=0.02)], "loss")
    assert texts([make_scores(slope=-0.03, slope_error=0.02)], "calm")
    assert texts([make_scores(slope=0.03, slope_error=0.01)], "gain")


def test_no_decay_comes_with_the_loss_that_remains_possible(make_scores: Any) -> None:
    ((_, text),) = texts([make_scores(slope=-0.004, slope_error=0.01)], "calm")
    assert "the intervals cover 0. A loss of up to 0.024, 0.024 and 0.024 per turn remains possible." in text


def test_an_undefined_slope_is_no_finding(make_scores: Any) -> None:
    model = make_scores(slope=-0.5)
    for key in model.scores:
        if key.endswith(("_slope_lower", "_slope_upper")):
            model.scores[key] = math.nan
    assert not texts([model], "loss")
    assert not texts([model], "calm")


def test_a_leader_is_named_only_clear_of_every_other_interval(make_scores: Any) -> None:
    def leaders(high: float) -> list[str]:
        found = texts([make_scores("a", start=high), make_scores("b", start=0.5)], "note")
        return [name for name, text in found if text.startswith("leads")]

    assert leaders(0.9) == ["a"]
    assert leaders(0.55) == []


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
