# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings of boxes, masks, faces and backgrounds."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchmetrics import MetricCollection

from imug_metrics import TurnConsistency
from imug_metrics.encoders import CallableEncoder, ImageRegion, OpenClipEncoder, RegionEncoder, TransformersEncoder
from imug_metrics.encoders.fingerprint import lasting_fingerprint
from imug_metrics.encoders.timm import TimmEncoder

BOX = (40, 30, 140, 130)


def colours() -> CallableEncoder:
    """Mean colour of an image of any size."""
    return CallableEncoder(
        lambda images: torch.stack([image.float().mean((1, 2)) for image in images]),
        texts=lambda texts: torch.ones(len(texts), 3),
        name="colours",
        fingerprint="colours",
    )


def scene(subject: tuple[int, int, int], around: tuple[int, int, int], place: tuple[int, int, int, int]) -> np.ndarray:
    """A rectangle of one colour before another."""
    left, top, right, bottom = place
    image = np.full((160, 200, 3), around, dtype=np.uint8)
    image[top:bottom, left:right] = subject
    return image


def mask_of(place: tuple[int, int, int, int], height: int = 160, width: int = 200) -> np.ndarray:
    left, top, right, bottom = place
    mask = np.zeros((height, width), dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.fixture(scope="module", params=["transformers", "open_clip", "timm"])
def vit(request: pytest.FixtureRequest):
    """A small random ViT of each library that sees 32 x 32 pixels (28 for DINOv2) squashed or cropped."""
    if request.param == "transformers":
        transformers = pytest.importorskip("transformers")
        torch.manual_seed(0)
        config = transformers.Dinov2WithRegistersConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7
        )
        processor = transformers.BitImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
        return TransformersEncoder(transformers.Dinov2WithRegistersModel(config), processor, pooling="mean")
    if request.param == "open_clip":
        return OpenClipEncoder(f"local-dir:{request.getfixturevalue('open_clip_folder')}")
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    return TimmEncoder(timm.create_model("test_vit", pretrained=False))


def patches(encoder, image: np.ndarray) -> Tensor:
    with torch.no_grad():
        return encoder._patch_forward(encoder._pixels([torch.from_numpy(image).permute(2, 0, 1)]))[0]


def test_a_box_is_the_crop(photographs):
    image = photographs["astronaut"]
    crop = image[BOX[1] : BOX[3], BOX[0] : BOX[2]]
    encoder = colours()
    expected = encoder.encode_images([torch.from_numpy(crop.copy()).permute(2, 0, 1)])
    batch = torch.from_numpy(image)[None].permute(0, 3, 1, 2)
    for found in (
        RegionEncoder(encoder, BOX).encode_images([image]),
        RegionEncoder(encoder, BOX).encode_images(batch),
        RegionEncoder(encoder, lambda image: torch.tensor(BOX)).encode_images([image]),
        RegionEncoder(encoder).encode_images([ImageRegion(image, box=BOX)]),
        RegionEncoder(encoder, lambda image: [(0, 0, 3, 3), BOX, (5, 5, 9, 9)]).encode_images([image]),
        RegionEncoder(encoder, (40.9, 30.2, 139.1, 129.5)).encode_images([image]),
    ):
        assert torch.equal(found, expected)


def test_boxes_are_cut_at_the_edge():
    image = scene((200, 0, 0), (0, 0, 0), (0, 0, 20, 160))
    found = RegionEncoder(colours(), (-50, -5, 20, 900)).encode_images([image])
    assert found.tolist() == [[200, 0, 0]]


def test_the_whole_image_is_a_region_too(photographs):
    images = list(photographs.values())
    plain = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
    assert torch.equal(RegionEncoder(colours(), "full").encode_images(images), colours().encode_images(plain))


def test_encoders_without_regions_see_the_whole_image(open_clip_folder, photographs):
    encoder = OpenClipEncoder(f"local-dir:{open_clip_folder}")
    image = photographs["chelsea"]
    assert torch.equal(encoder.encode_images([ImageRegion(image, box=BOX)]), encoder.encode_images([image]))


