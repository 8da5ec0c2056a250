# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""FilterBank: which map answers to what."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics.encoders.style import FilterBank

DIRECTIONS = 4
EDGES, LINES = slice(0, DIRECTIONS), slice(DIRECTIONS, 2 * DIRECTIONS)


def waves(angle: float, period: float = 6.0, size: int = 48) -> Tensor:
    """A grating that changes along an angle, in degrees."""
    place = torch.arange(size, dtype=torch.float64)
    turned = torch.tensor(angle).deg2rad().double()
    along = turned.cos() * place[None, :] + turned.sin() * place[:, None]
    return (0.5 + 0.4 * (2 * torch.pi * along / period).sin()).float().expand(1, 3, size, size)


def energy(pixels: Tensor, scale: int = 1) -> Tensor:
    """Mean squares of the 8 filters at a scale, both signs together."""
    squares = FilterBank()(pixels)[scale][:, :-1].square().mean((0, 2, 3))
    return squares.view(2, 2 * DIRECTIONS).sum(0)


@pytest.mark.parametrize("direction", range(DIRECTIONS))
def test_edges_and_lines_answer_to_their_own_direction(direction: int) -> None:
    found = energy(waves(direction * 180 / DIRECTIONS))
    assert found[EDGES].argmax() == found[LINES].argmax() == direction
    assert found[EDGES].argmin() == (direction + DIRECTIONS // 2) % DIRECTIONS


def test_coarse_waves_are_seen_at_coarse_scales() -> None:
    shares = {period: [float(energy(waves(0, period), scale).sum()) for scale in (1, 2, 3)] for period in (5, 24)}
    assert shares[5][0] > shares[5][2]
    assert shares[24][2] > shares[24][0]


def test_a_flat_image_has_colours_and_no_edges() -> None:
    pixels = torch.tensor([0.9, 0.2, 0.2]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    colours, *edges = FilterBank()(pixels)
    for layer in edges:
        assert layer[:, :-1].max() < 1e-6
        assert layer[:, -1].unique().tolist() == [pytest.approx(0.01)]
    bright, red, blue, dark, green, yellow = colours[0, :, 0, 0].tolist()
    assert (bright, green, blue) == (0, 0, 0)
    assert red == pytest.approx(0.7)
    assert yellow == pytest.approx(0.35)
    assert dark == pytest.approx(0.5 - 0.299 * 0.9 - 0.701 * 0.2)


def test_no_response_is_negative_or_above_1() -> None:
    pixels = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0)).round()
    for layer in FilterBank()(pixels):
        assert layer.min() >= 0
        assert layer.max() <= 1


def test_images_of_any_size_are_taken_and_scales_below_1_are_not() -> None:
    assert [tuple(layer.shape[2:]) for layer in FilterBank()(torch.rand(1, 3, 5, 1))] == [
        (5, 1),
        (5, 1),
        (3, 1),
        (2, 1),
    ]
    with pytest.raises(ValueError, match="`scales` to be >= 1"):
        FilterBank(scales=0)
