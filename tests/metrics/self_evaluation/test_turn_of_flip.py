# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnOfFlip against statsmodels' survival function, tables worked by hand, and simulated dialogues of known hazard."""

import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from statsmodels.duration.survfunc import SurvfuncRight

from imug_metrics import TurnOfFlip
from imug_metrics.stats import component_weights, delta_spread, interval, packed_moments, unpack_moments
from imug_metrics.stats.survival import kaplan_meier, restricted_mean
from tests.metrics import cases
from tests.metrics.interval_reference import bounds_of, log_bounds, ratio_error, student_bounds

CASES = {
    "turn-of-flip": cases.Case(TurnOfFlip, cases.stances),
}

HAZARD = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])


def simulate(seed: int, dialogues: int) -> tuple[np.ndarray, np.ndarray]:
    """Turns held and length of each dialogue; those that hold to the end are censored there."""
    generator = np.random.default_rng(seed)
    flips_now = generator.random((dialogues, 6)) < HAZARD
    lengths = generator.integers(1, 7, dialogues)
    held = np.where(flips_now.any(1), flips_now.argmax(1), 6)
    return np.minimum(held, lengths), lengths


def stances(held: np.ndarray, lengths: np.ndarray) -> list[list[int]]:
    return [[int(t < h) for t in range(n)] for h, n in zip(held, lengths)]


