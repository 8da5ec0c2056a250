# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The batched preprocessing against each library's own pipeline, pixel by pixel."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imug_metrics.encoders import Preprocessing
from imug_metrics.encoders.openclip import _preprocessing as from_open_clip
from imug_metrics.encoders.timm import _preprocessing as from_timm
from imug_metrics.encoders.transformers import _preprocessing as from_transformers

MEAN, STD = (0.48, 0.45, 0.40), (0.26, 0.27, 0.28)


def tensors(images: list[np.ndarray]) -> list[Tensor]:
    return [torch.from_numpy(image).permute(2, 0, 1) for image in images]


def levels(pixels: Tensor, std: tuple[float, ...]) -> Tensor:
    """Normalised pixels in units of one of 255 levels."""
    return pixels * torch.tensor(std).view(3, 1, 1) * 255


def assert_same_pixels(ours: Tensor, reference: Tensor, std: tuple[float, ...]) -> None:
    """At most one level apart, and nearly everywhere equal; a crop or scale off by one pixel fails by far.

    Recent Pillow resizes columns before rows where that is less work, which moves some pixels of tall images. Where an
    image is enlarged, single pixels are two levels apart: the filter amplifies how the first pass was rounded.
    """
    assert ours.shape == reference.shape
    difference = levels(ours - reference, std).abs()
    assert difference.max() < 2.01
    assert (difference > 1.01).float().mean() < 1e-4
    assert (difference > 0.5).float().mean() < 0.05


@pytest.mark.parametrize("size", [32, (48, 32), (32, 40)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("mode", ["shortest", "longest"])
def test_open_clip_pipeline(assorted, mode, interpolation, size):
    transform = pytest.importorskip("open_clip.transform", reason="open_clip is not installed")
    config = transform.PreprocessCfg(size, "RGB", MEAN, STD, interpolation, mode, fill_color=7)
    reference = transform.image_transform_v2(config, is_train=False)
    ours = from_open_clip(vars(config))(tensors(assorted))
    assert_same_pixels(ours, torch.stack([reference(Image.fromarray(image)) for image in assorted]), STD)


def test_open_clip_squash_pipeline(photographs):
    transform = pytest.importorskip("open_clip.transform", reason="open_clip is not installed")
    config = transform.PreprocessCfg(32, "RGB", MEAN, STD, "bicubic", "squash")
    images = list(photographs.values())
    reference = transform.image_transform_v2(config, is_train=False)
    ours = from_open_clip(vars(config))(tensors(images))
    assert_same_pixels(ours, torch.stack([reference(Image.fromarray(image)) for image in images]), STD)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("crop_mode", ["center", "border"])
@pytest.mark.parametrize("crop_pct", [1.0, 0.875, 0.9, 1.1])
@pytest.mark.parametrize("size", [(32, 32), (31, 45)])
def test_timm_pipeline(assorted, size, crop_pct, crop_mode, interpolation):
    assert_timms_pixels(assorted, size, crop_pct, crop_mode, interpolation)


@pytest.mark.parametrize("crop_pct", [1.0, 0.875])
def test_timm_squash_pipeline(photographs, crop_pct):
    assert_timms_pixels(list(photographs.values()), (31, 45), crop_pct, "squash", "bicubic")


def assert_timms_pixels(images, size, crop_pct, crop_mode, interpolation):
    data = pytest.importorskip("timm.data", reason="timm is not installed")
    config = {
        "input_size": (3, *size),
        "interpolation": interpolation,
        "mean": MEAN,
        "std": STD,
        "crop_pct": crop_pct,
        "crop_mode": crop_mode,
    }
    reference = data.create_transform(**config)
    ours = from_timm(config)
    assert isinstance(ours, Preprocessing)
    assert_same_pixels(ours(tensors(images)), torch.stack([reference(Image.fromarray(image)) for image in images]), STD)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("CLIPImageProcessor", {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}),
        ("CLIPImageProcessor", {"size": {"shortest_edge": 37}, "crop_size": {"height": 32, "width": 30}}),
        ("CLIPImageProcessor", {"size": {"shortest_edge": 30}, "crop_size": {"height": 34, "width": 34}}),
        ("BitImageProcessor", {"size": {"shortest_edge": 36}, "crop_size": {"height": 28, "width": 28}}),
        ("ViTImageProcessor", {"size": {"height": 20, "width": 20}, "resample": 2, "do_normalize": False}),
        ("DeiTImageProcessor", {"size": {"height": 19, "width": 19}, "crop_size": {"height": 16, "width": 16}}),
        ("SiglipImageProcessor", {"size": {"height": 20, "width": 20}, "rescale_factor": 1 / 127.5}),
    ],
)
def test_transformers_pipeline(assorted, kind, options):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    processor = getattr(transformers, kind)(**options)
    reference = torch.cat(
        [processor(images=Image.fromarray(image), return_tensors="pt").pixel_values for image in assorted]
    )
    std = processor.image_std if processor.do_normalize else (1.0,) * 3
    unit = tuple(value / (processor.rescale_factor * 255) for value in std)
    ours = from_transformers(processor)(tensors(assorted))
    # The processor itself in those releases that pad an odd rest on the other side.
    assert_same_pixels(ours if isinstance(ours, Tensor) else ours["pixel_values"], reference, unit)


