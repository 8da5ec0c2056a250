# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Differences of two models against statsmodels, scipy and numpy, and what follows from them: bounds of all, ranks."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

from imug_metrics.stats.bootstrap import poisson_weights
from imug_metrics.stats.comparison import (
    PairedDifference,
    compared_sums,
    independent_differences,
    paired_differences,
    rank_bounds,
    replicated_differences,
)
from imug_metrics.stats.planning import smallest_difference
from imug_metrics.stats.slopes import within_sums
from tests.metrics.interval_reference import effective, ratio_error, student_bounds

LENGTHS = {"equal": [4] * 12, "unequal": [1, 2, 2, 3, 5, 7, 4, 4, 1, 9]}
GAINS = (0.0, 0.1, 0.8)


def made(lengths: list[int], models: int, seed: int = 0, share: float = 0.5) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores `[models, N]` whose dialogues have effects of their own, part of them the same for all models."""
    rng = np.random.default_rng(seed)
    dialogue = np.repeat(np.arange(len(lengths)) * 7 - 20, lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    effects = share * rng.normal(size=len(lengths)) + rng.normal(size=(models, len(lengths)))
    gains = np.resize(GAINS, models)[:, None]
    return torch.from_numpy(gains + effects[:, owner] + rng.normal(size=(models, len(owner)))), torch.from_numpy(
        dialogue
    )


def close(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_dialogues_of_one_length_are_the_cluster_robust_regression_of_statsmodels(seed: int, level: float) -> None:
    scores, dialogue = made(LENGTHS["equal"], 2, seed)
    [found] = paired_differences(scores, dialogue, level)
    away = (scores[0] - scores[1]).numpy()
    fitted = sm.OLS(away, np.ones_like(away)).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue.numpy() + 99}, use_t=True
    )
    lower, upper = fitted.conf_int(1 - level)[0]
    pairs = [
        (found.value, fitted.params[0]),
        (found.error, fitted.bse[0]),
        (found.lower, lower),
        (found.upper, upper),
        (found.joint_lower, lower),
        (found.joint_upper, upper),
        (found.p, fitted.pvalues[0]),
    ]
    assert all(close(*pair) for pair in pairs), pairs
    assert (found.records, found.dialogues, found.reason) == (48, 12, "")


def test_one_record_a_dialogue_is_the_paired_test_of_scipy() -> None:
    scores, dialogue = made([1] * 25, 2)
    [found] = paired_differences(scores, dialogue)
    expected = stats.ttest_rel(*scores.numpy())
    bounds = expected.confidence_interval(0.95)
    assert close(found.value, float((scores[0] - scores[1]).mean()))
    assert close(found.p, expected.pvalue)
    assert close(found.lower, bounds.low)
    assert close(found.upper, bounds.high)


@pytest.mark.parametrize("seed", range(3))
def test_long_dialogues_weigh_by_their_records_and_leave_fewer_degrees_of_freedom(seed: int) -> None:
    scores, dialogue = made(LENGTHS["unequal"], 2, seed)
    [found] = paired_differences(scores, dialogue)
    away, counts = (scores[0] - scores[1]).numpy(), np.array(LENGTHS["unequal"])
    sums = np.array([part.sum() for part in np.split(away, counts.cumsum()[:-1])])
    error, dialogues = ratio_error(sums, counts), effective(counts)
    expected = student_bounds(sums.sum() / counts.sum(), error, counts)
    assert all(map(close, (found.value, found.lower, found.upper), expected))
    scaled = error * math.sqrt(dialogues / (dialogues - 1))
    assert close(found.error, scaled)
    assert close(found.p, 2 * stats.t.sf(abs(expected[0]) / scaled, dialogues - 1))


def test_only_records_that_both_have_are_compared() -> None:
    scores, dialogue = made(LENGTHS["unequal"], 3, seed=4)
    rng = torch.Generator().manual_seed(1)
    gone = torch.rand(scores.shape, generator=rng) < 0.3
    gone[0, dialogue == -20] = True  # a dialogue that model 0 lacks altogether
    scores = scores.masked_fill(gone, torch.nan)
    for found in paired_differences(scores, dialogue):
        both = ~(gone[found.first] | gone[found.second])
        [alone] = paired_differences(scores[[found.first, found.second]][:, both], dialogue[both])
        assert (found.records, found.dialogues) == (int(both.sum()), len(dialogue[both].unique()))
        assert all(map(close, found[2:6], alone[2:6]))


def test_what_only_one_model_has_changes_nothing() -> None:
    scores, dialogue = made(LENGTHS["equal"], 2)
    more = torch.cat([scores, torch.tensor([[9.0, torch.nan], [torch.nan, torch.nan]])], 1)
    [found], [wider] = (
        paired_differences(scores, dialogue),
        paired_differences(more, torch.cat([dialogue, dialogue[:2]])),
    )
    assert all(map(close, found[2:10], wider[2:10]))
    assert found[10:] == wider[10:]


def test_the_order_of_records_does_not_matter() -> None:
    scores, dialogue = made(LENGTHS["unequal"], 4)
    mixed = torch.randperm(len(dialogue), generator=torch.Generator().manual_seed(0))
    found, shuffled = paired_differences(scores, dialogue), paired_differences(scores[:, mixed], dialogue[mixed])
    for one, other in zip(found, shuffled, strict=True):
        assert all(map(close, one[:12], other[:12]))


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("seed", range(3))
def test_bounds_of_all_pairs_hold_those_of_each(kind: str, seed: int) -> None:
    scores, dialogue = made(LENGTHS[kind], 4, seed)
    for found in paired_differences(scores, dialogue):
        assert found.joint_lower < found.lower < found.value < found.upper < found.joint_upper
        assert close(found.joint_upper - found.value, found.value - found.joint_lower)


def test_the_joint_p_value_is_below_the_level_where_its_bounds_leave_out_zero() -> None:
    seen = set()
    for seed in range(8):
        for found in paired_differences(*made(LENGTHS["equal"], 4, seed, share=4.0)):
            if abs(found.p - 0.05) > 0.002:  # a replicate more or less
                assert (found.p < 0.05) == (found.leader is not None)
                seen.add(found.leader is not None)
    assert seen == {True, False}


@pytest.mark.parametrize("models", [2, 4])
def test_models_in_the_other_order_have_the_same_leader_and_the_opposite_difference(models: int) -> None:
    scores, dialogue = made(LENGTHS["unequal"], models, seed=3)
    scores[0] += 5
    turned = {(f.second, f.first): f for f in paired_differences(scores.flip(0), dialogue)}
    found = paired_differences(scores, dialogue)
    assert any(one.leader is not None for one in found)
    for one in found:
        other = turned[models - 1 - one.first, models - 1 - one.second]
        assert all(
            map(close, (one.value, one.lower, one.joint_lower), (-other.value, -other.upper, -other.joint_upper))
        )
        assert all(map(close, (one.error, one.p, one.smallest), (other.error, other.p, other.smallest)))
        assert one.leader == (None if other.leader is None else models - 1 - other.leader)


def test_models_of_one_difference_in_all_dialogues_have_no_leader_but_a_reason() -> None:
    scores, dialogue = made(LENGTHS["equal"], 1)
    for away in (0.0, 0.5):
        [found] = paired_differences(torch.cat([scores, scores - away]), dialogue)
        assert found.value == pytest.approx(away)
        assert all(map(math.isnan, (*found[3:10],))), "no error, no bounds, no p and no smallest difference"
        assert found.leader is None
        assert "the same in all dialogues" in found.reason


def test_a_pair_of_equals_does_not_keep_the_others_from_being_told_apart() -> None:
    scores, dialogue = made(LENGTHS["equal"], 2)
    far = torch.stack([scores[0], scores[0], scores[1] - 9])
    equal, one, other = paired_differences(far, dialogue)
    assert equal.reason
    assert math.isnan(equal.joint_lower)
    assert (one.leader, other.leader) == (0, 1)
    assert rank_bounds([equal, one, other], 3) == [(1, 2), (1, 2), (3, 3)]


def test_too_few_dialogues_give_a_value_and_a_reason() -> None:
    scores, _ = made([3], 3)
    for found in paired_differences(scores, torch.zeros(3, dtype=torch.int64)):
        assert found.value == pytest.approx(float((scores[found.first] - scores[found.second]).mean()))
        assert all(map(math.isnan, found[3:10]))
        assert found.reason == "fewer than 2 effective dialogues carry it"
        assert found.leader is None


def test_without_a_record_in_common_nothing_is_known() -> None:
    scores = torch.tensor([[1.0, 2.0, torch.nan, torch.nan], [torch.nan, torch.nan, 1.0, 3.0], [1.0, 3.0, 2.0, 5.0]])
    found = paired_differences(scores, torch.arange(4))[0]
    assert all(map(math.isnan, found[2:10]))
    assert (found.records, found.dialogues, found.reason) == (0, 0, "it is undefined")
    [none] = paired_differences(torch.zeros(2, 0), torch.zeros(0, dtype=torch.int64))
    assert math.isnan(none.value)
    assert none.reason == "it is undefined"


def test_the_smallest_difference_is_that_of_the_plan() -> None:
    scores, dialogue = made(LENGTHS["equal"], 4)
    [alone] = paired_differences(scores[:2], dialogue, 0.9, power=0.7)
    assert alone.smallest == pytest.approx(smallest_difference(alone.error, 12, 0.9, 0.7), rel=1e-9)
    [first, *_] = paired_differences(scores, dialogue, 0.9, power=0.7)
    together = smallest_difference(first.error, 12, 0.9, 0.7, comparisons=6)
    assert alone.smallest < first.smallest < 1.1 * together, "about as Bonferroni's, and sharper where pairs share luck"


def within_reference(x: Any, y: Any, owner: Any) -> Any:
    """The fixed-effects regression of statsmodels, by cluster and without a factor for small samples."""
    centred = [
        values
        - np.array([values[owner == one].mean() for one in np.unique(owner)])[np.searchsorted(np.unique(owner), owner)]
        for values in (x, y)
    ]
    return sm.OLS(centred[1], centred[0]).fit(cov_type="cluster", cov_kwds={"groups": owner, "use_correction": False})


def test_slopes_are_compared_from_sums_of_products_and_squares() -> None:
    scores, _ = made(LENGTHS["unequal"], 3)
    lengths = np.array(LENGTHS["unequal"])
    turn = torch.from_numpy(np.concatenate([np.arange(1.0, n + 1) for n in lengths]))
    offsets = torch.from_numpy(np.concatenate([[0], lengths.cumsum()]))
    pairs, every = list(combinations(range(3), 2)), torch.ones_like(turn).bool()
    sums = [within_sums(turn, scores[a] - scores[b], every, offsets) for a, b in pairs]
    above, below = (torch.stack(parts) for parts in zip(*sums, strict=True))
    ids, owner = torch.arange(len(lengths)), np.repeat(np.arange(len(lengths)), lengths)
    for found in compared_sums(above, below, poisson_weights(ids, 500), pairs):
        fitted = within_reference(turn.numpy(), (scores[found.first] - scores[found.second]).numpy(), owner)
        weights = lengths * (lengths**2 - 1) / 12  # sum of squares of 1, 2, ..., n about their mean
        expected = student_bounds(fitted.params[0], fitted.bse[0], weights)
        assert all(map(close, (found.value, found.lower, found.upper), expected))
        assert found.dialogues == int((lengths > 1).sum()), "dialogues of one turn say nothing of a slope"


def difference(first: int, second: int, lower: float, upper: float) -> PairedDifference:
    return PairedDifference(first, second, 0, 1, lower, upper, lower, upper, 0.5, 1, 9, 9, "")


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([(1, 2), (1, 2), (1, 2)], [(1, 1), (2, 2), (3, 3)]),
        ([(-2, -1), (-2, -1), (-2, -1)], [(3, 3), (2, 2), (1, 1)]),
        ([(-1, 1), (-1, 1), (-1, 1)], [(1, 3), (1, 3), (1, 3)]),
        ([(-1, 1), (1, 2), (-1, 1)], [(1, 2), (1, 3), (2, 3)]),
        ([(1, 2), (1, 2), (-1, 1)], [(1, 1), (2, 3), (2, 3)]),
        ([(0, 1), (-1, 0), (math.nan, math.nan)], [(1, 3), (1, 3), (1, 3)]),
    ],
)
def test_ranks_follow_from_who_is_ahead_for_certain(bounds: list[Any], expected: list[Any]) -> None:
    found = [difference(*pair, *ends) for pair, ends in zip(combinations(range(3), 2), bounds, strict=True)]
    assert rank_bounds(found, 3) == expected
    turned = [(4 - last, 4 - first) for first, last in expected]
    assert rank_bounds(found, 3, higher_is_better=False) == turned, "the last rank is the first where lower is better"


def test_no_difference_leaves_every_rank_open() -> None:
    assert rank_bounds([], 2) == [(1, 2), (1, 2)]


def test_true_ranks_lie_within_the_bounds_as_often_as_the_level_says() -> None:
    held, times = 0, 60
    for seed in range(times):
        scores, dialogue = made([2] * 30, 3, seed)  # truth: 0, 0.1 and 0.8
        ranks = rank_bounds(paired_differences(scores, dialogue, 0.9, replicates=300, seed=seed), 3)
        held += all(low <= rank <= high for rank, (low, high) in zip((3, 2, 1), ranks, strict=True))
    assert held / times > 0.8
    assert any(a != b for a, b in pairwise(ranks)), "the bounds say something"


@pytest.mark.parametrize("models", [2, 3])
def test_replicates_alone_come_to_the_same_as_rows(models: int) -> None:
    scores, _ = made([1, 2, 3] * 60, models, seed=5)
    counts = np.array([1, 2, 3] * 60)
    ids = torch.arange(180)
    dialogue = ids.repeat_interleave(torch.from_numpy(counts))
    drawn = poisson_weights(ids, 8000, seed=11)[dialogue]
    values, replicates = scores.mean(1), scores @ drawn / drawn.sum(0)
    pairs = list(combinations(range(models), 2))
    few = replicated_differences(values, replicates, torch.full((models,), effective(counts)).double(), pairs)
    for found, expected in zip(few, paired_differences(scores, dialogue), strict=True):
        assert close(found.value, expected.value)
        assert found.error == pytest.approx(expected.error, rel=0.04)
        width = expected.joint_upper - expected.joint_lower
        assert found.lower == pytest.approx(expected.lower, abs=0.04 * width)
        assert found.joint_lower == pytest.approx(expected.joint_lower, abs=0.05 * width)
        assert found.p == pytest.approx(expected.p, abs=0.03)
        assert found.smallest == pytest.approx(expected.smallest, rel=0.08)
        assert (found.records, found.dialogues) == (0, round(effective(counts)))
        assert found.leader == expected.leader


@pytest.mark.parametrize(
    ("scores", "dialogue", "message"),
    [
        (torch.zeros(1, 3), torch.arange(3), r"two models or more, got \[1, 3\]"),
        (torch.zeros(3), torch.arange(3), r"two models or more, got \[3\]"),
        (torch.zeros(2, 3), torch.arange(4), r"`dialogue` to have shape \[3\], got \[4\]"),
    ],
)
def test_what_is_no_table_of_models_is_refused(scores: torch.Tensor, dialogue: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_differences(scores, dialogue)


@pytest.mark.parametrize("models", [2, 3])
@pytest.mark.parametrize("dialogues", [3, 4, 8])
def test_differences_reach_no_further_than_scores_can_lie_apart(models: int, dialogues: int) -> None:
    """One model is nearly always right and the others hardly ever, over few dialogues."""
    scores = torch.zeros(models, dialogues)
    scores[0], scores[0, 0], scores[1, 1] = 1.0, 0.5, 0.5
    free, kept = (paired_differences(scores, torch.arange(dialogues), widest=widest) for widest in (math.inf, 1.0))
    assert max(pair.joint_upper for pair in free) > 1
    for without, pair in zip(free, kept, strict=True):
        for ends in ((pair.lower, pair.upper), (pair.joint_lower, pair.joint_upper)):
            assert all(math.isnan(end) or -1 <= end <= 1 for end in ends)
            assert math.isnan(ends[0]) or ends[0] <= pair.value <= ends[1]
        assert (pair.p, pair.leader) == pytest.approx((without.p, without.leader), nan_ok=True)
        assert pair.smallest == pytest.approx(without.smallest, nan_ok=True)


@pytest.mark.parametrize(("sizes", "spreads"), [((20, 35), (1.0, 2.0)), ((5, 200), (3.0, 0.1)), ((40, 40), (1.0, 1.0))])
def test_two_models_without_rows_are_compared_as_by_welchs_test(
    sizes: tuple[int, int], spreads: tuple[float, float]
) -> None:
    rng = np.random.default_rng(sum(sizes))
    first, second = (rng.normal(0.3 * place, spread, size) for place, (size, spread) in enumerate(zip(sizes, spreads)))
    value = torch.tensor([first.mean(), second.mean()])
    error = torch.tensor([part.std(ddof=1) / math.sqrt(len(part)) for part in (first, second)])
    found = independent_differences(value, error, torch.tensor(sizes).double(), [(0, 1)])
    expected = stats.ttest_ind(first, second, equal_var=False)
    lower, upper = expected.confidence_interval()
    for mine, theirs in ((found.p, expected.pvalue), (found.lower, lower), (found.upper, upper)):
        assert close(mine.item(), float(theirs))


def test_independent_differences_of_many_hold_together_and_leave_out_unknown_errors() -> None:
    value, error = torch.tensor([0.0, 0.1, 0.5]).double(), torch.tensor([0.02, 0.02, math.nan]).double()
    pairs = list(combinations(range(3), 2))
    found = independent_differences(value, error, torch.full((3,), 30.0).double(), pairs)
    alone = independent_differences(value[:2], error[:2], torch.full((2,), 30.0).double(), [(0, 1)])
    assert close(found.p[0].item(), alone.p[0].item()), "pairs that cannot be compared are not counted"
    assert found.p[1:].isnan().all()
    assert found.lower[1:].isnan().all()
