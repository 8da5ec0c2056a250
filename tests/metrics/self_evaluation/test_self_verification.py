# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SelfVerification against statsmodels, tables worked by hand, and simulated judges whose drift is known."""

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy import special

from imug_metrics import SelfVerification
from imug_metrics.functional import permissiveness_drift, self_verification
from imug_metrics.stats import Interval, component_weights, interval, packed_moments, unpack_moments, within_sums
from imug_metrics.stats.logistic import logistic_slope
from tests.metrics import cases
from tests.metrics.interval_reference import bounds_of, share_bounds, student_bounds

CASES = {
    "verification": cases.Case(SelfVerification, cases.verdicts),
}

# Six dialogues, three turns: verdict / truth.
#   turn 1: wrong work rejected, rejected, accepted; right work accepted, accepted, rejected
#   turn 2: wrong work rejected, accepted, accepted; right work accepted, accepted, accepted
#   turn 3: wrong work accepted, accepted, accepted; right work rejected, accepted, accepted
VERDICTS = [[0, 0, 1], [0, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1], [0, 1, 1]]
TRUTH = [[0, 0, 0]] * 3 + [[1, 1, 1]] * 3


def simulate(
    seed: int, dialogues: int, sets: int, accept: Any, wrong_share: float = 0.6, alike: float = 0.4
) -> dict[str, np.ndarray]:
    """Judgements of wrong work in many data sets: dialogues of 2 to 6 turns whose verdicts hang together.

    `accept(turn, length)` is the probability to accept; a latent mood shared by the turns of a dialogue (of which
    `alike` is the share of the variance) makes them dependent without changing it.
    """
    generator = np.random.default_rng(seed)
    segments = dialogues * sets
    lengths = generator.integers(2, 7, segments)
    segment = np.repeat(np.arange(segments), lengths)
    turn = np.arange(len(segment)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    mood = math.sqrt(alike) * generator.normal(size=segments)[segment] + math.sqrt(1 - alike) * generator.normal(
        size=len(segment)
    )
    accepted = mood < special.ndtri(accept(turn, lengths[segment]))
    wrong = generator.random(len(segment)) < wrong_share
    return {"segment": segment[wrong], "turn": turn[wrong], "accepted": accepted[wrong].astype(float)}


def intervals(vectors: torch.Tensor, estimate: Any, support: torch.Tensor) -> Interval:
    """The estimate in every data set, from `vectors [sets, dialogues, P]`; `support` marks the clusters.

    The delta method of all sets at once: as none touches another, the gradient of their sum is that of each.
    """
    moments = unpack_moments(torch.vmap(packed_moments)(torch.cat([vectors, support[..., None]], 2)))
    totals = moments.totals.clone().requires_grad_()
    value = estimate(totals)
    [gradient] = torch.autograd.grad(value.sum(), totals)
    spread = torch.einsum("sp,spq,sq->s", gradient, moments.products, gradient)
    weights = component_weights(moments, torch.tensor([vectors.shape[2]]))
    return interval(value.detach()[:, None], spread[:, None], weights)


def assert_covers(found: Interval, truth: float, sets: int) -> None:
    assert found.value.shape == (sets, 1)
    covered = float(((found.lower <= truth) & (truth <= found.upper)).double().mean())
    bias, error = float(found.value.mean()) - truth, float(found.value.std()) / math.sqrt(sets)
    print(f"truth {truth}: coverage {covered:.4f}, bias {bias:+.5f} = {bias / error:+.2f} standard errors")
    assert 0.93 <= covered <= 0.97
    assert abs(bias) <= 2 * error


def test_table_worked_by_hand() -> None:
    metric = SelfVerification(detail=True)
    metric.update(torch.tensor(VERDICTS), torch.tensor(TRUTH))
    found = {key.removeprefix("self_verification"): value.item() for key, value in metric.compute().items()}
    expected = {
        "_false_accept_turn_1": 1 / 3,
        "_false_accept_turn_2": 2 / 3,
        "_false_accept_turn_3": 1,
        "_false_reject_turn_1": 1 / 3,
        "_false_reject_turn_2": 0,
        "_false_reject_turn_3": 1 / 3,
        "_false_accept": 6 / 9,
        "_false_reject": 2 / 9,
        "": 1 - (6 / 9 + 2 / 9) / 2,
        "_turn_1": 2 / 3,
        "_turn_2": 2 / 3,
        "_turn_3": 1 / 3,
        "_accuracy": (3 + 7) / 18,
        "_accuracy_turn_1": 4 / 6,
        "_drift": 1 / 3,  # (1/2 + 1/2 + 0) / 3, each dialogue weighing alike
        "_n": 18,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-12)


def test_estimates_are_those_of_the_functions() -> None:
    metric = SelfVerification(detail=True)
    metric.update(VERDICTS, TRUTH)
    found = metric.compute()
    assert self_verification(VERDICTS, TRUTH).item() == pytest.approx(found["self_verification"].item(), abs=1e-12)
    assert permissiveness_drift(VERDICTS, TRUTH).item() == pytest.approx(found["self_verification_drift"].item())
    logit = permissiveness_drift(VERDICTS, TRUTH, scale="logit").item()
    assert logit == pytest.approx(found["self_verification_drift_logit"].item(), abs=1e-9)


@pytest.fixture(scope="module")
def judged() -> dict[str, np.ndarray]:
    """One data set of right and wrong work."""
    generator = np.random.default_rng(5)
    lengths = generator.integers(2, 7, 60)
    dialogue = np.repeat(np.arange(60), lengths)
    turn = np.concatenate([np.arange(1, n + 1) for n in lengths])
    mood = generator.normal(size=60)[dialogue]
    target = (generator.random(len(turn)) < 0.5).astype(int)
    preds = (mood + generator.normal(size=len(turn)) < -0.5 + 0.2 * turn + target).astype(int)
    return {"preds": preds, "target": target, "dialogue": dialogue, "turn": turn}


def test_drift_equals_clustered_least_squares_within_dialogues(judged: dict[str, np.ndarray]) -> None:
    metric = SelfVerification(detail=True)
    metric.update(**{key: torch.tensor(value) for key, value in judged.items()})
    found = metric.compute()
    wrong = judged["target"] == 0
    dialogue, turn, accepted = (judged[key][wrong] for key in ("dialogue", "turn", "preds"))
    several = np.bincount(dialogue, minlength=60)[dialogue] > 1
    dialogue, turn, accepted = dialogue[several], turn[several].astype(float), accepted[several].astype(float)
    means = [
        np.bincount(dialogue, part, 60)[dialogue] / np.bincount(dialogue, minlength=60)[dialogue]
        for part in (turn, accepted)
    ]
    fit = sm.OLS(accepted - means[1], turn - means[0]).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue, "use_correction": False}
    )
    x = turn - means[0]
    varies = np.abs(np.bincount(dialogue, x * accepted)) > 1e-9
    expected = student_bounds(fit.params[0], fit.bse[0], np.bincount(dialogue, x**2), varies)
    assert bounds_of(found, "self_verification_drift") == pytest.approx(expected, abs=1e-10)