def test_floats_agree_with_levels(assorted):
    prepare = Preprocessing(size=(32, 32), mean=MEAN, std=STD, resize=(36, 36))
    images = tensors(assorted[:-1])
    difference = prepare(images) - prepare([image.float() / 255 for image in images])
    # Rounding to levels and clipping between the two passes are all that differs.
    assert levels(difference, STD).abs().mean() < 0.5


def test_float32_arithmetic_agrees_with_integers(assorted):
    """Accelerators have no integer resize: force their path and compare."""
    from imug_metrics.encoders import preprocessing

    for interpolation, image in itertools.product(("bicubic", "bilinear"), tensors(assorted[:-1])):
        size = (math.ceil(image.shape[1] * 0.4), math.ceil(image.shape[2] * 0.4))
        integers = preprocessing._resize(image[None], size, interpolation)
        floats = preprocessing._resize_as_floats(image[None], size, interpolation)
        difference = (integers.int() - floats.int()).abs()
        assert integers.dtype == floats.dtype == torch.uint8
        assert difference.max() <= 1
        assert (difference > 0).float().mean() < 0.02


def test_mixed_sizes_equal_one_by_one(assorted):
    prepare = Preprocessing(size=(30, 32), mean=MEAN, std=STD, resize=(36, 36))
    images = tensors([assorted[0], assorted[1], assorted[0][::-1].copy(), assorted[2]])
    assert torch.equal(prepare(images), torch.cat([prepare([image]) for image in images]))


def test_large_stacks_are_resized_in_parts(monkeypatch):
    from imug_metrics.encoders import preprocessing

    prepare = Preprocessing(size=(4, 4), mean=MEAN, std=STD, resize=(4, 4))
    images = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    whole = prepare(images)
    monkeypatch.setattr(preprocessing, "_PIXELS_PER_RESIZE", 130)
    assert torch.equal(prepare(images), whole)


def test_float_images_get_gradients():
    prepare = Preprocessing(size=(4, 4), mean=MEAN, std=STD, resize=(6, 6))
    images = torch.rand(2, 3, 8, 9, requires_grad=True)
    prepare(images).square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize(("field", "value"), [("mode", "widest"), ("interpolation", "lanczos")])
def test_unknown_settings_are_refused(field, value):
    with pytest.raises(ValueError, match=f"`{field}`.*{value}"):
        Preprocessing(size=(4, 4), mean=MEAN, std=STD, resize=(4, 4), **{field: value})


def test_padding_is_done_by_torch_and_the_rest_by_one_kernel(monkeypatch):
    from imug_metrics.encoders import preprocessing

    calls = []
    real = preprocessing.preprocess
    monkeypatch.setattr(preprocessing, "preprocess", lambda *args, **kwargs: calls.append(1) or real(*args, **kwargs))
    sizes = [(40, 30), (20, 50), (40, 30)]
    images = [torch.zeros(3, *size, dtype=torch.uint8) for size in sizes]
    for mode, backend, count in (
        ("shortest", "imug_kernels", 2),
        ("squash", "imug_kernels", 2),
        ("longest", "torch", 0),
    ):
        prepare = Preprocessing(size=(16, 16), mean=MEAN, std=STD, resize=(16, 16), mode=mode)
        calls.clear()
        assert prepare(images).shape == (3, 3, 16, 16)
        assert (prepare.backend, len(calls)) == (backend, count)
    assert Preprocessing(size=(16, 16), mean=MEAN, std=STD, resize=(8, 8)).backend == "torch"


@pytest.mark.parametrize(("mode", "share"), [("shortest", 3 / 8), ("squash", 1 / 4), ("longest", 1 / 6)])
def test_masks_take_the_way_of_their_images(mode, share):
    """A white rectangle and its mask end in the same place."""
    prepare = Preprocessing(size=(24, 24), mean=(0.0,) * 3, std=(1.0,) * 3, resize=(24, 24), mode=mode)
    image = torch.zeros(3, 96, 144, dtype=torch.uint8)
    image[:, 24:72, 36:108] = 255
    mask = (image[0] > 0).float()
    coverage = prepare.coverage([mask, mask.T])
    assert coverage.shape == (2, 1, 24, 24)
    assert (coverage[0, 0] - prepare([image])[0, 0]).abs().max() < 0.25
    assert (coverage[1, 0] - prepare([image.mT])[0, 0]).abs().max() < 0.25
    assert coverage.mean((1, 2, 3)).tolist() == pytest.approx([share] * 2)


@pytest.mark.gpu
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_gpu_prepares_as_a_cpu_does(assorted, interpolation):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for mode in ("shortest", "squash", "longest"):
        prepare = Preprocessing((32, 40), MEAN, STD, resize=(36, 44), mode=mode, interpolation=interpolation)
        assert_same_pixels(prepare(tensors(assorted), "cuda").cpu(), prepare(tensors(assorted)), STD)
