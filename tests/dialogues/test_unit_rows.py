# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A direction is the same however long a row is, and so is every score that is made of directions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import imug_metrics
from imug_metrics import functional
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows

LENGTHS = [(1e-300, torch.float64), (1e300, torch.float64), (1e-30, torch.float32), (1e30, torch.float32)]


def images() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    kept = torch.randn(5, 1, 6, generator=generator, dtype=torch.float64)
    return kept + 2 * torch.randn(5, 3, 6, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("length", "dtype"), LENGTHS)
def test_rows_have_unit_length_however_long_they_are(length: float, dtype: torch.dtype) -> None:
    rows = images().flatten(0, 1)
    found = unit_rows((rows * length).to(dtype), has_direction(rows))
    expected = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-14)


@pytest.mark.parametrize("width", [0, 3])
def test_rows_without_a_direction_are_zeros(width: int) -> None:
    rows = torch.tensor([0.0, torch.nan, torch.inf, 1.0]).double()[:, None].expand(4, width)
    there = has_direction(rows) if width else torch.zeros(4, dtype=torch.bool)
    found = unit_rows(rows, there)
    assert not found[:3].any()
    assert found.isfinite().all()


def test_its_gradient_is_that_of_the_division() -> None:
    rows = images().flatten(0, 1)[:4].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: unit_rows(x, has_direction(x)), rows)


@pytest.mark.parametrize(("length", "dtype"), LENGTHS)
@pytest.mark.parametrize(
    "score",
    [
        functional.identity_verification,
        functional.subject_consistency,
        functional.turn_consistency,
        functional.turn_distribution_shift,
        functional.copy_guard,
        lambda rows: functional.perceptual_drift(rows, distance="cosine"),
        lambda rows: computed(imug_metrics.IdentityVerification(width=6), rows),
        lambda rows: computed(imug_metrics.TurnDistributionShift(width=6), rows),
        lambda rows: computed(imug_metrics.PerceptualDrift("cosine"), rows),
    ],
)
def test_scores_of_directions_do_not_hang_on_lengths(
    score: Callable[[Tensor], Tensor], length: float, dtype: torch.dtype
) -> None:
    expected, found = score(images()), score((images() * length).to(dtype))
    assert expected.isfinite()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5, check_dtype=False)


def computed(metric: imug_metrics.DialogueMetric, rows: Tensor) -> Tensor:
    metric.update(rows, dialogue=[*range(len(rows))])
    value: Tensor = metric.compute()
    return value
