# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_distribution_shift against its definition, pair by pair."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics.functional import turn_distribution_shift
from tests.metrics.images.drifting_dialogues import WIDTH, records


def plain_curve(rows: dict[str, Tensor], sigma: float, unbiased: bool) -> list[float]:
    """The definition, pair by pair."""
    keep = rows["valid"]
    images = torch.nn.functional.normalize(rows["images"][keep].double(), dim=1)
    dialogue, turn = rows["dialogue"][keep], rows["turn"][keep]
    kernel = torch.exp(-torch.cdist(images, images).square() / (2 * sigma**2))
    used = (dialogue[:, None] != dialogue) | (not unbiased)

    def mean(a: int, b: int) -> Tensor:
        pairs = used & (turn == a)[:, None] & (turn == b)
        return kernel[pairs].mean()

    return [float(1000 * (mean(1, 1) + mean(t, t) - 2 * mean(1, t))) for t in range(2, int(turn.max()) + 1)]


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("sigma", [0.5, 10.0])
def test_functional_is_the_definition_pair_by_pair(sigma: float, unbiased: bool) -> None:
    rows = records()
    found = turn_distribution_shift(**rows, sigma=sigma, unbiased=unbiased, reduction="none")
    expected = torch.tensor([torch.nan, *plain_curve(rows, sigma, unbiased)], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True)
    weights = torch.tensor([int((rows["valid"] & (rows["turn"] == t)).sum()) for t in range(2, 5)])
    mean = turn_distribution_shift(**rows, sigma=sigma, unbiased=unbiased)
    torch.testing.assert_close(mean, (expected[1:] * weights).sum() / weights.sum())


def test_without_shift_the_estimate_is_zero_on_average_and_the_published_one_is_not() -> None:
    samples = [records(40, drift=0.0, seed=seed) for seed in range(60)]
    for unbiased in (True, False):
        values = torch.stack([turn_distribution_shift(**rows, unbiased=unbiased) for rows in samples])
        distance = values.mean() / (values.std() / len(values) ** 0.5)
        assert abs(distance) < 3 if unbiased else distance > 10


def test_turns_without_pairs_are_nan_not_zero() -> None:
    assert turn_distribution_shift(torch.rand(3, 1, WIDTH)).isnan()
    assert turn_distribution_shift(torch.rand(1, 3, WIDTH)).isnan(), "one dialogue has no pair of two"
    assert turn_distribution_shift(torch.rand(1, 3, WIDTH), unbiased=False).isfinite()
