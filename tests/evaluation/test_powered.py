# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores by people of some judged images, carried over to all."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics.evaluation.powered import powered_difference, powered_scores
from imug_metrics.protocols.imug.readings import Readings
from imug_metrics.stats.prediction_powered import prediction_powered_mean


def judged(seed: int, better: float = 0.0, labelled: int = 12, dialogues: int = 40) -> Readings:
    """Two images a dialogue that a judge gave two points each, people those of the first dialogues."""
    generator = torch.Generator().manual_seed(seed)
    readings = Readings()
    for dialogue in range(dialogues):
        for turn in (2, 4):
            score = float(torch.rand((), generator=generator)) * 0.8 + better
            unit = ("Cooking", "pan", str(dialogue)), turn
            whole = min(5, max(0, round(5 * score)))
            readings.strict_points[unit] = (float(whole), float(min(5, whole + 1)))
            if dialogue < labelled:
                readings.human[unit] = score
    return readings


def test_scores_are_those_of_the_judged_turns_by_dialogue():
    readings = judged(0)
    readings.human[("Cooking", "pan", "unjudged"), 2] = 0.0
    units = sorted(readings.strict_points)
    judge = torch.tensor([sum(readings.strict_points[unit]) / 10 for unit in units], dtype=torch.float64)
    human = torch.tensor([readings.human.get(unit, math.nan) for unit in units], dtype=torch.float64)
    found = powered_scores(readings)
    expected = prediction_powered_mean(judge, human, torch.tensor([int(key[2]) for key, _ in units]))
    assert found["point_score_powered"] == pytest.approx(expected.value)
    bounds = found["point_score_powered_lower"], found["point_score_powered_upper"]
    assert bounds == pytest.approx((expected.lower, expected.upper))
    assert found["point_score_powered_lambda"] == pytest.approx(expected.slopes[0])
    assert found["point_score_powered_variance_ratio"] == pytest.approx(expected.variance_ratio)
    assert expected.variance_ratio < 0.8
    assert (found["point_score_powered_labelled"], found["point_score_powered_records"]) == (24, 80)
    assert found["point_score_human"] == pytest.approx(human.nanmean().item())
    assert found["point_score_human_lower"] < found["point_score_powered_lower"]


def test_bounds_stay_within_the_range_of_scores():
    readings = judged(0, labelled=4)
    readings.human = {unit: 1.0 if unit[1] == 2 else 0.9 for unit in readings.human}
    readings.human[("Cooking", "pan", "3"), 4] = 0.6
    readings.human[("Cooking", "pan", "1"), 4] = 0.7
    found = powered_scores(readings)
    assert found["point_score_human_upper"] == 1.0
    readings.human = dict.fromkeys(readings.human, 0.9)
    assert math.isnan(powered_scores(readings)["point_score_human_upper"]), "what does not vary has no bounds"


def test_without_people_or_judge_there_are_no_such_scores():
    readings = judged(0)
    readings.human = {}
    assert powered_scores(readings) == powered_scores(Readings()) == {}
    assert powered_scores(Readings(human={(("Cooking", "pan", "1"), 2): 0.5})) == {}
    assert powered_difference(readings, judged(0)) == {}
    assert powered_difference(Readings(), Readings()) == {}


def test_the_difference_is_over_turns_judged_of_both():
    first, second = judged(0, better=0.2), judged(1)
    dropped = (("Cooking", "pan", "3"), 2)
    del second.strict_points[dropped]
    found = powered_difference(first, second)
    assert found["records"] == 79
    assert found["difference_lower"] < 0.2 < found["difference_upper"]
    back = powered_difference(second, first)
    assert back["difference"] == pytest.approx(-found["difference"])


def test_scores_by_people_are_part_of_the_digest():
    readings, other = judged(0), judged(0)
    assert readings.digest() == other.digest()
    other.human.popitem()
    assert readings.digest() != other.digest()
