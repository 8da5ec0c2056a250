# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Ranges of scores that records carry, declared to the suite."""

from __future__ import annotations

import math

import pytest

from imug_metrics import TurnDecay
from imug_metrics.errors import InputError
from imug_metrics.suite import ImugSuite, Record, score_records


def judged(*values: float, start: int = 0) -> list[Record]:
    return [
        Record(f"d{start + n}", 1, "text", "Which?", text="A", scores={"judge": value, "other": value})
        for n, value in enumerate(values)
    ]


HIGH = [5.0] * 9 + [4.0]


def test_bounds_keep_to_a_declared_range_and_to_no_other():
    suite = ImugSuite(score_ranges={"judge": (1, 5)})
    suite.update(judged(*HIGH))
    found = suite.compute()
    assert found["judge_upper"] <= 5 < found["other_upper"]
    assert suite.descriptions()["judge"].range == "1 to 5"
    scores = score_records(judged(*HIGH), model="mine", encoder=None, score_ranges={"judge": (1, 5)}).scores
    assert scores["judge_upper"] == found["judge_upper"]


def test_a_clone_keeps_the_range():
    suite = ImugSuite(score_ranges={"judge": (1, 5)}).clone(prefix="val/")
    suite.update(iter(judged(*HIGH)), dialogues_per_step=2)
    assert suite.compute()["val/judge_upper"] <= 5


@pytest.mark.parametrize("call", [ImugSuite.update, ImugSuite.forward])
def test_a_score_outside_is_named_by_its_record_and_changes_nothing(call):
    suite = ImugSuite(score_ranges={"judge": (1, 5)})
    call(suite, judged(3.0, math.nan))
    with pytest.raises(InputError, match=r"'judge' in \[1, 5\], got 7 of dialogue 'd11', turn 1"):
        call(suite, judged(2.0, 7.0, start=10))
    found = suite.compute()
    assert (found["judge"], found["judge_n"], found["judge_coverage"]) == (3.0, 1, 0.5)


@pytest.mark.parametrize("name", ["turn_decay", "judge"])
def test_a_range_of_a_metric_is_refused(name):
    metrics = None if name == "turn_decay" else {"judge": TurnDecay()}
    with pytest.raises(InputError, match="name no metric"):
        ImugSuite(metrics, score_ranges={name: (0, 1)})


def test_a_range_of_a_score_that_never_came_is_told():
    suite = ImugSuite(score_ranges={"jugde": (1, 5)})
    suite.update(judged(3.0))
    with pytest.warns(UserWarning, match="No record carries the score jugde"):
        suite.compute()