def test_logit_drift_equals_clustered_logistic_regression(judged: dict[str, np.ndarray]) -> None:
    metric = SelfVerification(detail=True)
    metric.update(**{key: torch.tensor(value) for key, value in judged.items()})
    found = metric.compute()
    wrong = judged["target"] == 0
    dialogue, turn, accepted = (judged[key][wrong] for key in ("dialogue", "turn", "preds"))
    fit = sm.Logit(accepted, sm.add_constant(turn.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue, "use_correction": False}, disp=0, tol=1e-12, maxiter=100
    )
    expected = student_bounds(fit.params[1], fit.bse[1], np.bincount(dialogue))
    assert bounds_of(found, "self_verification_drift_logit") == pytest.approx(expected, abs=1e-8)


def test_rates_have_the_bounds_of_shares(judged: dict[str, np.ndarray]) -> None:
    metric = SelfVerification(detail=True)
    metric.update(**{key: torch.tensor(value) for key, value in judged.items()})
    found = metric.compute()
    for error, truth, verdict in (("false_accept", 0, 1), ("false_reject", 1, 0)):
        rows = judged["target"] == truth
        dialogue, wrong = judged["dialogue"][rows], judged["preds"][rows] == verdict
        counts = np.bincount(dialogue, minlength=60)
        expected = share_bounds(np.bincount(dialogue, wrong, 60), counts)
        assert bounds_of(found, f"self_verification_{error}") == pytest.approx(expected, abs=1e-10)


def test_drift_covers_the_truth_where_long_dialogues_are_judged_more_leniently() -> None:
    """Dialogues of 2 to 6 turns, rates (and so variances) that differ by turn, and a mood shared within a dialogue."""
    drawn = simulate(1, 60, 2000, lambda turn, length: 0.05 + 0.07 * length + 0.06 * turn)
    segment, turn, accepted = (torch.tensor(drawn[key]) for key in ("segment", "turn", "accepted"))
    offsets = torch.searchsorted(segment, torch.arange(60 * 2000 + 1))
    xy, xx = within_sums(turn.double(), accepted, torch.ones_like(segment, dtype=torch.bool), offsets)
    vectors = torch.stack([xy, xx], 1).view(2000, 60, 2)
    assert_covers(intervals(vectors, lambda sums: sums[:, 0] / sums[:, 1], (vectors[..., 1] > 0).double()), 0.06, 2000)


