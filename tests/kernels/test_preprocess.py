# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Resized, cropped and normalised images against Pillow and PyTorch's resize of levels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from imug_kernels import preprocess
from imug_kernels.reference import preprocess as reference
from PIL import Image
from torch import Tensor

IDENTITY = {"mean": [0.0] * 3, "std": [1 / 255] * 3}  # the result is the levels themselves


def images(*shape: int, seed: int = 0) -> Tensor:
    """Smooth shapes under noise: both large areas and hard edges."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 256, (shape[0], shape[1], 5, 5), generator=generator).float()
    smooth = torch.nn.functional.interpolate(coarse, size=shape[2:], mode="nearest")
    noise = torch.randint(-60, 61, shape, generator=generator)
    return (smooth + noise).clamp(0, 255).to(torch.uint8)


def by_pillow(image: Tensor, resize: tuple[int, int], crop: tuple[int, int], size: tuple[int, int]) -> Tensor:
    shown = Image.fromarray(image.permute(1, 2, 0).numpy())
    resized = np.asarray(shown.resize((resize[1], resize[0]), Image.Resampling.BICUBIC))
    return torch.tensor(resized).permute(2, 0, 1)[:, crop[0] : crop[0] + size[0], crop[1] : crop[1] + size[1]]


@pytest.mark.parametrize(
    ("shape", "size", "resize", "crop"),
    [
        ((37, 53), (16, 16), (16, 22), (0, 3)),
        ((53, 37), (24, 24), (34, 24), (5, 0)),
        ((20, 11), (24, 24), (44, 24), (10, 0)),
        ((90, 64), (7, 9), (13, 9), (2, 0)),
        ((16, 16), (16, 16), (16, 16), (0, 0)),
        ((1, 1), (3, 3), (3, 3), (0, 0)),
    ],
)
def test_levels_are_those_of_pillow(
    shape: tuple[int, int], size: tuple[int, int], resize: tuple[int, int], crop: tuple[int, int]
) -> None:
    batch = images(2, 3, *shape)
    found = preprocess(batch, size, resize=resize, crop=crop, **IDENTITY)
    for image, expected in zip(found, batch):
        difference = (image - by_pillow(expected, resize, crop, size)).abs()
        assert difference.max() <= 1.001
        assert (difference > 0.5).double().mean() < 0.02


@pytest.mark.parametrize(("shape", "resize", "crop"), [((40, 61), (20, 30), (0, 5)), ((61, 40), (30, 20), (5, 0))])
def test_default_covers_the_size_and_takes_its_centre(
    shape: tuple[int, int], resize: tuple[int, int], crop: tuple[int, int]
) -> None:
    batch = images(1, 3, *shape)
    expected = preprocess(batch, (20, 20), resize=resize, crop=crop, **IDENTITY)
    assert torch.equal(preprocess(batch, (20, 20), **IDENTITY), expected)


def test_levels_are_those_of_pytorch_on_levels() -> None:
    batch = images(3, 3, 45, 45)
    expected = torch.nn.functional.interpolate(batch, size=(19, 19), mode="bicubic", antialias=True)
    torch.testing.assert_close(preprocess(batch, (19, 19), **IDENTITY), expected.float(), rtol=0, atol=1.001)


def test_bilinear_levels_are_those_of_pillow() -> None:
    batch = images(2, 3, 37, 53)
    found = preprocess(batch, (16, 16), resize=(16, 22), crop=(0, 3), interpolation="bilinear", **IDENTITY)
    for image, source in zip(found, batch):
        shown = Image.fromarray(source.permute(1, 2, 0).numpy()).resize((22, 16), Image.Resampling.BILINEAR)
        difference = (image - torch.tensor(np.asarray(shown)).permute(2, 0, 1)[:, :, 3:19]).abs()
        assert difference.max() <= 1.001
        assert (difference > 0.5).double().mean() < 0.02


def test_normalisation_by_channel() -> None:
    batch, mean, std = images(2, 3, 12, 12), [0.48, 0.45, 0.4], [0.26, 0.25, 0.27]
    expected = (batch / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    torch.testing.assert_close(preprocess(batch, (12, 12), mean, std), expected, rtol=0, atol=2e-6)


def test_channels_last_gives_the_same() -> None:
    batch = images(2, 3, 30, 41)
    last = batch.permute(0, 2, 3, 1).contiguous()
    expected = preprocess(batch, (16, 16), **IDENTITY)
    assert torch.equal(preprocess(last, (16, 16), layout="nhwc", **IDENTITY), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_result_is_rounded_once(dtype: torch.dtype) -> None:
    batch, options = images(2, 3, 30, 41), {"mean": [0.5] * 3, "std": [0.3] * 3}
    found = preprocess(batch, (16, 16), dtype=dtype, **options)
    assert torch.equal(found, preprocess(batch, (16, 16), **options).to(dtype))


def test_batches_larger_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = images(5, 3, 20, 20)
    expected = preprocess(batch, (8, 8), **IDENTITY)
    monkeypatch.setattr(reference, "LEVELS_PER_CHUNK", 2500)
    assert torch.equal(preprocess(batch, (8, 8), **IDENTITY), expected)


def test_no_images_give_no_pixels() -> None:
    assert preprocess(torch.zeros(0, 3, 9, 9, dtype=torch.uint8), (4, 4), **IDENTITY).shape == (0, 3, 4, 4)


def test_one_channel() -> None:
    assert preprocess(images(1, 1, 9, 9), (4, 4), [0.0], [1.0]).shape == (1, 1, 4, 4)


def test_compiles_into_one_graph() -> None:
    batch = images(2, 3, 21, 17)
    compiled = torch.compile(lambda x: preprocess(x, (8, 8), **IDENTITY) * 2, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(batch), 2 * preprocess(batch, (8, 8), **IDENTITY))
