# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What adds to the variance of a judge's score, against planted parts and against means that are drawn anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.stats.judge_variance import judge_variance, judges_worth, mean_variance

PARTS = {"dialogue": 0.5, "record": 0.3, "judge": 0.4, "taste": 0.2, "repeat": 0.1}


def drawn(seed: int, dialogues: int, records: int, judges: int, repeats: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    shape = dialogues * records, judges, repeats

    def normal(name: str, *size: int) -> np.ndarray:
        return random.normal(0, math.sqrt(PARTS[name]), size)

    owner = np.repeat(np.arange(dialogues), records)
    scores = normal("dialogue", dialogues)[owner, None, None] + normal("record", shape[0], 1, 1)
    scores = scores + normal("judge", 1, judges, 1) + normal("taste", shape[0], judges, 1) + normal("repeat", *shape)
    return torch.tensor(scores), torch.tensor(owner)


def test_planted_parts_are_found_on_average() -> None:
    found = [judge_variance(*drawn(seed, 60, 3, 8, 2)) for seed in range(40)]
    for name, value in PARTS.items():
        mean = np.mean([one[name] for one in found])
        assert mean == pytest.approx(value, rel=0.25), name


def test_what_nothing_tells_is_nan_and_what_falls_below_zero_is_zero() -> None:
    one_repeat = judge_variance(*drawn(0, 40, 3, 4, 1))
    assert math.isnan(one_repeat["repeat"])
    assert one_repeat["taste"] == pytest.approx(PARTS["taste"] + PARTS["repeat"], rel=0.4)
    alone = judge_variance(*drawn(1, 60, 1, 4, 2))
    assert math.isnan(alone["record"])
    assert alone["dialogue"] == pytest.approx(PARTS["dialogue"] + PARTS["record"], rel=0.6)
    assert all(map(math.isnan, judge_variance(torch.rand(5, 1, 2), torch.arange(5)).values()))
    same = judge_variance(torch.rand(9, 1, 1).expand(9, 3, 2), torch.arange(9))
    assert (same["judge"], same["taste"], same["repeat"]) == pytest.approx((0, 0, 0))


def test_the_variance_of_a_mean_is_that_of_means_drawn_anew() -> None:
    means = []
    for seed in range(400):
        scores, _ = drawn(seed, 20, 2, 3, 2)
        means.append(float((scores - scores.mean((0, 2), keepdim=True)).mean() + scores.mean()))
    level = PARTS["judge"] / 3  # which all models share
    expected = mean_variance(PARTS, judges=3, repeats=2, dialogues=20, records=2) + level
    assert np.var(means) == pytest.approx(expected, rel=0.25)


def test_more_judges_are_worth_more_than_repeats_of_one() -> None:
    found = judges_worth(PARTS, dialogues=20, records=2)
    assert found[1, 1] == 1
    assert found[3, 1] < found[1, 3] < 1
    unknown = judges_worth({**PARTS, "repeat": math.nan}, dialogues=20, records=2)
    assert math.isnan(unknown[1, 3])
    assert not math.isnan(unknown[3, 1])