def test_a_mask_pools_the_patches_under_it(vit, photographs):
    image = photographs["astronaut"][:448, :448]
    maps = patches(vit, image)
    rows, columns = maps.shape[-2:]
    step = (448 // rows, 448 // columns)
    mask = np.zeros((448, 448), dtype=bool)
    mask[: step[0], : 2 * step[1]] = True
    found = RegionEncoder(vit, mask).encode_images([image])
    centre = vit.preprocessing.resize == vit.preprocessing.size  # otherwise the crop moves the patches
    if centre:
        torch.testing.assert_close(found[0], maps[:, 0, :2].mean(1), rtol=0, atol=1e-5)
    # Whole and complement add up: the mean over everything is their mean weighted by area.
    whole = RegionEncoder(vit, np.ones((448, 448), dtype=bool)).encode_images([image])
    torch.testing.assert_close(whole[0], maps.mean((1, 2)), rtol=0, atol=1e-5)
    behind = RegionEncoder(vit, mask, background=True).encode_images([image])
    share = float(vit.preprocessing.coverage([torch.from_numpy(mask)]).mean())
    assert 0 < share < 1
    torch.testing.assert_close(share * found + (1 - share) * behind, whole, rtol=0, atol=1e-4)


def test_a_full_mask_is_the_mean_of_all_patches(assorted):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7
    )
    processor = transformers.BitImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28})
    encoder = TransformersEncoder(transformers.Dinov2Model(config), processor, pooling="mean")
    full = RegionEncoder(encoder, lambda image: torch.ones(image.shape[1:]))
    torch.testing.assert_close(full.encode_images(assorted), encoder.encode_images(assorted), rtol=0, atol=1e-5)


def test_masks_of_every_kind_agree(vit, photographs, tmp_path):
    image = photographs["chelsea"]
    mask = mask_of(BOX, *image.shape[:2])
    Image.fromarray(mask).save(tmp_path / "mask.png")
    expected = RegionEncoder(vit).encode_images([ImageRegion(image, mask=mask)])
    assert expected.isfinite().all()
    for same in (torch.from_numpy(mask), mask.astype(np.uint8), mask.astype(np.float32), tmp_path / "mask.png"):
        assert torch.equal(RegionEncoder(vit).encode_images([ImageRegion(image, mask=same)]), expected)
    assert torch.equal(RegionEncoder(vit, lambda image: mask).encode_images([image]), expected)


def test_the_background_of_a_box_is_pooled_outside_it(vit, photographs):
    image = photographs["chelsea"]
    mask = mask_of(BOX, *image.shape[:2])
    by_mask = RegionEncoder(vit, ~mask).encode_images([image])
    assert torch.allclose(RegionEncoder(vit, BOX, background=True).encode_images([image]), by_mask, atol=1e-5)


def test_paint_hides_the_rest_from_any_encoder():
    image = scene((200, 0, 0), (0, 0, 200), BOX)
    subject = RegionEncoder(colours(), mask_of(BOX), masking="paint").encode_images([image])
    assert subject.tolist() == [[200, 0, 0]]
    behind = RegionEncoder(colours(), BOX, background=True, masking="paint").encode_images([image])[0]
    share = 100 * 100 / (160 * 200)
    assert behind.tolist() == pytest.approx([127 * share, 127 * share, 127 * share + 200 * (1 - share)], rel=1e-5)


def test_nothing_found_is_undefined_and_lowers_the_coverage(vit):
    def find(image: Tensor):
        return None if image[0].max() < 100 else (image[0] > 100)

    red, black = scene((200, 0, 0), (0, 0, 0), BOX), scene((0, 0, 0), (0, 0, 0), BOX)
    encoder = RegionEncoder(vit, find)
    found = encoder.encode_images([red, black, red])
    assert found.isfinite().all(1).tolist() == [True, False, True]
    assert encoder.encode_images([black]).shape == (1, encoder.dim)
    metric = TurnConsistency(encoder=encoder, detail=True)
    metric.update([[red, red, black]])
    scores = metric.compute()
    assert float(scores["turn_consistency"]) == pytest.approx(1, abs=1e-6)
    assert float(scores["turn_consistency_coverage"]) == pytest.approx(2 / 3)


def test_no_background_is_left_behind_a_full_mask():
    image = scene((200, 0, 0), (0, 0, 0), BOX)
    for masking in ("paint", "pool"):
        encoder = RegionEncoder(colours(), (0, 0, 200, 160), background=True, masking=masking)
        assert encoder.encode_images([image]).isnan().all()


