# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a selector against scipy and scikit-learn, record by record."""

from __future__ import annotations

import warnings

import pytest
import torch
from scipy import stats
from sklearn.metrics import roc_auc_score
from torch import Tensor

from imug_metrics.functional import selection


@pytest.fixture(scope="module")
def rows() -> tuple[Tensor, Tensor]:
    """Ragged candidates with ties on both sides; some records have none or one, some are all alike."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 4, (60, 7), generator=generator).double() / 4
    selector = ((scores + torch.rand(60, 7, generator=generator)) * 3).round()
    scores[torch.rand(60, 7, generator=generator) < 0.3] = torch.nan
    scores[0], scores[1, 1:], scores[2] = torch.nan, torch.nan, 0.5
    selector[3] = 1.0
    return scores, selector


def expected(measure: str, y: Tensor, p: Tensor) -> float:
    if len(y) < 2:
        return float("nan")
    if measure == "top":
        favourite = p == p.max()
        return (y[favourite] == y.max()).double().mean().item()
    if measure == "auroc":
        right = y >= 0.5
        return float("nan") if right.all() or not right.any() else roc_auc_score(right, p)
    correlation = stats.kendalltau if measure == "kendall" else stats.spearmanr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(correlation(y, p).statistic)


@pytest.mark.parametrize("measure", ["kendall", "spearman", "top", "auroc"])
def test_every_record_is_that_of_the_reference(rows: tuple[Tensor, Tensor], measure: str) -> None:
    scores, selector = rows
    found = selection(scores, selector, measure=measure, reduction="none")
    each = [expected(measure, y[~y.isnan()], p[~y.isnan()]) for y, p in zip(scores, selector)]
    torch.testing.assert_close(found, torch.tensor(each, dtype=torch.float64), equal_nan=True)
    assert found.isfinite().sum() > 30
    torch.testing.assert_close(selection(scores, selector, measure=measure), found.nanmean())


@pytest.mark.parametrize("measure", ["kendall", "spearman", "top", "auroc"])
def test_a_perfect_and_an_adverse_selector(measure: str) -> None:
    scores = torch.tensor([[0.1, 0.9, 0.4, 0.6]])
    assert selection(scores, scores * 10 - 3, measure=measure) == 1
    assert selection(scores, -scores, measure=measure) == (-1 if measure in ("kendall", "spearman") else 0)


def test_padded_records_keep_their_shape(rows: tuple[Tensor, Tensor]) -> None:
    scores, selector = (side.view(12, 5, 7) for side in rows)
    assert selection(scores, selector, reduction="none").shape == (12, 5)


def test_unknown_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="`measure`"):
        selection([[0.1, 0.2]], [[0.1, 0.2]], measure="pearson")  # type: ignore[arg-type]
