# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Agreement with scores by people, against scipy."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from imug_metrics.functional import metric_agreement
from imug_metrics.functional.trust import metric_agreement as module

KINDS = ("pearson", "spearman", "kendall")
REFERENCE: dict[str, Callable[..., tuple[float, float]]] = {
    "pearson": stats.pearsonr,
    "spearman": stats.spearmanr,
    "kendall": stats.kendalltau,
}
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30)


def by_scipy(kind: str, x: np.ndarray, y: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(REFERENCE[kind](x, y)[0])


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.sampled_from(KINDS))
def test_equals_scipy_with_many_ties(pairs: list[tuple[int, int]], kind: str) -> None:
    x, y = np.array(pairs, dtype=float).T
    found = metric_agreement(x, y, kind).item()  # type: ignore[arg-type]
    assert found == pytest.approx(by_scipy(kind, x, y), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_repetitions(kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(0, 8, (60,), generator=generator).double()
    y = x + torch.randint(0, 9, (60,), generator=generator)
    weights = torch.poisson(torch.ones(60, 7, dtype=torch.float64), generator=generator)
    found = metric_agreement(x, y, kind, weights=weights)  # type: ignore[arg-type]
    for replicate, times in enumerate(weights.long().unbind(1)):
        expected = by_scipy(kind, x.repeat_interleave(times).numpy(), y.repeat_interleave(times).numpy())
        assert found[replicate].item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [31, 32, 33, 63, 65, 500, 3001])
@pytest.mark.parametrize("values", [7, 2**40])
def test_kendall_merges_halves_of_any_size(count: int, values: int) -> None:
    generator = torch.Generator().manual_seed(count)
    x = torch.randint(0, values, (count,), generator=generator).double()
    y = x + torch.randint(-values, values, (count,), generator=generator)
    weights = torch.poisson(torch.ones(count, 3, dtype=torch.float64), generator=generator)
    for other in (y, x, -x):
        found = metric_agreement(x, other, "kendall", weights=weights)  # type: ignore[arg-type]
        for replicate, times in enumerate(weights.long().unbind(1)):
            repeated = (side.repeat_interleave(times).numpy() for side in (x, other))
            expected = by_scipy("kendall", *repeated)
            assert found[replicate].item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("leaf", [1, 3, 64])
def test_kendall_in_blocks_is_as_in_one(monkeypatch: pytest.MonkeyPatch, leaf: int) -> None:
    x, y = torch.randn(2, 50, generator=torch.Generator().manual_seed(2)).mul(4).round()
    weights = torch.randint(0, 3, (50, 7), generator=torch.Generator().manual_seed(3))
    whole = metric_agreement(x, y, "kendall", weights=weights)
    monkeypatch.setattr(module, "_BLOCK", 120)
    monkeypatch.setattr(module, "_LEAF", leaf)
    assert torch.equal(metric_agreement(x, y, "kendall", weights=weights), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_undefined_without_spread_and_with_one_record(kind: str) -> None:
    for x, y in (([], []), ([1.0], [2.0]), ([0.1, 0.1, 0.1], [1.0, 2.0, 3.0]), ([1.0, 2.0], [5.0, float("nan")])):
        assert metric_agreement(x, y, kind).isnan()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_records_without_both_scores_do_not_count(kind: str) -> None:
    nan = float("nan")
    found = metric_agreement([1, 2, 9, 4, nan], [1, 3, nan, 2, 5], kind)  # type: ignore[arg-type]
    torch.testing.assert_close(found, metric_agreement([1, 2, 4], [1, 3, 2], kind))  # type: ignore[arg-type]


def test_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="`references` to have one entry for each of `scores`"):
        metric_agreement([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="`kind`"):
        metric_agreement([1.0], [1.0], "cosine")  # type: ignore[arg-type]
