# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every kind of image input gives the same pixels, and every bad one an error that says where."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.media.images import ImageRegion, group_by_size, image_batches, load_image

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
CHANNELS_FIRST = torch.from_numpy(PIXELS).permute(2, 0, 1)


def decode(images, **options):
    return [image for batch in image_batches(images, 4, **options) for image in batch]


@pytest.mark.parametrize(
    "image",
    [PIXELS, Image.fromarray(PIXELS), CHANNELS_FIRST, torch.from_numpy(PIXELS), CHANNELS_FIRST.numpy()],
    ids=["array", "PIL", "tensor", "tensor with channels last", "array with channels first"],
)
def test_kinds_agree(image):
    assert torch.equal(decode([image])[0], CHANNELS_FIRST)


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp"])
def test_lossless_files_agree(tmp_path: Path, suffix: str):
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(PIXELS).save(path, **({"lossless": True} if suffix == "webp" else {}))
    assert torch.equal(decode([path])[0], CHANNELS_FIRST)
    assert torch.equal(decode([str(path)])[0], CHANNELS_FIRST)
    assert torch.equal(decode([path.read_bytes()])[0], CHANNELS_FIRST)


def test_batch_layouts_agree():
    first = CHANNELS_FIRST.expand(6, -1, -1, -1)
    last = first.permute(0, 2, 3, 1)
    for batch in (first, last, first.numpy(), last.numpy(), last.numpy()[::-1]):
        assert torch.equal(torch.stack(decode(batch)), first)


def test_floats_are_kept_as_they_are():
    images = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    assert torch.equal(torch.stack(decode(images)), images.float())


