# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ROC curves against scikit-learn, and every predicted accuracy against drawing candidates one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor

from imug_metrics.functional import rejection_sampling, verified_accuracy, verifier_curve
from imug_metrics.functional.scaling.verifier_curve import score_bins

DRAWS = 200_000


def pool(ties: bool, base: float = 0.2, count: int = 4000) -> tuple[Tensor, Tensor]:
    """Scores of right and wrong candidates from overlapping distributions."""
    generator = torch.Generator().manual_seed(1)
    target = (torch.rand(count, generator=generator) < base).double()
    scores = torch.randn(count, generator=generator, dtype=torch.float64) + 1.2 * target
    return ((scores * 2).round() / 2 if ties else scores), target


def drawn(scores: Tensor, target: Tensor, n: int) -> tuple[float, float]:
    """Share of right ones among the highest scored of n candidates drawn from a pool, and its standard error."""
    generator = torch.Generator().manual_seed(n)
    rows = torch.randint(0, len(scores), (DRAWS, n), generator=generator)
    right = target[rows.gather(1, scores[rows].argmax(1, keepdim=True))[:, 0]]  # the order of equal ones is random
    return right.mean().item(), (right.std() / DRAWS**0.5).item()


@pytest.mark.parametrize("ties", [False, True])
def test_curve_is_that_of_scikit_learn(ties: bool) -> None:
    scores, target = pool(ties)
    roc = verifier_curve(scores, target)
    false_accept, true_accept, threshold = roc_curve(target, scores, drop_intermediate=False)
    np.testing.assert_allclose(roc.false_accept, false_accept, atol=1e-12)
    np.testing.assert_allclose(roc.true_accept, true_accept, atol=1e-12)
    np.testing.assert_allclose(roc.threshold, threshold)
    assert roc.auroc.item() == pytest.approx(roc_auc_score(target, scores), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_best_of_n_accuracy_is_what_drawing_gives(n: int, ties: bool) -> None:
    scores, target = pool(ties)
    roc = verifier_curve(scores, target)
    found = verified_accuracy(roc.base, roc.true_accept, roc.false_accept, n).item()
    expected, error = drawn(scores, target, n)
    assert abs(found - expected) < 4 * error


def test_the_published_formula_is_not_what_drawing_gives() -> None:
    """With (1 - pi)^N in front of the integral the accuracy is far too high; N (1 - pi) is right."""
    scores, target = pool(ties=False)
    roc = verifier_curve(scores, target)
    n, pi = 4, roc.base
    right = verified_accuracy(pi, roc.true_accept, roc.false_accept, n)
    integral = (1 - right) / (n * (1 - pi))
    published = 1 - n * (1 - pi) ** n * integral
    expected, error = drawn(scores, target, n)
    assert abs(right - expected) < 4 * error
    assert abs(published - expected) > 40 * error


def test_the_integral_is_that_of_the_formula() -> None:
    """A smooth curve T = F^(1/3), integrated on a fine grid."""
    f = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    t, pi = f ** (1 / 3), 0.3
    for n in (1, 3, 10):
        psi = (1 - pi) * (1 - f) + pi * (1 - t)
        expected = 1 - n * (1 - pi) * torch.trapezoid(psi ** (n - 1), f)
        assert verified_accuracy(pi, t, f, n).item() == pytest.approx(expected.item(), abs=2e-4)


def test_rejection_sampling_is_what_drawing_gives() -> None:
    scores, target = pool(ties=False)
    threshold = 1.5
    accepted = scores >= threshold
    t, f = accepted[target == 1].double().mean(), accepted[target == 0].double().mean()
    accuracy, tries = rejection_sampling(target.mean(), t, f)
    rows = torch.randint(0, len(scores), (20_000, 200), generator=torch.Generator().manual_seed(2))
    first = accepted[rows].int().argmax(1)
    assert bool(accepted[rows].any(1).all())
    right = target[rows.gather(1, first[:, None])[:, 0]]
    assert accuracy.item() == pytest.approx(right.mean().item(), abs=4 * (right.std() / 20_000**0.5).item())
    needed = 1 + first.double()
    assert tries.item() == pytest.approx(needed.mean().item(), abs=4 * (needed.std() / 20_000**0.5).item())


def test_the_ceiling_is_the_limit_of_many_candidates() -> None:
    scores, target = pool(ties=True)
    roc = verifier_curve(scores, target)
    found = verified_accuracy(roc.base, roc.true_accept, roc.false_accept, [1e6, 1e9, float("inf")])
    top = target[scores == scores.max()].mean()
    torch.testing.assert_close(found, top.expand(3), rtol=1e-6, atol=1e-6)
    assert verified_accuracy(roc.base, roc.true_accept, roc.false_accept, 1).item() == pytest.approx(roc.base.item())


def test_a_verifier_that_accepts_nothing() -> None:
    accuracy, tries = rejection_sampling(0.5, 0.0, 0.0)
    assert accuracy.isnan()
    assert tries.isinf()


def test_without_one_kind_the_shares_are_undefined() -> None:
    roc = verifier_curve([0.1, 0.2], [1, 1])
    assert roc.auroc.isnan()
    assert roc.false_accept[1:].isnan().all()
    assert roc.base == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([0.1], [1, 0]), "`target` to have the shape of `scores`"), (([0.1], [2]), "`target` to hold 0 and 1")],
)
def test_wrong_labels_are_refused(arguments: tuple[object, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        verifier_curve(*arguments)


@pytest.mark.parametrize("shares", [(1.5, 0.5, 0.5), (0.5, -0.1, 0.5), (0.5, 0.5, 1.1)])
def test_shares_beyond_their_range_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        rejection_sampling(*shares)


def test_wrong_curves_and_numbers_are_refused() -> None:
    curve = torch.tensor([0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match="`n` to be >= 1"):
        verified_accuracy(0.5, curve, curve, [2, torch.nan])
    with pytest.raises(ValueError, match="run from"):
        verified_accuracy(0.5, curve[:2], curve[:2], 2)
    with pytest.raises(ValueError, match="`n` to be >= 1"):
        verified_accuracy(0.5, curve, curve, 0)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.uint8, torch.float32])
def test_bins_count_no_candidate_that_is_not_there(dtype: torch.dtype) -> None:
    scores = torch.tensor([[0.1, 0.9, torch.nan]])
    right, wrong = score_bins(scores, torch.tensor([[0, 1, 1]]).to(dtype), 0, 1, 2)
    assert (right.tolist(), wrong.tolist()) == ([[0, 1]], [[1, 0]])