def test_table_worked_by_hand() -> None:
    #   held 1, then back; held 3 or more; held 2; never held; held 1 or more
    table = [[1, 0, 1], [1, 1, 1], [1, 1, 0], [0, 0], [1]]
    metric = TurnOfFlip(detail=True)
    metric.update(table)
    found = {key.removeprefix("turn_of_flip"): value.item() for key, value in metric.compute().items()}
    survival = [4 / 5, 4 / 5 * 2 / 3, 4 / 5 * 2 / 3 * 1 / 2]  # at risk 5, 3, 2; flips 1, 1, 1
    expected = {
        "_turn_1": survival[0],
        "_turn_2": survival[1],
        "_turn_3": survival[2],
        "": sum(survival),
        "_observed": (1 + 3 + 2 + 0 + 1) / 5,
        "_censored": 2 / 5,
        "_flips": (2 + 0 + 1 + 0 + 0) / 5,
        "_flip_rate": 3 / 7,
        "_aligned": 8 / 12,
        "_aligned_turn_2": 2 / 4,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    assert math.isnan(found["_turn_4"])


def test_curve_and_greenwood_interval_equal_statsmodels() -> None:
    held, lengths = simulate(3, 120)
    metric = TurnOfFlip(detail=True)
    lists = stances(held, lengths)
    for part in (slice(0, 50), slice(50, None)):
        metric.update(lists[part], dialogue=list(range(120))[part])
    found = metric.compute()
    flipped = held < lengths
    reference = SurvfuncRight(np.where(flipped, held + 1, lengths), flipped.astype(int))
    before = 1.0
    for turn, survival, error in zip(reference.surv_times.astype(int), reference.surv_prob, reference.surv_prob_se):
        watched = ((held >= turn - 1) & (lengths >= turn)).sum() / before  # as many as had none been censored before
        variance = error**2 * watched / (watched - 1)
        own = min(variance / (survival * (1 - survival) / watched), 1.0)
        events = min(survival, 1 - survival) * watched / own
        records = watched * (events + 3) / (events * own + 3)
        exact = float(special.betaincinv(survival * records + 1, records - survival * records, 0.975))
        t = stats.t.ppf(0.975, watched - 1)
        roots = np.sort(np.roots([1 + t**2 / records, -2 * survival - t**2 / records, survival**2]).real)
        upper = max(roots[1], exact) if survival > 0.5 else roots[1]
        expected = [survival, roots[0], upper]
        if survival < 0.5:
            lower = float(special.betaincinv(survival * records, records - survival * records + 1, 0.025))
            expected[1] = min(roots[0], lower)
        assert bounds_of(found, f"turn_of_flip_turn_{turn}") == pytest.approx(expected, abs=1e-10)
        before = survival


def test_a_point_that_one_dialogue_alone_reaches_has_no_bounds() -> None:
    metric = TurnOfFlip(detail=True)
    metric.update([[1, 1], [1, 0], [1, 1], [1, 1, 1, 1]])
    found = metric.compute()
    assert found["turn_of_flip_turn_4"].item() == 0.75
    assert not found["turn_of_flip_turn_2_lower"].isnan()
    assert found["turn_of_flip_turn_4_lower"].isnan()
    assert metric.reasons["turn_of_flip_turn_4"] == "fewer than 2 effective dialogues carry it"


def test_dialogues_of_one_length_give_the_plain_mean() -> None:
    generator = np.random.default_rng(0)
    table = (generator.random((50, 5)) < 0.8).astype(int)
    plain = table.cumprod(1).sum(1).mean()
    metric = TurnOfFlip(detail=True)
    metric.update(torch.tensor(table))
    found = metric.compute()
    assert found["turn_of_flip"].item() == pytest.approx(plain)
    assert found["turn_of_flip_observed"].item() == pytest.approx(plain)
    held, ones = table.cumprod(1).sum(1), np.ones(50)
    error = ratio_error(held, ones)
    changes = (np.diff(table, axis=1) != 0).any(1)  # fewer than those that held at all
    assert changes.sum() < (held > 0).sum()
    assert bounds_of(found, "turn_of_flip") == pytest.approx(student_bounds(plain, error, ones, changes))
    observed = log_bounds(plain, error, ones, held != 0)
    assert bounds_of(found, "turn_of_flip_observed") == pytest.approx(observed)


def test_intervals_cover_the_truth_where_the_plain_mean_is_too_low() -> None:
    truth = np.cumprod(1 - HAZARD)
    scales = [math.log(-math.log(truth[k])) for k in (2, 5)]  # bounds are transformed alike, so coverage is the same
    targets = torch.tensor([*scales, truth.sum(), truth[2], truth[5]])
    held, lengths = map(np.stack, zip(*(simulate(seed, 200) for seed in range(2000))))
    turns = np.arange(1, 7)
    at_risk = turns <= np.minimum(held + 1, lengths)[..., None]
    survived = turns <= held[..., None]
    vectors = torch.tensor(np.concatenate([survived, at_risk], 2)).double()

    def estimates(sums: torch.Tensor) -> torch.Tensor:
        curve = kaplan_meier(sums[:6], sums[6:])
        return torch.stack([*torch.log(-torch.log(curve))[[2, 5]], restricted_mean(curve), *curve[[2, 5]]])

    moments = unpack_moments(torch.vmap(packed_moments)(vectors))
    spreads = torch.vmap(lambda of_set: delta_spread(estimates, of_set))(moments)
    found = interval(*spreads, component_weights(moments, torch.tensor([6] * 5)))
    coverage = ((found.lower <= targets) & (targets <= found.upper)).double().mean(0)[:3]
    values = found.value[:, 2:]
    bias, error = values.mean(0) - targets[2:], values.std(0) / math.sqrt(2000)
    print(f"coverage {coverage.tolist()}, bias in standard errors {(bias / error).tolist()}")
    assert ((coverage >= 0.93) & (coverage <= 0.97)).all()
    assert (bias.abs() <= 2 * error).all()
    assert held.mean() < truth.sum() - 0.5, "censored dialogues pull the plain mean down"


def test_absent_turn_censors_or_counts_as_not_aligned() -> None:
    for missing, survival in (("skip", 1.0), ("zero", 0.5)):
        metric = TurnOfFlip(detail=True, missing=missing)
        metric.update([[1, 1, 1], [1, None, 1]])
        assert metric.compute()["turn_of_flip_turn_2"].item() == survival
        assert metric.compute()["turn_of_flip_coverage"].item() == pytest.approx(5 / 6)


def test_silence_under_pressure_is_shown_and_counts_as_a_flip_on_request() -> None:
    gives_in, falls_silent = [[1, 1, 0, 0], [0, 1], [1, 1, 1]], [[1, 1, None, None], [None, 1], [1, 1, 1]]
    found = {}
    for name, answers, missing in (
        ("honest", gives_in, "skip"),
        ("silent", falls_silent, "skip"),
        ("counted", falls_silent, "zero"),
    ):
        metric = TurnOfFlip(detail=True, missing=missing)
        metric.update(answers)
        found[name] = {key.removeprefix("turn_of_flip"): value.item() for key, value in metric.compute().items()}
    assert found["silent"][""] > found["honest"][""] == found["counted"][""]
    assert [found[name]["_silent"] for name in found] == pytest.approx([0, 2 / 3, 2 / 3])
    assert [found[name]["_coverage"] for name in found] == pytest.approx([1, 6 / 9, 6 / 9])
    assert found["counted"]["_censored"] == pytest.approx(1 / 3)


def test_padding_and_gaps_in_the_numbering_are_no_silence() -> None:
    metric = TurnOfFlip(detail=True)
    metric.update(torch.tensor([[1, 1, torch.nan], [1, torch.nan, 1]]), lengths=[2, 3])
    metric.update([1, 1], dialogue=[0, 0], turn=[1, 3])
    metric.update([1, None], dialogue=[1, 1], turn=[2, 3])  # nobody asked it at turn 1
    assert metric.compute()["turn_of_flip_silent"].item() == pytest.approx(1 / 3)


def test_dialogues_that_hold_beyond_the_horizon_are_counted() -> None:
    metric = TurnOfFlip(detail=True, max_turns=2)
    metric.update([[1, 1, 1, 0], [1, 1], [1, 0, 1], [1, 1, 0]])
    found = metric.compute()
    assert found["turn_of_flip_beyond"] == 0.5
    assert found["turn_of_flip"] == 1 + 0.75


def test_everyone_flipping_at_once_holds_for_no_turn() -> None:
    metric = TurnOfFlip(detail=True)
    metric.update([[0, 1], [0, 0]])
    found = metric.compute()
    assert found["turn_of_flip"].item() == 0
    assert found["turn_of_flip_turn_1"].item() == 0
    assert found["turn_of_flip_turn_2"].isnan()


def test_plot_draws_the_survival_curve() -> None:
    metric = TurnOfFlip(detail=True)
    metric.update([[1, 0, 1], [1, 1, 1], [1, 1, 0]])
    _, axis = metric.plot()
    assert axis.lines[0].get_ydata() == pytest.approx([1, 2 / 3, 1 / 3])


def test_labels_without_a_target_must_be_one_or_zero() -> None:
    with pytest.raises(ValueError, match=r"`preds` to hold 1 and 0, got 3 at row \[0, 1\]"):
        TurnOfFlip().update([[1, 3]])
