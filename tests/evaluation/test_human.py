# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores that people gave, by turn, and what the judge's repeats are worth."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from imug_metrics.evaluation.human import human_scores, repeat_noise
from imug_metrics.judges import Verdict
from imug_metrics.protocols.imug.readings import Readings
from imug_metrics.stats.variance_components import variance_components

KEY = ("Cooking", "pan", "1")
NAME = "Cooking/pan/1"


def sample(*points: int):
    """Turns from 1 with so many points each."""
    tasks = [SimpleNamespace(turn=turn, points=["x"] * count) for turn, count in enumerate(points, 1)]
    return SimpleNamespace(key=KEY, tasks=tasks)


def test_a_turn_has_the_mean_over_raters_of_the_whole_or_of_all_its_points():
    human = {
        "mine": {
            (NAME, 1, None): {"a": 5.0, "b": 4.0},
            (NAME, 1, 1): {"a": 0.0},  # the whole goes first
            (NAME, 2, 1): {"a": 5.0, "b": 3.0},
            (NAME, 2, 2): {"a": 1.0},
            (NAME, 3, 1): {"a": 5.0},  # its second point is not scored
            (NAME, 4, None): {"a": 5.0},  # nothing is asked of it
        }
    }
    found = human_scores(human, "mine", [sample(1, 2, 2, 0)])
    assert found == {(KEY, 1): pytest.approx(0.9), (KEY, 2): pytest.approx(0.5)}
    assert human_scores(human, "other", [sample(1, 2, 2, 0)]) == {}


def verdicts(scores: torch.Tensor):
    """Of one image turn a row, two points each a repeat; the first of four turns a dialogue."""
    for row, repeats in enumerate(scores.tolist()):
        key = ("image", "mine", "Cooking", "pan", str(row // 4), row % 4 + 1)
        for repeat, score in enumerate(repeats):
            value = None if math.isnan(score) else (score - 0.5, score + 0.5)
            yield Verdict(key, repeat, value, "", None if value else "no_points: none", 1)


def test_noise_of_repeats_is_that_of_the_means_of_turns():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(40, 1, generator=generator, dtype=torch.float64)
    scores = scores + 0.5 * torch.randn(40, 3, generator=generator, dtype=torch.float64)
    scores[3, 1] = math.nan
    found = repeat_noise(Readings(verdicts=list(verdicts(scores))), 3)
    expected = variance_components(scores, torch.arange(40) // 4)
    assert found["variance"] == pytest.approx({level: part.variance for level, part in expected.items()})
    assert found["variance_raw"] == pytest.approx({level: part.raw for level, part in expected.items()})
    assert list(found["width"]) == ["1", "2", "3", "5", "inf"]
    assert 0 < found["share"] < 0.5
    assert found["width"]["inf"] == pytest.approx(math.sqrt(1 - found["share"]))


def test_a_judge_that_was_asked_once_or_of_nothing_has_no_noise_to_tell():
    assert repeat_noise(Readings(verdicts=list(verdicts(torch.ones(4, 1)))), 1) == {}
    assert repeat_noise(Readings(), 3) == {}
