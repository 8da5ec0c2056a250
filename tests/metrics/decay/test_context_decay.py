# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ContextDecay against published tables, statsmodels and numbers worked by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import ContextDecay
from imug_metrics.functional import context_decay
from tests.metrics import cases
from tests.metrics.decay.ragged import centred, places
from tests.metrics.interval_reference import bounds_of, share_bounds, student_bounds

CASES = {
    "context-within": cases.Case(ContextDecay, cases.scores_and_context_lengths),
    "context-pooled": cases.Case(
        lambda **k: ContextDecay("pooled", edges=(4096, 16384), **k), cases.scores_and_context_lengths
    ),
}

RULER_LENGTHS = [4096, 8192, 16384, 32768, 65536, 131072]

LLAMA_70B = [96.5, 95.8, 95.4, 94.8, 88.4, 66.6]


def test_metric_reproduces_the_published_row_from_records() -> None:
    metric = ContextDecay(detail=True, threshold=85.6)
    scores = torch.tensor(LLAMA_70B, dtype=torch.float64) + torch.tensor([[-1.0], [1.0], [0.0]])
    metric.update(scores, torch.tensor(RULER_LENGTHS).expand(3, 6), dialogue=[7, 8, 9])
    found = metric.compute()
    for length, score in zip(RULER_LENGTHS, LLAMA_70B):
        assert found[f"context_decay_length_{length}"].item() == pytest.approx(score)
    averages = [found[f"context_decay_average{end}"].item() for end in ("", "_rising", "_falling")]
    assert averages == pytest.approx([89.5833, 85.4810, 93.6857], abs=1e-4)
    assert found["context_decay_effective_length"].item() == 65536
    slope = np.polyfit(range(6), LLAMA_70B, 1)[0]
    assert found["context_decay"].item() == pytest.approx(slope)
    assert found["context_decay_pooled"].item() == pytest.approx(slope)


def grown(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, 40)
    lengths = turn * generator.integers(500, 9000, 40)[dialogue] + generator.integers(1, 500, len(turn))
    scores = 1.5 - 0.07 * np.log2(lengths) + 0.1 * generator.normal(size=len(turn))
    return scores, lengths, dialogue, turn


@pytest.mark.parametrize("seed", range(3))
def test_within_slope_and_interval_equal_clustered_ols_on_within_centred_data(seed: int) -> None:
    scores, lengths, dialogue, turn = grown(seed)
    several = np.bincount(dialogue)[dialogue] > 1
    x, y = centred(np.log2(lengths), dialogue)[several], centred(scores, dialogue)[several]
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": dialogue[several], "use_correction": False})
    metric = ContextDecay(detail=True)
    metric.update(scores, lengths, dialogue=dialogue, turn=turn)
    expected = student_bounds(fit.params[0], fit.bse[0], np.bincount(dialogue[several], x**2))
    assert bounds_of(metric.compute(), "context_decay") == pytest.approx(expected, abs=1e-10)
    function = context_decay(scores, lengths, dialogue=dialogue, turn=turn)
    assert function.item() == pytest.approx(fit.params[0], abs=1e-12)


def test_pooled_slope_and_error_equal_clustered_ols() -> None:
    scores, lengths, dialogue, turn = grown(7)
    fit = sm.OLS(scores, sm.add_constant(np.log2(lengths))).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue, "use_correction": False}
    )
    metric = ContextDecay("pooled", detail=True)
    metric.update(scores, lengths, dialogue=dialogue, turn=turn)
    doublings = np.log2(lengths)
    expected = student_bounds(fit.params[1], fit.bse[1], np.bincount(dialogue, (doublings - doublings.mean()) ** 2))
    assert bounds_of(metric.compute(), "context_decay") == pytest.approx(expected, abs=1e-9)
    function = context_decay(scores, lengths, dialogue=dialogue, turn=turn, slope="pooled")
    assert function.item() == pytest.approx(fit.params[1], abs=1e-9)