def test_boxes_that_are_no_numbers_are_not_taken():
    image = scene((200, 0, 0), (0, 0, 200), BOX)
    encoder = RegionEncoder(colours(), lambda image: torch.tensor([[float("nan")] * 4, [*map(float, BOX)]]))
    assert encoder.encode_images([image]).tolist() == [[200, 0, 0]]


def test_functions_without_a_fingerprint_mean_nothing_in_another_process():
    assert lasting_fingerprint(RegionEncoder(colours(), lambda image: BOX)) is None
    assert lasting_fingerprint(RegionEncoder(colours(), lambda image: BOX, fingerprint="mine")) is not None
    assert lasting_fingerprint(RegionEncoder(colours(), BOX)) is not None


def test_the_subject_stays_while_its_surroundings_change():
    """Identity beside leakage: two scores of the same images."""
    places = [(10, 10, 90, 90), (100, 40, 180, 120), (60, 70, 140, 150)]
    around = [(250, 10, 10), (10, 250, 10), (10, 10, 250)]
    images = [[ImageRegion(scene((200, 200, 20), c, p), box=p) for p, c in zip(places, around)]]
    metrics = MetricCollection(
        {
            "subject": TurnConsistency(encoder=RegionEncoder(colours(), masking="paint")),
            "behind": TurnConsistency(encoder=RegionEncoder(colours(), background=True, masking="paint")),
            "whole": TurnConsistency(encoder=RegionEncoder(colours(), "full")),
        }
    )
    metrics.update(images)
    scores = {name: float(value) for name, value in metrics.compute().items()}
    assert scores["subject"] == pytest.approx(1, abs=1e-6)
    assert scores["behind"] < scores["whole"] < scores["subject"]


def test_fingerprints_and_names_tell_regions_apart():
    inner = colours()
    regions = [
        RegionEncoder(inner),
        RegionEncoder(inner, "full"),
        RegionEncoder(inner, BOX),
        RegionEncoder(inner, BOX, background=True),
        RegionEncoder(inner, BOX, masking="paint"),
        RegionEncoder(inner, mask_of(BOX)),
        RegionEncoder(inner, ~mask_of(BOX)),
        RegionEncoder(inner, lambda image: BOX),
        RegionEncoder(inner, lambda image: BOX),
        RegionEncoder(inner, lambda image: BOX, fingerprint="mine"),
    ]
    assert len({region.fingerprint for region in regions}) == len(regions)
    assert RegionEncoder(inner, BOX).fingerprint == regions[2].fingerprint
    assert RegionEncoder(inner, len, fingerprint="mine").fingerprint == regions[-1].fingerprint
    assert regions[3].name == "colours[box 40, 30, 140, 130, background]"
    assert copy.deepcopy(regions[0]) is regions[0]


def test_texts_and_attributes_are_the_encoders(open_clip_folder):
    inner = OpenClipEncoder(f"local-dir:{open_clip_folder}", batch_size=3)
    region = RegionEncoder(inner, BOX)
    assert torch.equal(region.encode_texts(["a star"]), inner.encode_texts(["a star"]))
    assert (region.logit_scale, region.logit_bias, region.batch_size) == (inner.logit_scale, inner.logit_bias, 3)
    assert region.to("cpu") is region
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = region.colour


def test_gradients_reach_the_region_alone(open_clip_folder):
    inner = OpenClipEncoder(f"local-dir:{open_clip_folder}", differentiable=True)
    for encoder in (RegionEncoder(inner, (8, 8, 40, 40)), RegionEncoder(inner, mask_of((8, 8, 40, 40), 64, 64))):
        images = torch.rand(2, 3, 64, 64, requires_grad=True)
        encoder.encode_images(images).square().sum().backward()
        assert images.grad[:, :, 8:40, 8:40].abs().sum() > 0
        if encoder.region.ndim == 1:
            assert images.grad[:, :, 44:].abs().sum() == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RegionEncoder(colours(), "body"), TypeError, "`region`.*'body'"),
        (lambda: RegionEncoder(colours(), "face"), TypeError, "`region`.*'face'.*FaceEncoder"),
        (lambda: RegionEncoder(colours(), (1, 2, 3)), TypeError, r"`region`.*got \[3\]"),
        (lambda: RegionEncoder(colours(), "full", background=True), ValueError, "leave a background"),
        (lambda: RegionEncoder(colours(), masking="blur"), ValueError, "`masking`.*'blur'"),
    ],
)
def test_wrong_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("encoder", "images", "error", "message"),
    [
        (RegionEncoder(colours()), [scene((0, 0, 0), (0, 0, 0), BOX)], ValueError, "ImageRegion.*row 0"),
        (
            RegionEncoder(colours(), np.ones((3, 3))),
            [scene((0, 0, 0), (0, 0, 0), BOX)],
            ValueError,
            r"\[160, 200\].*row",
        ),
        (RegionEncoder(colours(), mask_of(BOX)), [scene((0, 0, 0), (0, 0, 0), BOX)], TypeError, "`masking`.*paint"),
        (RegionEncoder(colours(), BOX), "cat.png", TypeError, "got a single str"),
    ],
)
def test_wrong_images_are_named(encoder, images, error, message):
    with pytest.raises(error, match=message):
        encoder.encode_images(images)


