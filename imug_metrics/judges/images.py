# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images as judges are sent them: looked at before, and never larger than a request should be."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

from imug_metrics.judges.protocol import ImagePart
from imug_metrics.media.formats import open_image
from imug_metrics.media.images import MAX_PIXELS

MAX_SENT_BYTES = 64 * 2**20
"""Largest image file that a judge is sent: as many as there are requests at a time are in memory."""

_SENT = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


def sent_image(image: Path | bytes) -> ImagePart:
    """An image file, or the content of one, as a judge is sent it, named by what it holds.

    Raises:
        OSError, ValueError: if it cannot be read, has more than 64 MiB or 8192 x 8192 pixels, or is no PNG, JPEG, WEBP
            or GIF.
    """
    if isinstance(image, bytes):
        return _part(io.BytesIO(image), "an image", len(image))
    with image.open("rb") as file:
        return _part(file, str(image), os.fstat(file.fileno()).st_size)


def check_size(size: int, name: str) -> None:
    """Raise ValueError where a file has too many bytes to be sent."""
    if size > MAX_SENT_BYTES:
        raise ValueError(f"{name}: expected a file of at most {MAX_SENT_BYTES} bytes")


def content_type(file: BinaryIO, name: str) -> str:
    """The media type that a file's header says, of an image that is not too large.

    Raises:
        ValueError: if it is no image that judges are sent.
    """
    try:
        with open_image(file) as image:
            (width, height), found = image.size, str(image.format)
    except ValueError as error:
        raise ValueError(f"{name}: expected an image: {error}") from None
    if width * height > MAX_PIXELS:
        raise ValueError(f"{name}: expected at most {MAX_PIXELS} pixels, got {width} x {height}")
    if found not in _SENT:
        raise ValueError(f"{name}: expected PNG, JPEG, WEBP or GIF, which judges are sent, got {found}: convert it")
    return _SENT[found]


def _part(file: BinaryIO, name: str, size: int) -> ImagePart:
    check_size(size, name)
    media_type = content_type(file, name)
    file.seek(0)
    return ImagePart(file.read(MAX_SENT_BYTES), media_type)
