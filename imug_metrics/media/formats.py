# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The image formats that are read, and what a file of another one is, so that an error can name the cure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import BinaryIO, NoReturn, TypeAlias

from PIL import Image, UnidentifiedImageError


def _has_avif() -> bool:
    try:
        from PIL import AvifImagePlugin
    except ImportError:  # Pillow before 11.3
        return False
    return bool(AvifImagePlugin.SUPPORTED)


FORMATS: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
"""File formats that are decoded. Others are refused, EPS above all: its decoder runs an interpreter on the file."""
if _has_avif():
    FORMATS += ("AVIF",)

SUFFIXES: Mapping[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pbm": "PPM",
    ".pnm": "PPM",
    ".jp2": "JPEG2000",
    ".j2k": "JPEG2000",
    ".avif": "AVIF",
}
"""Suffixes of image files, in lower case, by the format that they promise."""

ImageSource: TypeAlias = "str | os.PathLike[str] | BinaryIO"


_CONVERT = "convert it to PNG, JPEG or WebP"
_HEAD = 512
_BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte-order mark and white space
_BRANDS = {  # of ISO base media files, whose fifth byte begins "ftyp"
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
    b"hevc": "HEIC",
    b"hevx": "HEIC",
}
_MAGIC = (
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL file"),
    (b"8BPS", "a Photoshop file"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"v/1\x01", "an OpenEXR file"),
    (b"#?RADIANCE", "a Radiance HDR file"),
    (b"DDS ", "a DDS texture"),
    (b"qoif", "a QOI file"),
)


class UnreadFormatError(ValueError):
    """The file is sound, as far as its beginning tells, but of a format that is not read."""


def open_image(source: ImageSource) -> Image.Image:
    """Open an image file by its header; the pixels are decoded when they are used.

    Args:
        source: Path of the file, or the file opened in binary mode.

    Returns:
        The image, of one of `FORMATS`.

    Raises:
        UnreadFormatError: If it is an image of another format; the message names it and says what to do.
        ValueError: If it cannot be opened or is no image.

    Example:
        >>> import io
        >>> open_image(io.BytesIO(b"<svg width='8' height='8'/>"))
        Traceback (most recent call last):
        ...
        imug_metrics.media.formats.UnreadFormatError: an SVG drawing, which is not read: convert it to PNG, JPEG or WebP
    """
    try:
        return Image.open(source, formats=FORMATS)
    except UnidentifiedImageError as error:
        _refuse(_head(source), error)
    except Exception as error:  # decoders of hostile files raise nearly anything
        raise ValueError(str(error) or type(error).__name__) from error


def _head(source: ImageSource) -> bytes:
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return file.read(_HEAD)
    source.seek(0)
    return source.read(_HEAD)


def _refuse(head: bytes, error: UnidentifiedImageError) -> NoReturn:
    """Raise what a file is that begins like none of the formats, with the cure where one is known."""
    if other := _other_format(head):
        raise UnreadFormatError(f"{other}, which is not read: {_CONVERT}") from error
    raise ValueError(_no_image(head)) from error


def _other_format(head: bytes) -> str:
    """The name of a format of images that is not read; empty for anything else."""
    kinds = _kinds_of_container(head)
    if "AVIF" in kinds and "AVIF" not in FORMATS:
        return "an AVIF file without Pillow 11.3 or later, built with AVIF"
    if kinds == {"HEIC"}:
        return "a HEIC file"
    text = head.lstrip(_BLANK).lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in text:
        return "an SVG drawing"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def _no_image(head: bytes) -> str:
    text = head.lstrip(_BLANK).lower()
    if not text:
        return "the file is empty"
    if text.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS in place of the file: fetch the file with `git lfs pull`"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page in place of an image"
    if text.startswith(b"data:image/"):
        return "a data URI in place of an image: decode its base64 part and write the bytes"
    return "no image of a known format"


def _kinds_of_container(head: bytes) -> set[str]:
    """Formats that an ISO base media file says it is of: by its major brand and those it is compatible with."""
    if head[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, size - 3, 4))]
    return {_BRANDS[brand] for brand in brands if brand in _BRANDS}
