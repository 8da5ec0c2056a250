# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which pipelines of other libraries are batched, and which are called themselves."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from imug_metrics.encoders import Preprocessing
from imug_metrics.encoders.library_pipeline import first_equal, from_compose, read_steps
from imug_metrics.encoders.preprocessing import LibraryPreprocessing
from imug_metrics.encoders.transformers import _preprocessing as from_transformers

transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")

BICUBIC, LANCZOS = transforms.InterpolationMode.BICUBIC, transforms.InterpolationMode.LANCZOS
NORMALIZE = transforms.Normalize((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))


def compose(*steps):
    return transforms.Compose([*steps, transforms.ToTensor(), NORMALIZE])


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_resize_is_done_as_the_transform_says_whatever_the_configuration_does(interpolation):
    """timm has handed its interpolation to the resize of models that are not square since 1.0.31, and not before."""
    data = pytest.importorskip("timm.data.transforms", reason="timm is not installed")
    transform = compose(data.ResizeKeepRatio((40, 50), interpolation=interpolation), transforms.CenterCrop((32, 48)))
    prepare = from_compose(transform, "timm", "{'interpolation': 'bicubic'}")
    assert isinstance(prepare, Preprocessing)
    assert (prepare.size, prepare.resize, prepare.interpolation) == ((32, 48), (40, 50), interpolation)


def test_sizes_mean_and_filter_are_those_of_the_steps():
    prepare = from_compose(compose(transforms.Resize(40, BICUBIC), transforms.CenterCrop(32)), "own", "")
    assert prepare.resize == (40, 40)
    assert (prepare.size, prepare.mode, prepare.interpolation) == ((32, 32), "shortest", "bicubic")
    assert (prepare.mean, prepare.std) == (NORMALIZE.mean, NORMALIZE.std)
    squash = from_compose(compose(transforms.Resize((24, 32), BICUBIC)), "own", "")
    assert (squash.size, squash.resize, squash.mode) == ((24, 32), (24, 32), "squash")


class Flip(torch.nn.Module):
    def forward(self, image):
        return transforms.functional.hflip(image)


class ShiftedCrop(transforms.CenterCrop):
    """A crop under the same name, as another release might make it."""

    def forward(self, image):
        return transforms.functional.crop(image, 0, 0, *self.size)


ShiftedCrop.__name__ = "CenterCrop"


@pytest.mark.parametrize(
    "transform",
    [
        compose(transforms.Resize(40, BICUBIC), Flip(), transforms.CenterCrop(32)),
        compose(transforms.CenterCrop(32), transforms.Resize(40, BICUBIC)),
        compose(transforms.Resize(40, BICUBIC)),
        compose(transforms.Resize(40, LANCZOS), transforms.CenterCrop(32)),
        compose(transforms.Resize(40, BICUBIC, max_size=50), transforms.CenterCrop(32)),
        compose(transforms.Resize(40, BICUBIC), transforms.Resize(32, BICUBIC), transforms.CenterCrop(32)),
        compose(transforms.Resize(40, BICUBIC), ShiftedCrop(32)),
        transforms.Compose([transforms.Resize((32, 32), BICUBIC), transforms.PILToTensor(), lambda image: image / 2]),
        lambda image: transforms.functional.pil_to_tensor(image).float()[:, :8, :8],
    ],
    ids=["another step", "other order", "no fixed size", "filter", "option", "twice", "same name", "scale", "function"],
)
def test_what_is_not_read_for_certain_is_left_to_the_library(transform):
    prepare = from_compose(transform, "own", "settings")
    assert isinstance(prepare, LibraryPreprocessing)
    assert prepare.backend == "own"
    image = torch.randint(0, 256, (3, 50, 60), dtype=torch.uint8)
    expected = transform(Image.fromarray(image.permute(1, 2, 0).numpy()))
    assert torch.equal(prepare([image])[0], expected)


@pytest.mark.parametrize(
    "options",
    [{"longest": 0.5}, {"random_scale_prob": 0.5}, {"random_aspect_prob": 0.5}, {"interpolation": "random"}, {}],
    ids=["in between", "random scale", "random aspect", "random filter", "square"],
)
def test_a_resize_that_keeps_the_ratio_otherwise_is_not_read(options):
    data = pytest.importorskip("timm.data.transforms", reason="timm is not installed")
    size = (40, 50) if options else (40, 40)
    assert read_steps(compose(data.ResizeKeepRatio(size, **options), transforms.CenterCrop(32))) is None


def test_a_batched_form_with_other_pixels_is_not_taken():
    right = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3, resize=(40, 40))
    library = LibraryPreprocessing("own", right, "")
    for field, value in (
        ("mean", (0.5, 0.5, 0.45)),
        ("std", (0.5, 0.5, 0.4)),
        ("resize", (41, 41)),
        ("size", (31, 32)),
        ("interpolation", "bilinear"),
        ("half_pixel_crop", "floor"),
        ("mode", "squash"),
    ):
        wrong = Preprocessing(**{**vars(right), field: value})
        assert first_equal([wrong], library) is library
        assert first_equal([wrong, right], library) is right


@pytest.fixture
def processors():
    return pytest.importorskip("transformers", reason="transformers is not installed")


def test_processors_with_other_steps_are_left_alone(processors):
    class Flipped(processors.CLIPImageProcessor):
        def preprocess(self, *args, **kwargs):
            prepared = super().preprocess(*args, **kwargs)
            return {"pixel_values": torch.as_tensor(prepared["pixel_values"]).flip(-1)}

    class Masked(processors.CLIPImageProcessor):
        def preprocess(self, *args, **kwargs):
            return {**super().preprocess(*args, **kwargs), "pixel_mask": torch.ones(1)}

    class Pairing(processors.CLIPImageProcessor):
        def preprocess(self, images, *args, **kwargs):
            raise ValueError("Expected two images.")

    crop = {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}
    for processor in (
        processors.ConvNextImageProcessor(),
        processors.CLIPImageProcessor(do_center_crop=False),
        processors.CLIPImageProcessor(resample=1),
        processors.LevitImageProcessor(**crop),
        processors.EfficientNetImageProcessor(size={"height": 32, "width": 32}, resample=3),
        processors.MobileViTImageProcessor(**crop),
        Flipped(**crop),
        Masked(**crop),
        Pairing(**crop),
    ):
        assert from_transformers(processor).backend == type(processor).__name__


def test_any_processor_that_only_resizes_and_crops_is_batched(processors):
    """Whatever its name: what it does is tried, not looked up."""
    for processor in (
        processors.BlipImageProcessor(size={"height": 32, "width": 40}),
        processors.SegformerImageProcessor(size={"height": 32, "width": 40}),
        processors.CLIPImageProcessor(size={"shortest_edge": 40}, crop_size={"height": 32, "width": 30}),
    ):
        assert from_transformers(processor).backend == "imug_kernels"


def test_where_a_processor_crops_at_half_a_pixel_is_tried():
    processors = pytest.importorskip("transformers", minversion="5", reason="its processors crop arrays before that")

    class Rounding(processors.CLIPImageProcessor):
        def center_crop(self, image, size, **kwargs):
            return transforms.functional.center_crop(image, (size["height"], size["width"]))

    options = {"size": {"shortest_edge": 40}, "crop_size": {"height": 33, "width": 33}}
    halves = [from_transformers(kind(**options)).half_pixel_crop for kind in (processors.CLIPImageProcessor, Rounding)]
    assert halves == ["floor", "round"]
