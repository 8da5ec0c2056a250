# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An encoder that remembers: what it encodes, what it keeps, and what it gives back."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics import TurnConsistency
from imug_metrics.encoders import CachedEncoder, CallableEncoder, RegionEncoder
from imug_metrics.encoders.cache import images as images
from imug_metrics.encoders.cache.memory import ROW_BYTES
from imug_metrics.media.images import ImageRegion
from imug_metrics.media.thumbnails import thumbnails


class Counting(CallableEncoder):
    """Mean colour of images, lengths of texts; lists what it is given."""

    def __init__(self, fingerprint: str = "counting", **options) -> None:
        super().__init__(self.see, self.read, fingerprint=fingerprint, name="counting", **options)
        self.batches, self.words = [], []

    def see(self, images):
        self.batches.append(len(images))
        plain = [image.image if isinstance(image, ImageRegion) else image for image in images]
        return torch.stack([image.float().mean((1, 2)) / (255 if image.dtype == torch.uint8 else 1) for image in plain])

    def read(self, texts):
        self.words += texts
        return torch.tensor([[float(len(text)), 1.0] for text in texts])


@pytest.fixture
def inner():
    return Counting()


@pytest.fixture
def files(tmp_path):
    """Six files of three different images."""
    for number in range(6):
        Image.new("RGB", (9, 7), (40 * (number // 2), 0, 9)).save(tmp_path / f"{number}.png")
    return [tmp_path / f"{number}.png" for number in range(6)]


def test_each_distinct_image_and_text_is_encoded_once(inner, files):
    encoder = CachedEncoder(inner)
    for _ in range(2):
        embeddings = encoder.encode_images(files)
        texts = encoder.encode_texts(["a", "bb", "a"])
    assert (sum(inner.batches), inner.words) == (3, ["a", "bb"])
    assert torch.equal(
        embeddings, CallableEncoder(inner.see).encode_images([images.load_image(f, row=0) for f in files])
    )
    assert texts.tolist() == [[1, 1], [2, 1], [1, 1]]


def test_images_of_every_kind_are_known_by_their_pixels(inner):
    encoder = CachedEncoder(inner)
    level = np.arange(9 * 7 * 3, dtype=np.uint8).reshape(7, 9, 3)
    tensor = torch.from_numpy(level).movedim(-1, 0)
    encoder.encode_images([level, tensor, Image.fromarray(level), tensor.clone()])
    encoder.encode_images(tensor[None])
    assert sum(inner.batches) == 1
    encoder.encode_images([tensor.float() / 255])
    encoder.encode_images([tensor.reshape(3, 9, 7)])
    assert sum(inner.batches) == 3, "another type or shape is another image"


def test_a_region_is_part_of_what_a_image_is(inner, files):
    encoder = CachedEncoder(inner)
    mask = torch.zeros(7, 9)
    regions = [{}, {"box": (0, 0, 2, 2)}, {"box": torch.tensor([0, 0, 2, 2])}, {"mask": mask}, {"mask": mask + 1}]
    encoder.encode_images([files[0], *(ImageRegion(files[0], **region) for region in regions)])
    assert sum(inner.batches) == 5, "the same box twice is the same region"


def test_the_content_of_a_file_is_the_image_that_the_file_is(inner, files):
    encoder = CachedEncoder(inner)
    by_path = encoder.encode_images(files)
    assert torch.equal(encoder.encode_images([file.read_bytes() for file in files]), by_path)
    assert sum(inner.batches) == 3


@pytest.mark.parametrize(("content", "why"), [(b"", "empty"), (b"no image", "no image"), (b"<svg/>", "SVG")])
def test_content_that_is_no_image_is_told_and_the_others_are_encoded(inner, files, content, why):
    found = CachedEncoder(inner).encode_readable([files[0], content, files[2].read_bytes()])
    assert [error is None for error in found.errors] == [True, False, True]
    assert why in found.errors[1]
    assert "row" not in found.errors[1]
    assert not found.embeddings[1].any()


def test_content_larger_than_a_file_may_be_is_not_decoded(inner, files, monkeypatch):
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 20)
    found = CachedEncoder(inner).encode_readable([files[0], files[0].read_bytes()])
    assert ["at most" in error for error in found.errors] == [True, True]


def left_half(size=(9, 7)) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask


@pytest.mark.parametrize("as_content", [False, True])
def test_a_mask_is_a_path_or_the_content_of_a_file(inner, tmp_path, as_content):
    path = tmp_path / "mask.png"
    left_half().save(path)
    pixels = torch.zeros(3, 7, 9, dtype=torch.uint8)
    pixels[:, :, :4] = 200
    encoder = CachedEncoder(RegionEncoder(inner, "given", masking="paint"))
    mask = path.read_bytes() if as_content else path
    assert encoder.encode_images([ImageRegion(pixels, mask=mask)]).tolist() == [pytest.approx([200 / 255] * 3)]


def test_a_mask_that_does_not_serve_is_told_and_the_others_are_encoded(inner, tmp_path):
    image, good, small, broken = (tmp_path / f"{name}.png" for name in ("image", "good", "small", "broken"))
    Image.new("RGB", (9, 7), (40, 0, 9)).save(image)
    left_half().save(good)
    left_half((4, 4)).save(small)
    broken.write_bytes(b"no image")
    masks = [good, small, broken, tmp_path / "absent.png", b"<svg/>", small.read_bytes()]
    encoder = CachedEncoder(RegionEncoder(inner, "given", masking="paint"))
    found = encoder.encode_readable([ImageRegion(image, mask=mask) for mask in masks])
    expected = ["", "mask has 4 x 4 pixels, the image has 9 x 7", "no image", "could not be opened", "SVG", "4 x 4"]
    assert found.errors[0] is None
    for error, part in zip(found.errors[1:], expected[1:], strict=True):
        assert error.startswith("its mask ")
        assert part in error
    assert [bool(row.any()) for row in found.embeddings] == [True] + 5 * [False]


def test_a_changed_encoder_makes_new_rows(inner, files):
    encoder = CachedEncoder(inner)
    encoder.encode_images(files)
    inner.fingerprint = "after a step of training"
    encoder.encode_images(files)
    assert sum(inner.batches) == 6


def test_one_call_needs_no_memory_to_encode_once(inner, files):
    encoder = CachedEncoder(inner, memory=0)
    encoder.encode_images(files)
    assert sum(inner.batches) == 3
    assert (len(encoder.memory), encoder.memory.bytes) == (0, 0)


def test_memory_stays_within_its_bytes_and_forgets_the_least_recently_used(inner):
    encoder = CachedEncoder(inner, memory=10 * (8 + ROW_BYTES))  # ten texts of two numbers
    encoder.encode_texts([str(10**n) for n in range(10)])
    encoder.encode_texts(["1"])
    encoder.encode_texts(["new"])
    assert encoder.memory.bytes == 10 * (8 + ROW_BYTES)
    inner.words.clear()
    encoder.encode_texts(["1", "10"])
    assert inner.words == ["10"]


def test_rows_on_disk_serve_another_encoder_of_the_same_fingerprint(inner, files, tmp_path):
    first = CachedEncoder(inner, disk=tmp_path / "cache").encode_readable(files)
    CachedEncoder(inner, disk=tmp_path / "cache").encode_texts(["a"])
    other = Counting()
    encoder = CachedEncoder(other, disk=tmp_path / "cache")
    again = encoder.encode_readable(files)
    encoder.encode_texts(["a"])
    assert (other.batches, other.words) == ([], [])
    assert torch.equal(first.embeddings, again.embeddings)
    assert torch.equal(first.pixels, again.pixels)


def test_a_damaged_row_is_encoded_again(inner, files, tmp_path):
    CachedEncoder(inner, disk=tmp_path / "cache").encode_images(files[:1])
    (shard,) = (tmp_path / "cache" / "shards").iterdir()
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    right = CachedEncoder(Counting()).encode_images(files[:1])
    for _ in range(2):
        assert torch.equal(CachedEncoder(inner, disk=tmp_path / "cache").encode_images(files[:1]), right)
    assert sum(inner.batches) == 2


def test_a_disk_that_cannot_be_used_costs_a_warning(inner, files, tmp_path):
    encoder = CachedEncoder(inner, disk=tmp_path / "cache")
    (tmp_path / "cache" / "index.sqlite").write_bytes(b"damaged" * 999)
    with pytest.warns(UserWarning, match="cache could not be used"):
        embeddings = encoder.encode_images(files)
    assert embeddings.shape == (6, 3)


def test_see_gives_pixels_of_every_image_and_reasons_for_those_it_cannot_read(inner, files, tmp_path):
    broken, pipe = tmp_path / "broken.png", tmp_path / "pipe.png"
    broken.write_bytes(files[0].read_bytes()[:40])
    pipe.mkdir()
    seen = CachedEncoder(inner).encode_readable([files[0], None, broken, tmp_path / "lost.png", pipe])
    assert [reason is None for reason in seen.errors] == [True, True, False, False, False]
    assert not any("row" in reason for reason in seen.errors if reason)
    assert torch.allclose(seen.pixels[0], thumbnails(files[:1])[0], atol=3e-4)
    assert seen.embeddings[1:].any() == seen.pixels[1:].any() == torch.tensor(False)


def test_what_cannot_be_read_raises_and_names_its_row(inner, files, tmp_path):
    with pytest.raises(ValueError, match="row 1: could not be opened"):
        CachedEncoder(inner).encode_images([files[0], tmp_path / "lost.png"])
    with pytest.raises(TypeError, match="row 1"):
        CachedEncoder(inner).encode_images([files[0], 3.5])
    with pytest.raises(TypeError, match="a single str"):
        CachedEncoder(inner).encode_images(str(files[0]))
    inner.max_pixels = 4
    with pytest.raises(ValueError, match="at most 4 pixels"):
        CachedEncoder(inner).encode_images(files)


def test_no_images_and_none_that_is_there_give_rows_of_zeros(inner):
    encoder = CachedEncoder(inner)
    assert encoder.encode_images([]).shape[0] == 0
    assert encoder.encode_texts([]).shape[0] == 0
    assert encoder.encode_readable([None, None]).pixels.shape == (2, 3072)
    assert inner.batches == []


def test_images_reach_the_encoder_in_its_batches(inner):
    inner.batch_size = 4
    CachedEncoder(inner, workers=2).encode_images(torch.rand(10, 3, 4, 4))
    assert inner.batches == [4, 4, 2]


def test_large_images_go_to_the_encoder_in_smaller_batches(inner, monkeypatch):
    monkeypatch.setattr(images, "MAX_WAITING_BYTES", 3 * 3 * 16 * 16)
    noise = torch.randint(0, 256, (10, 3, 16, 16), dtype=torch.uint8)
    CachedEncoder(inner).encode_images(noise)
    assert inner.batches == [4, 4, 2]


def test_files_are_decoded_ahead_of_the_encoder_but_not_without_end(files, monkeypatch):
    decoded, counts = [], []
    load = images.load_image
    monkeypatch.setattr(images, "load_image", lambda *a, **k: (decoded.append(threading.get_ident()), load(*a, **k))[1])

    def see(images):
        counts.append(len(decoded))
        return torch.ones(len(images), 2)

    inner = CallableEncoder(see)
    inner.batch_size = 4
    CachedEncoder(inner, workers=1).encode_images([image.movedim(0, -1).numpy() for image in noise(40)])
    assert threading.get_ident() not in decoded
    assert counts[0] <= 4 * 4, "a batch for the encoder, one decoded ahead, and those that are hashed ahead of them"


def noise(count):
    return torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_metric_gains_a_memory_and_its_copy_shares_it(inner, files):
    metric = TurnConsistency(encoder=CachedEncoder(inner), detail=True)
    for clone in (metric, metric.clone()):
        clone.update([files])
    assert sum(inner.batches) == 3
    assert copy.deepcopy(metric.encoder) is metric.encoder


def test_a_differentiable_encoder_keeps_its_graph_and_nothing_else():
    inner = Counting(differentiable=True)
    encoder = CachedEncoder(inner)
    images = torch.rand(4, 3, 8, 8, requires_grad=True)
    encoder.encode_images(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert len(encoder.memory) == 0


def test_it_is_the_encoder_inside_to_everybody_else(inner):
    inner.logit_scale, inner.dim = 3.0, 3
    encoder = CachedEncoder(inner)
    assert (encoder.name, encoder.dim, encoder.fingerprint) == ("counting", 3, "counting")
    assert (encoder.logit_scale, encoder.logit_bias, encoder.truncated_texts) == (3.0, None, 0)
    with pytest.raises(ValueError, match="workers"):
        CachedEncoder(inner, workers=0)
    with pytest.raises(ValueError, match="limit"):
        CachedEncoder(inner, memory=-1)
    with pytest.raises(TypeError, match="no text side"):
        CachedEncoder(CallableEncoder(lambda images: images)).encode_texts(["a"])


def test_one_opened_image_given_often_is_read_by_one_thread_at_a_time(tmp_path, inner):
    noise = torch.randint(0, 256, (600, 600, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Image.fromarray(noise.numpy()).save(tmp_path / "noise.png")
    for _ in range(3):
        image = Image.open(tmp_path / "noise.png")  # not read before the threads do
        found = CachedEncoder(inner, memory=0, workers=8).encode_readable([image] * 8, with_pixels=False)
        assert found.errors == [None] * 8
        assert torch.equal(found.embeddings, found.embeddings[:1].expand(8, 3))


def subjects(image):
    """Where an image is bright."""
    return None if image.float().mean() < 10 else (0, 0, 4, 4)


@pytest.mark.parametrize("disk", [False, True])
def test_a_region_found_after_none_was_gives_rows_of_one_width(inner, tmp_path, disk):
    dark, bright = torch.zeros(3, 8, 8, dtype=torch.uint8), torch.full((3, 8, 8), 200, dtype=torch.uint8)
    folder = tmp_path if disk else None
    for _ in range(2):
        encoder = CachedEncoder(RegionEncoder(Counting(), subjects, fingerprint="bright"), disk=folder)
        encoder.encode_images([dark])  # nothing has told the width
        found = encoder.encode_images([dark, bright, dark])
        assert found.shape == (3, 3)
        assert found.isnan().all(1).tolist() == [True, False, True]


def test_what_the_encoder_refuses_is_named_by_the_row_of_the_caller(inner):
    encoder = CachedEncoder(RegionEncoder(inner))
    shades = [torch.full((3, 8, 8), shade, dtype=torch.uint8) for shade in range(3)]
    known, new = (ImageRegion(shade, box=(0, 0, 4, 4)) for shade in shades[:2])
    encoder.encode_images([known])
    with pytest.raises(ValueError, match="with a box or a mask at row 4"):
        encoder.encode_images([known, known, new, known, shades[2]])


def test_a_graph_is_kept_beside_absent_and_unreadable_images(files, tmp_path):
    encoder = CachedEncoder(Counting(differentiable=True))
    image = torch.rand(3, 4, 4, requires_grad=True)
    (tmp_path / "broken.png").write_bytes(b"no image")
    found = encoder.encode_readable(iter([None, tmp_path / "broken.png", image, files[2]]))
    assert [reason is None for reason in found.errors] == [True, False, True, True]
    assert found.embeddings.any(1).tolist() == found.pixels.any(1).tolist() == [False, False, True, True]
    found.embeddings[2].sum().backward()
    assert image.grad.abs().sum() > 0
    nothing = encoder.encode_readable([None, tmp_path / "lost.png"])
    assert (nothing.embeddings.any().item(), len(nothing.errors), nothing.errors[0]) == (False, 2, None)
    assert encoder.encode_readable([]).errors == []


def test_a_single_region_is_refused_as_such(inner, files):
    with pytest.raises(TypeError, match="got a single ImageRegion"):
        CachedEncoder(inner).encode_images(ImageRegion(files[0]))
