# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Agreement with people as a metric, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics import MetricAgreement
from tests.metrics import cases

CASES = {
    "agreement": cases.Case(MetricAgreement, cases.self_scores, float32=True),
    "agreement-groups": cases.Case(lambda **k: MetricAgreement(("a", "b", "c", "d"), **k), cases.grouped, float32=True),
}


def judged(count: int, seed: int = 0, slope: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    people = torch.randint(1, 6, (count,), generator=generator).double()
    return slope * people / 5 + 0.2 * torch.randn(count, generator=generator), people


def found_of(metric: MetricAgreement) -> dict[str, float]:
    return {key.removeprefix("metric_agreement"): float(value) for key, value in metric.compute().items()}


def test_equals_scipy() -> None:
    scores, people = judged(80)
    metric = MetricAgreement(detail=True)
    for part in (slice(0, 33), slice(33, 80)):
        metric.update(scores[part], people[part])
    found = found_of(metric)
    x, y = scores.float().double().numpy(), people.numpy()
    assert found[""] == pytest.approx(stats.pearsonr(scores.numpy(), y)[0], abs=1e-12)
    assert found["_spearman"] == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
    assert found["_kendall"] == pytest.approx(stats.kendalltau(x, y)[0], abs=1e-12)
    plain = MetricAgreement()
    plain.update(scores, people)
    assert float(plain.compute()) == pytest.approx(found[""], abs=1e-12)
    assert not plain.metric_state.get("rows"), "Pearson alone keeps no records"


def test_interval_of_independent_normal_records_is_that_of_fisher() -> None:
    generator = torch.Generator().manual_seed(3)
    y = torch.randn(4000, generator=generator, dtype=torch.float64)
    x = y + torch.randn(4000, generator=generator, dtype=torch.float64)
    metric = MetricAgreement(detail=True)
    metric.update(x, y)
    found = found_of(metric)
    expected = stats.pearsonr(x.numpy(), y.numpy()).confidence_interval(0.95)
    assert (found["_lower"], found["_upper"]) == pytest.approx((expected.low, expected.high), abs=2e-3)


def test_records_of_one_dialogue_are_not_independent() -> None:
    scores, people = judged(40)
    alone, together = MetricAgreement(detail=True), MetricAgreement(detail=True)
    alone.update(scores.repeat(6), people.repeat(6))
    turn = torch.arange(1, 7).repeat_interleave(40)
    together.update(scores.repeat(6), people.repeat(6), dialogue=torch.arange(40).repeat(6), turn=turn)
    widths = [found["_upper"] - found["_lower"] for found in map(found_of, (alone, together))]
    assert widths[1] > 2 * widths[0]


def test_bootstrap_gives_all_three_an_interval() -> None:
    scores, people = judged(120)
    metric = MetricAgreement(detail=True, bootstrap=300)
    metric.update(scores, people, dialogue=[f"d{row}" for row in range(120)])
    found = found_of(metric)
    for kind in ("", "_spearman", "_kendall"):
        assert found[f"{kind}_lower"] < found[kind] < found[f"{kind}_upper"]
    reference = stats.bootstrap(
        (scores.numpy(), people.numpy()),
        lambda x, y: stats.spearmanr(x, y)[0],
        paired=True,
        n_resamples=300,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (found["_spearman_lower"], found["_spearman_upper"]) == pytest.approx(tuple(reference), abs=0.04)


def test_groups_tell_within_from_between() -> None:
    """A metric that knows good models from bad ones and nothing else."""
    generator = torch.Generator().manual_seed(4)
    level = torch.arange(4).repeat_interleave(50).double()
    scores = level + torch.rand(200, generator=generator)
    people = level + torch.rand(200, generator=generator)
    labels = [("a", "b", "c", "d")[int(row)] for row in level]
    metric = MetricAgreement(("a", "b", "c", "d"), detail=True)
    metric.update(scores, people, labels)
    found = found_of(metric)
    assert found[""] > 0.9
    assert found["_between"] > 0.99
    assert abs(found["_within"]) < 0.2
    for name in "abcd":
        here = np.array([label == name for label in labels])
        x, y = scores.float().double().numpy()[here], people.numpy()[here]
        assert found[f"_pearson_{name}"] == pytest.approx(stats.pearsonr(scores.numpy()[here], y)[0], abs=1e-9)
        assert found[f"_kendall_{name}"] == pytest.approx(stats.kendalltau(x, y)[0], abs=1e-12)


def test_within_is_the_correlation_of_what_is_left_of_the_groups_means() -> None:
    scores, people = judged(90)
    codes = torch.arange(90) % 3
    metric = MetricAgreement(("x", "y", "z"), detail=True)
    metric.update(scores, people, codes.float())
    left = [values - torch.stack([values[codes == c].mean() for c in range(3)])[codes] for values in (scores, people)]
    means = [[values[codes == c].mean() for c in range(3)] for values in (scores, people)]
    found = found_of(metric)
    assert found["_within"] == pytest.approx(stats.pearsonr(*(part.numpy() for part in left))[0], abs=1e-9)
    assert found["_between"] == pytest.approx(stats.pearsonr(*means)[0], abs=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("groups", [3, 4, 5, 6, 12])
def test_between_groups_the_groups_are_the_sample_and_five_are_needed(groups: int, level: float) -> None:
    """However many records: with more of them in as many groups the interval stays as wide."""
    generator = torch.Generator().manual_seed(groups)
    labels = [f"m{place}" for place in range(groups)]
    level_of = torch.randn(groups, 2, generator=generator, dtype=torch.float64) + torch.arange(groups)[:, None]
    codes = torch.arange(groups).repeat_interleave(40)
    scores, people = (level_of[codes] + torch.randn(len(codes), 2, generator=generator)).unbind(1)
    metric = MetricAgreement([*labels, "without records"], detail=True, level=level)
    metric.update(scores, people, codes.double())
    found = found_of(metric)
    means = [[part[codes == g].mean().item() for g in range(groups)] for part in (scores, people)]
    reference = stats.pearsonr(*means)
    assert found["_between"] == pytest.approx(reference.statistic, abs=1e-9)
    if groups < 5:
        assert np.isnan([found["_between_lower"], found["_between_upper"]]).all()
        assert metric.reasons["metric_agreement_between"] == "fewer than 5 groups carry it"
        return
    expected = reference.confidence_interval(level)  # Fisher's, with an error of 1 / sqrt(groups - 3)
    assert [found["_between_lower"], found["_between_upper"]] == pytest.approx([expected.low, expected.high], abs=1e-9)
    assert "metric_agreement_between" not in metric.reasons


def test_the_groups_that_have_records_are_those_that_count_between_groups() -> None:
    metric = MetricAgreement(("a", "b", "c", "d", "e"), detail=True)
    scores, people = judged(80)
    metric.update(scores, people, (torch.arange(80) % 4).double())
    assert np.isnan(found_of(metric)["_between_lower"])
    assert metric.reasons["metric_agreement_between"] == "fewer than 5 groups carry it"
    metric.update([0.1, 0.3], [1.0, 2.0], ["e", "e"], dialogue=[200, 201])
    found = found_of(metric)
    assert found["_between_lower"] < found["_between"] < found["_between_upper"]


def test_undefined_without_spread() -> None:
    metric = MetricAgreement(detail=True)
    metric.update([0.5, 0.5, 0.5], [1.0, 2.0, 3.0])
    found = found_of(metric)
    assert all(np.isnan(found[kind]) for kind in ("", "_spearman", "_kendall"))


def test_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="once"):
        MetricAgreement(("a", "a"))
    with pytest.raises(ValueError, match=r"`group`.*'b'.*row 1"):
        MetricAgreement(("a",)).update([1.0, 2.0], [1.0, 2.0], ["a", "b"])


def test_places_of_groups_are_checked() -> None:
    for wrong in (2.0, 0.5, -2.0):
        with pytest.raises(ValueError, match=r"`group`.*row 1"):
            MetricAgreement(("a", "b")).update([1.0, 2.0], [1.0, 2.0], torch.tensor([0.0, wrong]))
    metric = MetricAgreement(("a",), detail=True)
    metric.update([1.0, 2.0, 4.0, 9.0], [1.0, 2.0, 3.0, 0.0], torch.tensor([0.0, 0.0, 0.0, -1.0]))
    assert found_of(metric)["_pearson_a"] > 0.9


def test_a_group_cannot_be_called_like_a_bound_of_another() -> None:
    with pytest.raises(ValueError, match="'a_lower'"):
        MetricAgreement(("a", "a_lower"))
    assert MetricAgreement(("a_lower", "b")).groups == ("a_lower", "b")


def test_infinite_scores_by_people_are_unknown() -> None:
    metric, plain = MetricAgreement(detail=True), MetricAgreement(detail=True)
    metric.update([1.0, 2.0, 4.0, 3.0], [1.0, 3.0, 2.0, float("inf")])
    plain.update([1.0, 2.0, 4.0], [1.0, 3.0, 2.0])
    found = found_of(metric)
    assert found.pop("_coverage") == 0.75
    assert found == pytest.approx(
        {key: value for key, value in found_of(plain).items() if key != "_coverage"}, nan_ok=True
    )


def test_dialogues_may_come_without_turns() -> None:
    scores, people = judged(40)
    metric, turned = MetricAgreement(detail=True), MetricAgreement(detail=True)
    metric.update(scores, people, dialogue=[row // 2 for row in range(40)])
    turned.update(scores, people, dialogue=torch.arange(40) // 2, turn=torch.arange(40) % 2 + 1)
    assert found_of(metric) == found_of(turned)
