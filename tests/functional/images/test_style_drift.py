# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""style_drift: closed forms, gradients, and the slope with content held fixed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imug_metrics.functional import style_drift
from imug_metrics.functional.images.style_drift import slope_beyond

D = torch.float64


def test_the_angle_between_styles_is_what_counts() -> None:
    angles = torch.tensor([0.0, 0.3, 1.0], dtype=D)
    styles = torch.stack([angles.cos(), angles.sin()], 1) * torch.tensor([[1.0], [5.0], [0.2]], dtype=D)
    found = style_drift(styles[None], reduction="none")
    torch.testing.assert_close(found[0, 1:], 1 - angles[1:].cos(), rtol=1e-12, atol=1e-12)
    assert found[0, 0].isnan()
    assert style_drift(styles[None]) == found.nanmean()


def test_squared_distances_are_those_of_gatys() -> None:
    """The style loss of one layer, sum of (G - A)^2 / (4 N^2 M^2), of descriptors G / (2 N M)."""
    maps = torch.randn(2, 4, 36, dtype=D, generator=torch.Generator().manual_seed(0))
    gram = maps @ maps.mT
    expected = (gram[0] - gram[1]).square().sum() / (4 * 4**2 * 36**2)
    found = style_drift((gram / (2 * 4 * 36)).flatten(1)[None], distance="squared")
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_it_can_be_a_loss() -> None:
    styles = torch.rand(2, 3, 8, requires_grad=True)
    for distance in ("cosine", "squared"):
        (gradient,) = torch.autograd.grad(style_drift(styles, distance=distance), styles)
        assert gradient.abs().sum() > 0


def test_distances_of_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="`distance` to be one of"):
        style_drift(torch.rand(1, 3, 8), distance="ssim")


def test_the_slope_beyond_is_the_coefficient_of_least_squares() -> None:
    t, c, y = np.random.default_rng(0).normal(size=(3, 50))
    t, c, y = (part - part.mean() for part in (t, c + 0.5 * t, y))
    expected = np.linalg.lstsq(np.stack([t, c], 1), y, rcond=None)[0][0]
    sums = (t @ t, t @ c, c @ c, t @ y, c @ y)
    assert float(slope_beyond(*map(torch.tensor, sums))) == pytest.approx(expected, rel=1e-9)


def test_the_slope_beyond_what_is_constant_is_the_slope_and_beyond_a_line_undefined() -> None:
    two, none = torch.tensor(2.0, dtype=D), torch.tensor(0.0, dtype=D)
    assert slope_beyond(two, none, none, torch.tensor(3.0, dtype=D), none) == 1.5
    assert slope_beyond(two, 0.1 * two, 0.01 * two, two, 0.1 * two).isnan()
    assert slope_beyond(none, none, two, none, two).isnan()
