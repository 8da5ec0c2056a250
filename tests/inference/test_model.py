# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model may reply with, and what is refused of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.inference.model import MAX_IMAGE_BYTES, MAX_TEXT, ImageFile, Message, ModelError, Reply, as_reply


def png(size: int = 4) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (4, 4), "red"),
        np.full((4, 4, 3), (255, 0, 0), dtype=np.uint8),
        torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1).expand(3, 4, 4),
        png(),
        bytearray(png()),
        ImageFile(png()),
    ],
    ids=["PIL", "array", "tensor", "bytes", "bytearray", "file"],
)
def test_an_image_in_any_form_is_the_content_of_a_file(image):
    found = as_reply(image).image
    assert Image.open(io.BytesIO(found.data)).convert("RGB").getpixel((3, 3)) == (255, 0, 0)


def test_content_of_a_file_is_kept_byte_by_byte():
    assert as_reply(b"no image at all").image == ImageFile(b"no image at all")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (lambda: as_reply(None), "nothing"),
        (lambda: as_reply(7), "image"),
        (lambda: Reply(text=7), "must be text, not int"),
        (lambda: Reply(text="x" * (MAX_TEXT + 1)), f"more than {MAX_TEXT}"),
        (lambda: Reply(image=bytes(MAX_IMAGE_BYTES + 1)), f"more than {MAX_IMAGE_BYTES}"),
        (lambda: Reply(image="/etc/passwd"), "not a path"),
        (lambda: Reply("A", usage={"tokens": float("nan")}), "expected a number from 0"),
        (lambda: Reply("A", usage={"tokens": -1}), "expected a number from 0"),
        (lambda: Reply("A", usage={"tokens": True}), "expected a number from 0"),
        (lambda: Reply("A", usage={"tokens_lower": 1}), "ends as no estimate does"),
        (lambda: Reply("A", usage={"requests": 1}), "is counted, not told"),
        (lambda: Reply("A", usage={1: 1}), "names that are text"),
        (lambda: Reply("A", usage=12), "numbers by name"),
        (lambda: Reply("A").wanted("image"), "holds no image"),
        (lambda: Reply("").wanted("text"), "holds no text"),
        (lambda: Reply(image=ImageFile(b"")).wanted("image"), "holds no image"),
    ],
)
def test_what_cannot_be_used_fails_the_turn_with_a_reason(reply, why):
    with pytest.raises(ModelError, match=why):
        reply()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (png(), "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
    ],
)
def test_the_media_type_is_what_the_content_begins_with(data, media_type):
    assert ImageFile(data).media_type == media_type


def test_neither_images_nor_what_was_sent_are_shown():
    shown = repr(Message("assistant", (ImageFile(b"x" * 1000, "secret"),)))
    assert len(shown) < 100
    assert "secret" not in shown


def test_the_reason_of_a_failure_is_cut():
    assert len(ModelError("x" * 10**6).reason) == 2000
