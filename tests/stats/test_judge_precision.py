# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Grubbs' estimates of noise against plain loops, and the mean that they weigh."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from imug_metrics.stats.judge_precision import judge_weights, noise_variances, weighted_scores


def planted(seed: int, noise: tuple[float, ...], count: int = 2000) -> tuple[torch.Tensor, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.random(count)
    return torch.tensor(truth[:, None] + random.normal(0, noise, (count, len(noise)))), truth


def test_against_plain_loops() -> None:
    scores, _ = planted(0, (0.1, 0.2, 0.3, 0.4), count=60)
    values = scores.numpy()
    judges = values.shape[1]
    spread = {pair: np.var(values[:, pair[0]] - values[:, pair[1]], ddof=1) for pair in combinations(range(judges), 2)}
    total = sum(spread.values())
    expected = [
        (sum(v for pair, v in spread.items() if j in pair) - total / (judges - 1)) / (judges - 2) for j in range(judges)
    ]
    assert noise_variances(scores).tolist() == pytest.approx(expected)


def test_planted_noise_is_found() -> None:
    scores, _ = planted(1, (0.1, 0.2, 0.4))
    assert noise_variances(scores).sqrt().tolist() == pytest.approx([0.1, 0.2, 0.4], abs=0.03)


@pytest.mark.parametrize("noise", [(0.1, 0.1, 0.1), (0.05, 0.4, 0.4), (0.3, 0.3, 0.3, 0.3), (0.1, 0.2, 0.3, 0.6, 0.9)])
def test_the_weighted_mean_is_as_near_the_truth_as_the_plain_one_or_nearer(noise: tuple[float, ...]) -> None:
    scores, truth = planted(2, noise)
    weighted = np.sqrt(((weighted_scores(scores, judge_weights(scores)).numpy() - truth) ** 2).mean())
    plain = np.sqrt(((scores.mean(1).numpy() - truth) ** 2).mean())
    assert weighted <= plain * 1.02
    if max(noise) > 2 * min(noise):
        assert weighted < plain * 0.8


def test_a_score_that_is_missing_makes_no_row_look_better() -> None:
    truth = torch.linspace(0, 1, 50, dtype=torch.float64)
    scores = torch.stack([truth, truth + 0.2], 1)  # the second judge is milder
    scores[::5, 0] = torch.nan
    scores[1::5, 1] = torch.nan
    found = weighted_scores(scores, torch.tensor([0.5, 0.5]))
    assert found.tolist() == pytest.approx((truth + 0.1).tolist())


def test_nobody_can_tell_of_two_judges_or_of_those_that_always_agree() -> None:
    assert noise_variances(torch.rand(9, 2)).isnan().all()
    assert noise_variances(torch.rand(1, 3)).isnan().all()
    for scores in (torch.rand(9, 2), torch.rand(9, 1).expand(9, 4), torch.full((4, 3), torch.nan)):
        judges = scores.shape[1]
        assert judge_weights(scores).tolist() == pytest.approx([1 / judges] * judges)
    assert weighted_scores(torch.full((2, 3), torch.nan), torch.full((3,), 1 / 3)).isnan().all()
