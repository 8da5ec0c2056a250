# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an image file can be read, and whether it is what its name says."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from imug_metrics.media.images import FORMATS, MAX_PIXELS
from imug_metrics.reading.files import MAX_IMAGE_BYTES, Problems

_SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".gif": "GIF", ".bmp": "BMP"}


def check_image(path: Path, field: str, problems: Problems) -> None:
    """Collect what is wrong with an image file: too large, not decodable, or another format than its suffix says.

    Args:
        path: the file.
        field: where it is named, for the problem's `field`.
        problems: collects at most one error and one warning.
    """
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            problems.error(path, None, field, f"expected a file of at most {MAX_IMAGE_BYTES} bytes")
            return
        with Image.open(path, formats=FORMATS) as image:  # the header alone
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width} x {image.height}"
                problems.error(path, None, field, f"expected at most {MAX_PIXELS} pixels, got {size}")
                return
            image.load()
            found = "JPEG" if image.format == "MPO" else image.format
    except Image.DecompressionBombError:
        problems.error(path, None, field, f"expected at most {MAX_PIXELS} pixels")
    except Exception as error:  # decoders of hostile files raise nearly anything
        why = "no image of a known format" if isinstance(error, UnidentifiedImageError) else type(error).__name__
        problems.error(path, None, field, f"expected an image that can be decoded: {why}")
    else:
        named = _SUFFIXES.get(path.suffix.lower())
        if named != found:
            problems.warn(path, None, field, f"holds {found}, which its suffix does not say; it is read as {found}")