def test_boxes_and_masks_do_not_mix(vit, photographs):
    image = photographs["chelsea"]
    mixed = [ImageRegion(image, box=BOX), ImageRegion(image, mask=mask_of(BOX, *image.shape[:2]))]
    with pytest.raises(ValueError, match="boxes or masks, got both"):
        RegionEncoder(vit).encode_images(mixed)


def painted(mask) -> list[float]:
    image = scene((200, 0, 0), (0, 0, 200), BOX)
    return RegionEncoder(colours(), masking="paint").encode_images([ImageRegion(image, mask=mask)])[0].tolist()


@pytest.mark.parametrize(
    "mask",
    [
        mask_of(BOX),
        mask_of(BOX).tolist(),
        mask_of(BOX).astype(np.uint16) * 65535,
        mask_of(BOX).astype(np.uint32),
        mask_of(BOX).astype(">i4"),
        mask_of(BOX).astype(np.int8) * 2 - 1,  # above 0 is the subject
        mask_of(BOX).astype(np.float16),
        mask_of(BOX).astype(">f8") * (1 + 5e-4),
        torch.from_numpy(mask_of(BOX).astype(np.uint16)),
        torch.from_numpy(mask_of(BOX)).double(),
        Image.fromarray(mask_of(BOX)),
        Image.fromarray(mask_of(BOX).astype(np.uint16) * 65535),
    ],
)
def test_a_mask_of_any_type_is_read(mask):
    assert painted(mask) == [200, 0, 0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (mask_of(BOX) * 255.0, r"from 0 to 255 at row 0. Write `mask / 255`"),
        (mask_of(BOX) * 8.0 - 4, r"from -4 to 4 at row 0. Write `mask > 0`"),
        (mask_of(BOX) * np.nan, r"NaN at row 0. Write `mask > 0`"),
        (mask_of(BOX) * 65535.0, r"from 0 to 6.*Write `mask > 0`"),
        (mask_of(BOX)[None], r"got \[1, 160, 200\] at row 0. Write `mask\[0\]`"),
        (mask_of(BOX)[..., None], r"Write `mask\[..., 0\]`"),
        (np.stack([mask_of(BOX)] * 3), r"Write `mask\[0\]`, or pass the PIL image"),
        (np.stack([mask_of(BOX)] * 4, -1), r"Write `mask\[..., 0\]`, or pass the PIL image"),
        (mask_of(BOX).T, r"Write `mask.T`"),
        (mask_of(BOX)[:80, :100], r"got \[80, 100\] at row 0. Resize the mask"),
        (mask_of(BOX).astype(complex), "numbers, got complex128 at row 0"),
        (np.full((160, 200), "x"), "numbers, got <U1 at row 0"),
    ],
)
def test_a_mask_that_cannot_be_read_is_refused_with_the_cure(mask, message):
    with pytest.raises(ValueError, match=f"^Expected a region.*{message}"):
        painted(mask)


def test_updates_in_which_nothing_is_found_fit_those_with_pooled_tokens(open_clip_folder, photographs):
    """Tokens are wider than embeddings of images, which is not known before the first is pooled."""
    inner = OpenClipEncoder(f"local-dir:{open_clip_folder}")
    image = photographs["chelsea"]
    seen = iter([None, None, mask_of(BOX, *image.shape[:2]), mask_of(BOX, *image.shape[:2])])
    metric = TurnConsistency(encoder=RegionEncoder(inner, lambda image: next(seen)), detail=True)
    metric.update([[image, image]])
    metric.update([[image, image]])
    assert float(metric.compute()["turn_consistency_coverage"]) == pytest.approx(0.5)
