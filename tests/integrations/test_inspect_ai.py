# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics and scorers of Inspect where it is installed; whole runs are in `harnesses/inspect_ai`."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("inspect_ai")
from inspect_ai.scorer import SampleScore, Score

from imug_metrics.errors import ArgumentError
from imug_metrics.integrations import inspect_ai


def other(value: Any, sample: str = "x", **metadata: Any) -> SampleScore:
    """A score of a scorer of Inspect's own."""
    place = {"dialogue": "a", "turn": 1, **metadata}
    return SampleScore(score=Score(value=value), sample_id=sample, sample_metadata=place)


@pytest.mark.parametrize("metric", [inspect_ai.dialogue_scores(), inspect_ai.epoch_scores()])
def test_metrics_of_nothing_are_nothing(metric) -> None:
    assert metric([]) == {}


@pytest.mark.parametrize(("value", "number"), [("C", 1.0), ("I", 0.0), ("P", 0.5), (0.25, 0.25), (True, 1.0)])
def test_scores_of_other_scorers_are_read_without_a_coverage(value, number) -> None:
    found = inspect_ai.dialogue_scores()([other(value)])
    assert found["score"] == number
    assert "score_coverage" not in found


def test_a_score_of_several_values_is_several() -> None:
    found = inspect_ai.dialogue_scores()([other({"clear": 1, "brief": math.nan}), other({"clear": 0, "brief": 1}, "x")])
    assert (found["score.clear"], found["score.brief"]) == (0.5, 1.0)
    assert found["score.clear_epochs"] == 2


@pytest.mark.parametrize("value", ["maybe", [1, 2]])
def test_what_is_no_number_is_refused(value) -> None:
    with pytest.raises(ArgumentError, match="expected a finite number, or C, P, I or N"):
        inspect_ai.dialogue_scores()([other(value)])


def test_a_sample_without_its_place_says_what_to_set() -> None:
    with pytest.raises(ArgumentError, match="`turn`: expected in the metadata of sample x"):
        inspect_ai.dialogue_scores()([other("C", turn=None)])


def test_scorers_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="kind"):
        inspect_ai.answers(kind="guess")
    with pytest.raises(ArgumentError, match="`encoder`"):
        inspect_ai.alignment(encoder=None)
    with pytest.raises(ArgumentError, match="`variant`"):
        inspect_ai.alignment("scene", variant="refclipscore")
    with pytest.raises(ArgumentError, match="`mode`"):
        inspect_ai.consistency("scene", mode="graph")