def test_batches_keep_order_and_size():
    images = [np.full((2, 2, 3), row, dtype=np.uint8) for row in range(7)]
    batches = list(image_batches(iter(images), 3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert [int(image[0, 0, 0]) for batch in batches for image in batch] == list(range(7))


def test_files_are_read_batch_by_batch(tmp_path: Path):
    Image.fromarray(PIXELS).save(tmp_path / "good.png")
    batches = image_batches([tmp_path / "good.png", tmp_path / "missing.png"], 1)
    assert len(next(batches)) == 1
    with pytest.raises(ValueError, match="row 1"):
        next(batches)


def test_no_images():
    assert decode([]) == decode(torch.zeros(0, 3, 4, 4)) == []


def test_transparency_is_laid_over_white():
    half = Image.new("RGBA", (2, 2), (0, 0, 0, 128))
    assert decode([half])[0].unique().tolist() == [127]
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.info["transparency"] = 1
    assert decode([palette])[0].unique().tolist() == [255]
    assert decode([np.zeros((2, 2, 4), dtype=np.uint8)])[0].unique().tolist() == [255]


def test_grey_and_16_bit_images():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3) * 50
    expected = torch.from_numpy(grey).expand(3, -1, -1)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    for image in (grey, grey[..., None], Image.fromarray(grey), deep):
        assert torch.equal(decode([image])[0], expected)


def test_exif_orientation_is_applied(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    Image.fromarray(PIXELS).save(tmp_path / "turned.png", exif=exif)
    turned = torch.from_numpy(np.rot90(PIXELS, -1).copy()).permute(2, 0, 1)
    assert torch.equal(decode([tmp_path / "turned.png"])[0], turned)
    assert torch.equal(decode([Image.open(tmp_path / "turned.png")])[0], turned)


def test_groups_hold_every_row_once():
    sizes = [(2, 2), (3, 2), (2, 2), (2, 3), (3, 2)]
    images = [torch.full((3, *size), row, dtype=torch.uint8) for row, size in enumerate(sizes)]
    groups = group_by_size(images)
    assert sorted(row for rows, _ in groups for row in rows.tolist()) == list(range(5))
    assert all(image[0, 0, 0] == row for rows, stack in groups for row, image in zip(rows.tolist(), stack, strict=True))


def huge_png(path: Path, side: int) -> Path:
    """A file of a few bytes whose header announces ``side`` x ``side`` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [9_000, 100_000])
def test_bombs_are_refused_before_decoding(tmp_path: Path, side: int):
    bomb = huge_png(tmp_path / "bomb.png", side)
    with pytest.raises(ValueError, match=r"row 1 \(.*bomb.png\)|pixels an image, got 9000 x 9000 at row 1"):
        decode([PIXELS, bomb])


def test_size_limit_is_an_argument():
    for image in (PIXELS, Image.fromarray(PIXELS), CHANNELS_FIRST):
        assert len(decode([image], max_pixels=35)) == 1
        with pytest.raises(ValueError, match="at most 34 pixels an image, got 7 x 5 at row 0"):
            decode([image], max_pixels=34)


@pytest.mark.parametrize("side", [9_000, 100_000])
def test_contents_of_files_are_under_the_same_limit(tmp_path: Path, side: int):
    bomb = huge_png(tmp_path / "bomb.png", side)
    with pytest.raises(ValueError, match=r"at row 1"):
        decode([PIXELS, bomb.read_bytes()])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"no image", "no image of a known format"),
        (b"<svg width='8'/>", "SVG"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"<!doctype html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"data:image/png;base64,iVBORw0", "data URI"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "no image of a known format"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"\x00" * 64, "no image of a known format"),
    ],
)
def test_contents_that_are_no_image_are_refused_with_the_row_and_the_cure(content: bytes, message: str):
    with pytest.raises(ValueError, match=f"(?s)at row 1.*{message}"):
        decode([PIXELS, content])


def test_unreadable_files_are_named(tmp_path: Path):
    (tmp_path / "text.png").write_text("not an image")
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:5000])
    for name in ("text.png", "cut.png", "missing.png"):
        with pytest.raises(ValueError, match=rf"`images`.*at row 2 \(.*{name}\)"):
            decode([PIXELS, PIXELS, tmp_path / name])


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ("cat.png", TypeError, "got a single str"),
        (Image.fromarray(PIXELS), TypeError, "got a single Image"),
        (7, TypeError, "got a single int"),
        ([PIXELS, None], TypeError, "got NoneType at row 1"),
        (CHANNELS_FIRST, ValueError, r"shape \[N, 3, H, W\].*got \[3, 5, 7\]"),
        (torch.zeros(2, 4, 5, 5), ValueError, r"got \[2, 4, 5, 5\]"),
        (torch.zeros(2, 5, 5, 5), ValueError, r"\[N, H, W, 3\], got \[2, 5, 5, 5\]"),
        (torch.zeros(2, 3, 0, 5), ValueError, r"got \[2, 3, 0, 5\]"),
        ([PIXELS, np.zeros((5, 7), dtype=np.float32)], ValueError, r"got \[5, 7\] at row 1"),
        (torch.zeros(2, 3, 5, 5, dtype=torch.int64), ValueError, "uint8 or floating point, got int64"),
        (torch.stack([torch.zeros(3, 4, 4), torch.full((3, 4, 4), 200.0)]), ValueError, "from 0 to 200 at row 1"),
        ([torch.full((3, 4, 4), -0.5)], ValueError, r"in \[0, 1\].*at row 0"),
        (torch.full((1, 3, 4, 4), float("nan")), ValueError, "got NaN at row 0"),
        ([Image.new("F", (2, 2))], ValueError, "PIL mode F at row 0"),
    ],
)
def test_errors_name_argument_row_and_expectation(images, error, message):
    with pytest.raises(error, match=message) as caught:
        decode(images)
    assert "Expected argument `images`" in str(caught.value)


def test_load_image_is_independent_of_its_source():
    image = load_image(PIXELS.copy(), row=0)
    image.zero_()
    assert PIXELS.any()


def test_a_format_whose_decoder_interprets_programs_is_refused(tmp_path):
    path = tmp_path / "image.png"
    Image.new("RGB", (4, 4), "red").save(path, format="EPS")
    with pytest.raises(ValueError, match="readable image files"):
        load_image(path, row=0)


def test_decoded_images_are_stacked_as_they_lie_in_memory():
    images = [load_image(Image.fromarray(PIXELS), row=row) for row in range(3)]
    ((_, stack),) = group_by_size(images)
    assert stack.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(stack, torch.stack(images))
    ((_, planes),) = group_by_size([image.contiguous() for image in images])
    assert planes.is_contiguous()


def test_a_region_counts_as_its_image():
    region = ImageRegion(PIXELS, box=(0, 0, 2, 2))
    assert torch.equal(load_image(region, row=0), load_image(PIXELS, row=0))
    with pytest.raises(TypeError, match="got a single ImageRegion"):
        decode(region)
