# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One list of formats for every reader, and an error that says what a file is instead."""

from __future__ import annotations

import io
import math

import pytest
from PIL import Image

from imug_metrics.media import formats
from imug_metrics.media.formats import FORMATS, SUFFIXES, UnreadFormatError, open_image
from imug_metrics.media.images import load_image
from imug_metrics.quality import item_quality


def box(*brands: bytes) -> bytes:
    """The beginning of an ISO base media file."""
    content = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(content) + 4).to_bytes(4, "big") + content + bytes(64)


OTHERS = [
    (box(b"heic", b"mif1"), "a HEIC file"),
    (box(b"mif1", b"heic"), "a HEIC file"),
    (box(b"hevc"), "a HEIC file"),
    (b"\xff\x0a" + bytes(50), "a JPEG XL file"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL file"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", "an SVG drawing"),
    (b"8BPS\x00\x01" + bytes(30), "a Photoshop file"),
    (b"\x00\x00\x01\x00\x01\x00" + bytes(30), "an icon file"),
    (b"v/1\x01" + bytes(30), "an OpenEXR file"),
    (b"qoif" + bytes(30), "a QOI file"),
]
NO_IMAGES = [
    (b"", "the file is empty"),
    (b" \n", "the file is empty"),
    (b"<!DOCTYPE html><html>", "a web page"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    (b"data:image/png;base64,iVBORw0KGgo=", "decode its base64 part"),
    (b"ERROR: timeout", "no image of a known format"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no image of a known format"),
    (b"%PDF-1.7\n", "no image of a known format"),
    (box(b"isom", b"mp42"), "no image of a known format"),
    (b"\x89PNG\r\n", "no image of a known format"),
    (b"ftyp", "no image of a known format"),
]


@pytest.mark.parametrize(("content", "name"), OTHERS)
def test_another_format_is_named_with_the_cure(content, name, tmp_path):
    with pytest.raises(UnreadFormatError, match=f"^{name}, which is not read: convert it to PNG, JPEG or WebP"):
        open_image(io.BytesIO(content))
    (tmp_path / "cat.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"at row 3 \(.*cat.png\): {name}"):
        load_image(tmp_path / "cat.png", row=3)
    quality = item_quality(tmp_path / "cat.png", "image")
    assert math.isnan(quality.value)
    assert name in str(quality.reason)


@pytest.mark.parametrize(("content", "message"), NO_IMAGES)
def test_what_is_no_image_is_said(content, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        open_image(io.BytesIO(content))
    assert not isinstance(caught.value, UnreadFormatError)
    (tmp_path / "cat.png").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_image(tmp_path / "cat.png", row=0)
    assert item_quality(tmp_path / "cat.png", "image").value == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_encoders_and_measures_read_the_same_formats(kind, tmp_path):
    path = tmp_path / "image"
    Image.linear_gradient("L").convert("RGB").save(path, kind)
    assert load_image(path, row=0).shape == (3, 256, 256)
    assert item_quality(path, "image").parts
    assert kind in SUFFIXES.values()


def test_a_missing_avif_decoder_is_said(monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", tuple(name for name in FORMATS if name != "AVIF"))
    with pytest.raises(UnreadFormatError, match="an AVIF file without Pillow"):
        open_image(io.BytesIO(box(b"avif", b"mif1")))


def test_every_suffix_names_a_format_that_is_read_or_avif():
    assert set(SUFFIXES.values()) - {"AVIF"} == set(FORMATS) - {"AVIF"}
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)
