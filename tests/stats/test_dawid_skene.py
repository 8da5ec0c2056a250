# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dawid and Skene's model against a plain one in numpy, and against the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imug_metrics.stats.dawid_skene import dawid_skene


def plain(answers: np.ndarray, steps: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, sensitivities and specificities by loops."""
    probability = np.nanmean(answers, 1)
    judges = range(answers.shape[1])
    for _ in range(steps):
        yes, no, prior = [], [], (probability.sum() + 1) / (len(probability) + 2)
        for j in judges:
            here = ~np.isnan(answers[:, j])
            p, a = probability[here], answers[here, j]
            yes.append(((p * a).sum() + 1) / (p.sum() + 1))
            no.append((((1 - p) * (1 - a)).sum() + 1) / ((1 - p).sum() + 1))
        yes, no = np.clip(yes, 1e-6, 1 - 1e-6), np.clip(no, 1e-6, 1 - 1e-6)
        updated = []
        for row in answers:
            here = ~np.isnan(row)
            up = prior * np.prod(np.where(row == 1, yes, 1 - np.asarray(yes))[here])
            down = (1 - prior) * np.prod(np.where(row == 0, no, 1 - np.asarray(no))[here])
            updated.append(up / (up + down))
        probability = np.array(updated)
    return probability, np.asarray(yes), np.asarray(no)


def planted(seed: int, right: tuple[float, ...], count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.random(count) < 0.6
    correct = random.random((count, len(right))) < np.array(right)
    return np.where(correct, truth[:, None], ~truth[:, None]).astype(float), truth


@pytest.mark.parametrize("seed", range(3))
def test_against_plain_loops_with_missing_answers(seed: int) -> None:
    answers, _ = planted(seed, (0.9, 0.7, 0.8, 0.65))
    answers[np.random.default_rng(seed).random(answers.shape) < 0.2] = np.nan
    answers[np.isnan(answers).all(1), 0] = 1.0
    found = dawid_skene(torch.tensor(answers))
    probability, yes, no = plain(answers)
    assert found.probability.numpy() == pytest.approx(probability, abs=1e-4)
    assert found.sensitivity.numpy() == pytest.approx(yes, abs=1e-4)
    assert found.specificity.numpy() == pytest.approx(no, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_it_beats_the_best_judge_where_several_are_nearly_as_good(seed: int) -> None:
    answers, truth = planted(seed, (0.8, 0.77, 0.75, 0.73, 0.7), count=800)
    found = dawid_skene(torch.tensor(answers))
    right = ((found.probability.numpy() > 0.5) == truth).mean()
    assert right > (answers == truth[:, None]).mean(0).max() + 0.02
    assert found.sensitivity.numpy() == pytest.approx((0.8, 0.77, 0.75, 0.73, 0.7), abs=0.12)


@pytest.mark.parametrize("seed", range(5))
def test_it_beats_the_majority_where_one_judge_is_far_better(seed: int) -> None:
    answers, truth = planted(seed, (0.95, 0.8, 0.6, 0.6, 0.55), count=800)
    right = ((dawid_skene(torch.tensor(answers)).probability.numpy() > 0.5) == truth).mean()
    assert right > ((answers.mean(1) > 0.5) == truth).mean() + 0.03


def test_yes_and_no_do_not_change_places() -> None:
    answers, truth = planted(9, (0.8, 0.8, 0.8))
    assert ((dawid_skene(torch.tensor(answers)).probability.numpy() > 0.5) == truth).mean() > 0.85
    assert (dawid_skene(torch.tensor(1 - answers)).sensitivity > 0.5).all()


def test_rows_without_answers_and_judges_who_always_say_the_same() -> None:
    answers = torch.tensor([[1.0, 1, 1], [torch.nan, torch.nan, torch.nan], [1, 0, 1], [1, 0, 0]])
    found = dawid_skene(answers)
    assert found.probability.isnan().tolist() == [False, True, False, False]
    assert found.probability[0] > found.probability[3]
    assert dawid_skene(torch.zeros(0, 3)).probability.shape == (0,)


@pytest.mark.parametrize("answers", [torch.zeros(3), torch.zeros(3, 2), torch.full((2, 3), 0.5)])
def test_anything_else_is_refused(answers: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="Expected argument `answers`"):
        dawid_skene(answers)
