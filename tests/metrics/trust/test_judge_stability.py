# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`JudgeStability` against scipy, and on judges that are known."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics import JudgeStability
from imug_metrics.functional import judge_stability
from tests.metrics import cases

MODELS, JUDGES = ("m", "n", "o"), ("a", "b")
CASES = {
    "jury": cases.Case(lambda **k: JudgeStability(MODELS, JUDGES, **k), cases.juries, refuses=("missing",)),
}


def _values(scores: np.ndarray, judges: tuple[str, ...], bootstrap: int = 0) -> dict[str, float]:
    metric = JudgeStability([f"m{row}" for row in range(scores.shape[1])], judges, detail=True, bootstrap=bootstrap)
    metric.update(torch.as_tensor(scores), dialogue=[*range(len(scores))], turn=[1] * len(scores))
    found = metric.compute()
    assert isinstance(found, dict)
    return {key.removeprefix("judge_stability"): float(value) for key, value in found.items()}


@pytest.mark.parametrize("seed", range(4))
def test_against_kendalltau_with_ties_and_gaps(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, 3, (3, 5, 4)).astype(float)
    scores[random.random(scores.shape) < 0.05] = np.nan
    found = _values(scores, tuple("abcd"))
    whole = ~np.isnan(scores).any(2, keepdims=True)
    means = np.where(whole, scores, 0).sum(0) / whole.sum(0)
    taus = {pair: stats.kendalltau(*means[:, pair].T).statistic for pair in combinations(range(4), 2)}
    assert found[""] == pytest.approx(np.nanmean([*taus.values()]))
    for judge, name in enumerate("abcd"):
        assert found[f"_tau_{name}"] == pytest.approx(np.nanmean([tau for pair, tau in taus.items() if judge in pair]))
    best = [frozenset(np.flatnonzero(column == column.max())) for column in means.T]
    assert found["_top"] == pytest.approx(np.mean([one == other for one, other in combinations(best, 2)]))
    assert float(judge_stability(scores)) == pytest.approx(found[""])
    assert found["_judged"] == pytest.approx(whole.sum() / (~np.isnan(scores)).any(2).sum())


def test_judges_that_differ_in_scale_and_not_in_order_are_stable() -> None:
    random = np.random.default_rng(1)
    quality = np.array([0.2, 0.4, 0.6, 0.8]) + random.normal(0, 0.2, (80, 4))
    scores = np.stack([quality, 0.1 + 0.5 * quality, np.exp(0.1 * quality) - 3], 2)
    found = _values(scores, tuple("abc"))
    assert (found[""], found["_top"]) == (1, 1)
    assert [found[f"_tau_{name}"] for name in "abc"] == [1, 1, 1]


def test_the_judge_that_orders_by_length_is_named() -> None:
    random = np.random.default_rng(2)
    quality, length = np.array([0.2, 0.4, 0.6, 0.8]), np.array([0.8, 0.6, 0.4, 0.2])
    noise = random.normal(0, 0.2, (80, 4, 3))
    found = _values(np.stack([quality, quality, length], 1) + noise, ("first", "second", "by_length"))
    apart = {name: found[f"_tau_{name}"] for name in ("first", "second", "by_length")}
    assert min(apart, key=apart.__getitem__) == "by_length"
    assert apart["by_length"] < -0.9 < apart["first"]
    assert found[""] == pytest.approx(-1 / 3)


def test_the_interval_holds_what_many_dialogues_show() -> None:
    random = np.random.default_rng(3)
    quality = np.array([0.3, 0.5, 0.7])
    inside = 0
    for _ in range(60):
        scores = quality[:, None] + random.normal(0, 0.3, (40, 3, 3)) + random.normal(0, 0.3, (40, 1, 1))
        found = _values(scores, tuple("abc"), bootstrap=200)
        known = not math.isnan(found["_lower"])
        inside += found["_lower"] <= 1 <= found["_upper"] if known else found[""] == 1
    assert inside >= 54


@pytest.mark.parametrize(
    ("models", "judges"), [(["m"], ["a", "b"]), (["m", "n"], ["a"]), (["m", "m"], ["a", "b"]), ("mn", ["a", "b"])]
)
def test_names_have_to_be_two_or_more(models: list[str], judges: list[str]) -> None:
    with pytest.raises(ValueError, match="expected two different names or more"):
        JudgeStability(models, judges)


def test_other_shapes_are_refused() -> None:
    metric = JudgeStability(MODELS, JUDGES)
    with pytest.raises(ValueError, match=r"`scores` to have shape \[N, 3, 2\]"):
        metric.update(torch.rand(4, 2, 3), dialogue=[1, 2, 3, 4], turn=[1] * 4)
    with pytest.raises(ValueError, match="expected one of"):
        judge_stability(torch.rand(4, 2, 3), "rho")


def test_a_judge_without_an_order_has_no_say() -> None:
    scores = torch.tensor([[[0.2, 0.5, 0.1], [0.4, 0.5, 0.3]]])
    assert float(judge_stability(scores)) == 1
    assert judge_stability(scores[..., :2]).isnan()
    assert judge_stability(scores[:, :1]).isnan()
