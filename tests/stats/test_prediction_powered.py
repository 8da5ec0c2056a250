# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction-powered means against the published formulas, and how often their intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics.stats.prediction_powered import prediction_powered_difference, prediction_powered_mean


def single(records: int, labelled: int, seed: int = 0):
    """People's and a judge's scores, one record a dialogue, the first ones with labels."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=records)
    judge = 0.8 * people + 1 + 0.5 * rng.normal(size=records)
    return people, judge, np.where(np.arange(records) < labelled, people, math.nan)


def powered(judge, human, dialogue=None, **options):
    dialogue = np.arange(len(judge)) if dialogue is None else dialogue
    return prediction_powered_mean(*map(torch.tensor, (judge, human, dialogue)), **options)


def test_lambda_and_interval_are_those_of_the_influence_function():
    people, judge, human = single(500, 60)
    y, f, n, total = people[:60], judge[:60], 60, 500
    own = (y - y.mean()) / n
    other = -(judge - judge.mean()) / total
    other[:60] += (f - f.mean()) / n
    best = own @ other[:60] / (other @ other)
    found = powered(judge, human)
    assert 0 < best < 1
    assert found.slopes[0] == pytest.approx(best, rel=1e-10)
    assert found.value == pytest.approx(best * judge.mean() + (y - best * f).mean(), abs=1e-12)
    squares = (np.pad(own, (0, 440)) - best * other) ** 2
    error = math.sqrt(squares.sum() * 59 / 58)
    carrying = squares.sum() ** 2 / (squares**2).sum()
    assert 2 < carrying < 59
    half = stats.t.ppf(0.975, carrying - 1) * math.sqrt(squares.sum() * carrying / (carrying - 1))
    assert (found.lower, found.upper) == pytest.approx((found.value - half, found.value + half), abs=1e-12)
    plain = y.var(ddof=1) / n
    assert found.variance_ratio == pytest.approx(error**2 / plain, rel=1e-10)


def test_a_large_sample_follows_the_published_formulas():
    # Sets without and with labels are disjoint there (PPI++, section 6): lambda is n / N apart.
    people, judge, human = single(40_000, 4_000)
    y, f, rest = people[:4000], judge[:4000], judge[4000:]
    n, more = len(y), len(rest)
    power = np.cov(y, f)[0, 1] / (1 + n / more) / judge.var(ddof=1)
    value = power * rest.mean() + (y - power * f).mean()
    error = math.sqrt(power**2 * rest.var() / more + (y - power * f).var() / n)
    found = powered(judge, human)
    assert found.slopes[0] * more / len(judge) == pytest.approx(power, rel=0.02)
    assert found.value == pytest.approx(value, abs=0.05 * error)
    assert found.error == pytest.approx(error, rel=0.005)


def test_without_power_it_is_the_mean_of_people_alone():
    _, judge, human = single(500, 60)
    found = powered(judge, human, power=0.0)
    known = human[:60]
    assert found.value == pytest.approx(known.mean(), abs=1e-14)
    squares = (known - known.mean()) ** 2
    carrying = squares.sum() ** 2 / (squares**2).sum()
    error = math.sqrt(squares.sum() * carrying / (carrying - 1)) / 60
    expected = stats.t.interval(0.95, carrying - 1, known.mean(), error)
    assert (found.lower, found.upper) == pytest.approx(expected, abs=1e-12)
    assert found.error == pytest.approx(stats.sem(known), abs=1e-12)
    assert found.variance_ratio == 1.0
    assert powered(judge, human, power=1.0).value == pytest.approx(judge.mean() + (known - judge[:60]).mean())


def test_lambda_stays_within_0_and_1():
    people, _, human = single(500, 60)
    assert powered(-people, human).slopes == (0.0,)
    assert powered(-people, human) == powered(people * 0.0, human)
    assert powered(people / 3, human).slopes == (1.0,)


def test_where_all_have_labels_the_judge_changes_nothing():
    people, judge, _ = single(80, 80)
    found = powered(judge, people)
    assert found.value == pytest.approx(people.mean(), abs=1e-14)
    assert (found.slopes, found.variance_ratio) == ((0.0,), 1.0)


def test_records_of_a_dialogue_count_together():
    _, judge, human = single(500, 60)
    alone = powered(judge, human)
    copies = powered(*(np.repeat(values, 3) for values in (judge, human, np.arange(500))))
    assert copies[:4] == pytest.approx(alone[:4])
    assert copies.variance_ratio == pytest.approx(alone.variance_ratio)
    assert (copies.scored, copies.records, copies.dialogues) == (180, 1500, pytest.approx(60))


@pytest.mark.parametrize("whole", [True, False])
def test_intervals_hold_and_are_half_as_wide_as_those_of_people_alone(whole):
    generator = torch.Generator().manual_seed(1)
    dialogue = torch.arange(200).repeat_interleave(3)
    held = width = alone = 0.0
    runs = 400
    for _ in range(runs):
        noise = torch.randn(3, 600, generator=generator, dtype=torch.float64)
        people = noise[0] + torch.randn(200, generator=generator, dtype=torch.float64)[dialogue]
        judge = people + 1 + 0.4 * noise[1]
        drawn = dialogue < 25 if whole else torch.rand(600, generator=generator) < 0.125
        human = people.where(drawn, math.nan)
        found = prediction_powered_mean(judge, human, dialogue)
        held += found.lower < 0 < found.upper
        width += found.upper - found.lower
        by_people = prediction_powered_mean(judge, human, dialogue, power=0.0)
        alone += by_people.upper - by_people.lower
    assert 0.92 <= held / runs <= 0.98  # 95 % within 2.7 standard errors
    assert width / alone < 0.6


def test_differences_are_taken_by_dialogue():
    _, judge, human = single(500, 60)
    zero, one = torch.arange(500), torch.tensor
    same = prediction_powered_difference((one(judge), one(judge)), (one(human), one(human)), zero)
    assert (same.value, same.error) == (0, 0)
    assert math.isnan(same.lower), "nothing varies: no interval"
    shifted = prediction_powered_difference((one(judge + 2), one(judge)), (one(human + 2), one(human)), zero)
    assert (shifted.value, shifted.error) == (pytest.approx(2), pytest.approx(0, abs=1e-12))
    assert math.isnan(shifted.lower)


def test_a_difference_has_the_lambdas_of_least_error_and_counts_either_label():
    rng = np.random.default_rng(3)
    shared = rng.normal(size=400)
    people = shared + rng.normal(size=(2, 400))
    judge = people + 0.5 * rng.normal(size=(2, 400))
    human = np.where(np.arange(400) < [[50], [70]], people, math.nan)
    arguments = [tuple(map(torch.tensor, rows)) for rows in (judge, human)]
    found = prediction_powered_difference(*arguments, torch.arange(400))
    sides = [powered(judge[side], human[side]) for side in (0, 1)]
    fixed = prediction_powered_difference(*arguments, torch.arange(400), power=0.5)
    halves = [powered(judge[side], human[side], power=0.5) for side in (0, 1)]
    assert fixed.value == pytest.approx(halves[0].value - halves[1].value, abs=1e-12)
    assert found.error < fixed.error
    assert found.error < math.hypot(*(side.error for side in sides)), "what both share cancels"
    assert (found.scored, found.records, found.dialogues) == (70, 400, pytest.approx(50))


def test_what_cannot_be_used_is_refused():
    judge, human, dialogue = torch.zeros(4), torch.full((4,), math.nan), torch.arange(4)
    with pytest.raises(ValueError, match="`human` to hold 4 records"):
        prediction_powered_mean(judge, human[:3], dialogue)
    with pytest.raises(ValueError, match="`scores` to be known of every record, got NaN at row 2"):
        prediction_powered_mean(judge.index_fill(0, torch.tensor([2]), math.nan), human, dialogue)
    with pytest.raises(ValueError, match="`human` to be finite, got an infinity at row 1"):
        prediction_powered_mean(judge, human.index_fill(0, torch.tensor([1]), math.inf), dialogue)
    with pytest.raises(ValueError, match="`power` to be from 0 to 1"):
        prediction_powered_mean(judge, human, dialogue, power=1.5)
    with pytest.raises(ValueError, match="`level` to be between 0 and 1"):
        prediction_powered_mean(judge, human, dialogue, level=95)
    with pytest.raises(ValueError, match=r"`scores` to have shape \[N\]"):
        prediction_powered_mean(judge[:, None], human, dialogue)
