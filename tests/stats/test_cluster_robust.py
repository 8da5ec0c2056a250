# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums and their intervals against statsmodels, and the coverage the intervals promise."""

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

from imug_metrics.stats import delta_interval, packed_moments, student_quantile, unpack_moments, varying_weights


def ratio(sums: torch.Tensor) -> torch.Tensor:
    return sums[..., :1] / sums[..., 1:]


def test_moments_of_two_batches_add_to_those_of_both() -> None:
    vectors = torch.randn(9, 4, dtype=torch.float64)
    together = packed_moments(vectors[:5]) + packed_moments(vectors[5:])
    torch.testing.assert_close(together, packed_moments(vectors), rtol=0, atol=1e-13)


def test_mean_over_records_equals_ols_on_a_constant_clustered_by_dialogue() -> None:
    generator = np.random.default_rng(3)
    cluster = np.repeat(np.arange(30), generator.integers(1, 7, 30))
    y = generator.normal(size=len(cluster)) + generator.normal(size=30)[cluster]
    sums = [[y[cluster == d].sum(), (cluster == d).sum()] for d in range(30)]
    ours = delta_interval(
        ratio, unpack_moments(packed_moments(torch.tensor(sums, dtype=torch.float64))), torch.tensor([1])
    )
    fit = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
    assert ours.value.item() == pytest.approx(fit.params[0], abs=1e-12)
    # Theirs counts 30 clusters, ours as many equal ones as weigh as much.
    effective = len(y) ** 2 / (np.bincount(cluster) ** 2).sum()
    error = fit.bse[0] * np.sqrt(29 / 30 * effective / (effective - 1))
    assert ours.error.item() == pytest.approx(error, abs=1e-12)
    half = stats.t.ppf(0.975, effective - 1) * error
    expected = [fit.params[0] - half, fit.params[0] + half]
    assert [ours.lower.item(), ours.upper.item()] == pytest.approx(expected, abs=1e-12)


def test_interval_of_equal_clusters_equals_statsmodels() -> None:
    generator = np.random.default_rng(4)
    cluster = np.repeat(np.arange(12), 5)
    y = generator.normal(size=len(cluster)) + generator.normal(size=12)[cluster]
    sums = np.stack([np.bincount(cluster, y), np.bincount(cluster)], 1)
    ours = delta_interval(ratio, unpack_moments(packed_moments(torch.tensor(sums).double())), torch.tensor([1]))
    fit = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
    assert ours.error.item() == pytest.approx(fit.bse[0], abs=1e-12)
    assert [ours.lower.item(), ours.upper.item()] == pytest.approx(fit.conf_int()[0].tolist(), abs=1e-12)


def test_there_is_no_interval_below_two_clusters_and_none_of_width_zero_for_equal_dialogues() -> None:
    one = delta_interval(ratio, unpack_moments(packed_moments(torch.tensor([[1.0, 2.0]]).double())), torch.tensor([1]))
    assert one.value.item() == 0.5
    assert one.error.isnan().all()
    assert one.lower.isnan().all()
    same = torch.tensor([[1.0, 2.0]] * 4).double()
    equal = delta_interval(ratio, unpack_moments(packed_moments(same)), torch.tensor([1]))
    assert equal.value.item() == 0.5
    assert equal.lower.isnan().all()
    assert equal.upper.isnan().all()


def test_what_rounding_leaves_of_a_slope_of_nothing_varies_no_estimate() -> None:
    """Sums in another order leave 0 or 1e-17 of a dialogue that is level; the degrees of freedom must be the same."""
    exact = torch.tensor([[0.5, 2.0], [0.0, 2.0], [-0.25, 5.0], [0.0, 10.0]]).double()
    rounded = exact.clone()
    rounded[1, 0], rounded[3, 0] = 1e-17, -3e-16
    for vectors in (exact, rounded):
        assert varying_weights(unpack_moments(packed_moments(vectors, 1)), 1).total.item() == 7.0


def test_interval_works_inside_inference_mode() -> None:
    with torch.inference_mode():
        vectors = torch.tensor([[1.0, 2.0], [2.0, 2.0]]).double()
        found = delta_interval(ratio, unpack_moments(packed_moments(vectors)), torch.tensor([1]))
    assert found.error.item() == pytest.approx(0.25)


def test_intervals_cover_the_truth_as_often_as_they_promise() -> None:
    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        lengths = generator.integers(1, 7, 60)
        dialogue = np.repeat(np.arange(60), lengths)
        scores = 0.3 + generator.normal(size=60)[dialogue] + generator.normal(size=len(dialogue))
        sums = np.stack([np.bincount(dialogue, scores), lengths], 1)
        found = delta_interval(ratio, unpack_moments(packed_moments(torch.tensor(sums).double())), torch.tensor([1]))
        hits += bool(found.lower.item() <= 0.3 <= found.upper.item())
    assert stats.binomtest(hits, 400, 0.95).pvalue > 0.001, hits / 400


def test_student_quantile_equals_scipy() -> None:
    found = student_quantile(torch.tensor([2.0, 3.0, 20.0]).double(), 0.9)
    assert found.tolist() == pytest.approx(stats.t.ppf(0.95, [1, 2, 19]).tolist())
    assert student_quantile(torch.tensor([1.0]), 0.95).isnan()