def test_means_of_scores_in_a_range_have_the_bounds_of_a_share() -> None:
    _, lengths, dialogue, turn = grown(3)
    scores = (np.random.default_rng(3).random(len(turn)) < 0.9).astype(float)
    metric = ContextDecay(detail=True, edges=(16000,), score_range=(0, 1))
    metric.update(scores, lengths, dialogue=dialogue, turn=turn)
    found, short = metric.compute(), lengths <= 16000
    for key, rows in (("mean", short | True), ("length_16000", short)):
        counts = np.bincount(dialogue[rows], minlength=40)
        expected = share_bounds(np.bincount(dialogue[rows], scores[rows], 40)[counts > 0], counts[counts > 0])
        assert bounds_of(found, f"context_decay_{key}") == pytest.approx(expected, abs=1e-10)
    beyond = share_bounds(np.bincount(dialogue, ~short), np.bincount(dialogue))
    assert bounds_of(found, "context_decay_beyond") == pytest.approx(beyond, abs=1e-10)
    with pytest.raises(ValueError, match=r"`scores` to lie in \[0, 1\]"):
        metric.update([1.5], [10], dialogue=[0], turn=[1])


def test_a_bucket_ends_with_its_edge() -> None:
    metric = ContextDecay(detail=True, edges=(1000, 2000))
    metric.update([0.1, 0.2, 0.4, 0.8, 0.9], [1, 1000, 1001, 2000, 2001], dialogue=[0, 1, 2, 3, 4], turn=[1] * 5)
    found = metric.compute()
    assert found["context_decay_length_1000"].item() == pytest.approx(0.15)
    assert found["context_decay_length_2000"].item() == pytest.approx(0.6)
    assert found["context_decay_beyond"].item() == pytest.approx(0.2)
    assert found["context_decay_mean"].item() == pytest.approx(0.48)


def test_dialogues_of_one_length_have_no_within_slope_and_equal_lengths_no_pooled_one() -> None:
    lengths = torch.tensor([[5003] * 3, [5003] * 3])
    scores = torch.tensor([[0.9, 0.8, 0.3], [0.4, 0.7, 0.2]])
    for slope in ("within", "pooled"):
        metric = ContextDecay(slope, detail=True)
        metric.update(scores, lengths)
        assert metric.compute()["context_decay"].isnan()


def test_effective_length_has_an_interval_from_the_bootstrap_only() -> None:
    scores, lengths, dialogue, turn = grown(1)
    for bootstrap in (0, 200):
        metric = ContextDecay(detail=True, bootstrap=bootstrap)
        metric.update(scores, lengths, dialogue=dialogue, turn=turn)
        found = metric.compute()
        value, lower, upper = (found[f"context_decay_effective_length{end}"] for end in ("", "_lower", "_upper"))
        assert (lower <= value <= upper) if bootstrap else lower.isnan() and upper.isnan()


def test_a_score_without_a_length_is_refused_and_an_absent_score_needs_none() -> None:
    metric = ContextDecay()
    with pytest.raises(ValueError, match="`context_lengths` to be >= 1 where there is a score, got 0 at row 2"):
        metric.update([0.5, 0.5, 0.5], [10, 20, 0], dialogue=[0, 0, 0], turn=[1, 3, 2])
    metric.update([0.5, 0.4, math.nan], [10, 20, 0], dialogue=[0, 0, 0], turn=[1, 3, 2])
    assert metric.compute().item() == pytest.approx(-0.1)


@pytest.mark.parametrize("edges", [(), (0, 1), (2, 2), (8, 4), (1.5, 3)])
def test_edges_must_rise(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="`edges`"):
        ContextDecay(edges=edges)


@pytest.mark.parametrize("bad", [{"slope": "turn"}, {"keep": 0}, {"keep": 1.1}, {"base_buckets": 0}])
def test_options_outside_their_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(bad))}`"):
        ContextDecay(**bad)


def test_plot_has_context_length_on_a_log_axis() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    metric = ContextDecay(detail=True)
    scores, lengths, dialogue, turn = grown(2)
    metric.update(scores, lengths, dialogue=dialogue, turn=turn)
    _, ax = metric.plot()
    assert ax.get_xscale() == "log"
    assert "tokens" in ax.get_xlabel()
    assert [tick.get_text() for tick in ax.get_xticklabels()][:2] == ["4k", "8k"]
    buckets = {
        key: value for key, value in metric.compute().items() if key.removeprefix("context_decay_length_").isdigit()
    }
    assert len(ax.lines[0].get_xdata()) == sum(not value.isnan() for value in buckets.values())
