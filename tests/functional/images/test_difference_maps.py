# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from imug_metrics.functional.images.difference_maps import (
    SSIM_REACH,
    absolute_map,
    reached,
    squared_map,
    ssim_map,
    widened,
)


def pair(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(*shape, dtype=dtype, generator=generator)
    return x, (x + 0.2 * torch.randn(*shape, dtype=dtype, generator=generator)).clamp(0, 1)


def test_means_of_the_maps_are_l1_psnr_and_ssim_of_the_images() -> None:
    x, y = pair(2, 3, 20, 24)
    torch.testing.assert_close(absolute_map(x, y).mean(), (x - y).abs().mean())
    expected = peak_signal_noise_ratio(x, y, data_range=1.0)
    torch.testing.assert_close(-10 * squared_map(x, y).mean().log10(), expected)
    expected = structural_similarity_index_measure(x, y, data_range=1.0, reduction="none")
    torch.testing.assert_close(ssim_map(x, y).mean((1, 2)), expected)


def test_a_pixel_of_the_ssim_map_hangs_on_its_window_alone() -> None:
    x, y = pair(1, 3, 32, 32)
    changed = y.clone()
    changed[..., 20, 9] = 1 - changed[..., 20, 9]
    differs = ssim_map(x, y) != ssim_map(x, changed)
    rows, columns = differs[0].nonzero().unbind(1)
    assert (rows.min(), rows.max()) == (20 - SSIM_REACH, 20 + SSIM_REACH)
    assert (columns.min(), columns.max()) == (9 - SSIM_REACH, 9 + SSIM_REACH)


@pytest.mark.parametrize("level", [0.0, 0.3, 0.7, 1.0])
def test_equal_windows_are_exactly_one_though_they_are_flat(level: float) -> None:
    flat = torch.full((1, 3, 24, 24), level)
    other = flat.clone()
    other[..., :4, :4] = 0.5
    found = ssim_map(flat, other)
    assert (ssim_map(flat, flat) == 1).all()
    assert (found[..., 4 + SSIM_REACH :, :] == 1).all()
    assert found[0, 0, 0] < 0.99


def test_memory_layout_changes_nothing() -> None:
    x, y = pair(2, 3, 16, 16, dtype=torch.float32)
    last = (part.contiguous(memory_format=torch.channels_last) for part in (x, y))
    assert torch.equal(ssim_map(*last), ssim_map(x, y))


@pytest.mark.parametrize("side", [1, 5])
def test_images_that_cannot_be_mirrored_have_no_ssim(side: int) -> None:
    assert ssim_map(*pair(2, 3, side, 16)).isnan().all()
    assert ssim_map(*pair(2, 3, 6, 16)).isfinite().all()


def test_maps_have_gradients() -> None:
    x, y = pair(1, 3, 8, 7)
    for of in (absolute_map, squared_map, ssim_map):
        assert torch.autograd.gradcheck(of, (x.requires_grad_(), y))


def test_a_window_reaches_as_far_as_it_is_said() -> None:
    marked = torch.zeros(1, 1, 9, 9, dtype=torch.bool)
    marked[0, 0, 4, 4] = True
    expected = torch.zeros_like(marked)
    expected[..., 2:7, 2:7] = True
    assert torch.equal(reached(marked, 2), expected)
    assert torch.equal(widened(0.5 * marked[0].float(), 2), 0.5 * expected[0].float())
