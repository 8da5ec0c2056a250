# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The kernel of `preprocess` under the interpreter against plain PyTorch."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import preprocess
from imug_kernels.reference import preprocess as reference

from tests.kernels.comparisons import DTYPES


@pytest.mark.parametrize(
    ("shape", "size", "resize", "crop"),
    [
        ((2, 3, 37, 53), (16, 16), (16, 22), (0, 3)),
        ((1, 3, 20, 11), (24, 24), (30, 24), (3, 0)),
        ((1, 1, 70, 60), (8, 9), (10, 9), (1, 0)),
        ((1, 3, 9, 9), (5, 6), (9, 9), (2, 1)),
        ((1, 1, 1, 1), (3, 3), (3, 3), (0, 0)),
    ],
)
@pytest.mark.parametrize(("layout", "interpolation"), [("nchw", "bicubic"), ("nhwc", "bicubic"), ("nchw", "bilinear")])
def test_kernel_pixels_are_within_a_level(
    shape: tuple[int, ...],
    size: tuple[int, int],
    resize: tuple[int, int],
    crop: tuple[int, int],
    layout: str,
    interpolation: str,
) -> None:
    batch = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    channels = shape[1]
    given_images = batch.permute(0, 2, 3, 1).contiguous() if layout == "nhwc" else batch
    identity = [0.0] * channels, [1 / 255] * channels
    options = {"resize": resize, "crop": crop, "layout": layout, "interpolation": interpolation}
    found = preprocess(given_images, size, *identity, **options)
    expected = reference.preprocess(batch, size, torch.float32, *identity, resize, crop, interpolation)
    difference = (found - expected).abs()
    assert difference.max() <= 1.001
    # A bilinear enlargement often falls half-way between two levels, where fixed-point weights go either way.
    assert (difference > 0.5).double().mean() < (0.02 if interpolation == "bicubic" else 0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_normalises_by_channel(dtype: torch.dtype) -> None:
    batch = torch.randint(0, 256, (2, 3, 12, 12), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    normalise = [0.48, 0.45, 0.4], [0.26, 0.25, 0.27]
    found = preprocess(batch, (12, 12), *normalise, dtype=dtype)
    expected = reference.preprocess(batch, (12, 12), torch.float32, *normalise, (12, 12), (0, 0), "bicubic")
    assert found.dtype == dtype
    # The interpreter cuts to bf16 where a GPU rounds: one unit in the last place.
    torch.testing.assert_close(found.float(), expected, rtol=torch.finfo(dtype).eps, atol=2e-6)