def test_logit_drift_covers_the_truth() -> None:
    # Maximum likelihood overstates a slope by the order of one over the records (here 2 % with 60 dialogues, 0.4 % with
    # 400), so its bias is drowned by its error in data sets of some size only.
    drawn = simulate(2, 400, 2000, lambda turn, length: special.expit(-1.2 + 0.35 * turn))
    segment, turn, accepted = (torch.tensor(drawn[key]) for key in ("segment", "turn", "accepted"))
    counts = [
        torch.zeros(2000 * 400 * 6, dtype=torch.float64).index_add(0, segment * 6 + turn - 1, part).view(2000, 400, 6)
        for part in (accepted, torch.ones_like(accepted))
    ]
    vectors = torch.cat(counts, 2)
    support = (counts[1].sum(2) > 0).double()
    assert_covers(intervals(vectors, lambda sums: logistic_slope(sums[:, :6], sums[:, 6:12]), support), 0.35, 2000)


def all_wrong(drawn: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Verdicts on work that is all wrong."""
    metric = SelfVerification(detail=True)
    accepted = torch.tensor(drawn["accepted"])
    metric.update(accepted, torch.zeros(len(accepted)), dialogue=drawn["segment"], turn=drawn["turn"])
    return metric.compute()


@pytest.mark.parametrize(("drift", "seed"), [(0.1, 0), (0.0, 1)])
def test_a_judge_that_grows_lenient_is_told_from_a_steady_one(drift: float, seed: int) -> None:
    drawn = simulate(seed, 200, 1, lambda turn, length: 0.2 + drift * (turn - 1))
    found = all_wrong(drawn)
    for key in ("self_verification_drift", "self_verification_drift_logit"):
        if drift:
            assert found[f"{key}_lower"] > 0
        else:
            assert found[f"{key}_lower"] < 0 < found[f"{key}_upper"]


def test_harder_long_dialogues_are_no_drift() -> None:
    """Wrong work of long dialogues is accepted more often, at every turn alike: the curve rises, the drift does not."""
    drawn = simulate(2, 400, 1, lambda turn, length: 0.05 + 0.13 * length)
    found = all_wrong(drawn)
    assert found["self_verification_false_accept_turn_6"] > found["self_verification_false_accept_turn_1"] + 0.1
    assert found["self_verification_drift_lower"] < 0 < found["self_verification_drift_upper"]
    assert found["self_verification_drift_logit_lower"] > 0, "it pools dialogues, as its description says"


def test_undefined_without_wrong_work() -> None:
    metric = SelfVerification(detail=True)
    metric.update([[1, 0], [1, 1]], [[1, 1], [1, 1]])
    found = metric.compute()
    for key in ("", "_false_accept", "_drift", "_drift_logit"):
        assert found[f"self_verification{key}"].isnan(), key
    assert found["self_verification_false_reject"].item() == 0.25
    assert found["self_verification_accuracy"].item() == 0.75


def test_absent_verdicts_are_skipped_or_count_as_errors_and_unknown_truth_lowers_the_coverage() -> None:
    verdicts, truth = [[1, None, 0], [0, 1, 1]], [[1, 0, None], [0, 0, 1]]
    for missing, false_accept in (("skip", 1 / 2), ("zero", 2 / 3)):
        metric = SelfVerification(detail=True, missing=missing)
        metric.update(verdicts, truth, turn=[1, 2, 3])
        found = metric.compute()
        assert found["self_verification_false_accept"].item() == pytest.approx(false_accept)
        assert found["self_verification_coverage"].item() == pytest.approx(4 / 6)


def test_average_by_dialogue_weighs_every_dialogue_alike() -> None:
    verdicts, truth = [[1, 0, 0, 0], [1, 1]], [[0, 0, 0, 1], [0, 1]]
    metric = SelfVerification(detail=True, average="dialogue")
    metric.update(verdicts, truth)
    assert metric.compute()["self_verification_false_accept"].item() == pytest.approx((1 / 3 + 1) / 2)
    assert metric.compute()["self_verification_false_reject"].item() == pytest.approx((1 + 0) / 2)


def test_a_verdict_that_is_neither_is_refused_by_name_and_row() -> None:
    with pytest.raises(ValueError, match=r"`preds` to hold 1 and 0, got 0.5 at row 1"):
        SelfVerification().update([1, 0.5], [1, 0], dialogue=[0, 0], turn=[1, 2])
    with pytest.raises(ValueError, match=r"`target` to hold 1 and 0, got 2 at row 0"):
        SelfVerification().update([1], [2], dialogue=[0], turn=[1])
    with pytest.raises(ValueError, match=r"`target` to have one entry for each of `preds`"):
        SelfVerification().update([1, 0], [1], dialogue=[0, 0], turn=[1, 2])
