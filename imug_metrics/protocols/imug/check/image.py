# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an image file can be read, and whether it is what its name says."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from imug_metrics.media.formats import SUFFIXES, open_image
from imug_metrics.media.images import MAX_PIXELS
from imug_metrics.reading.files import MAX_IMAGE_BYTES, Problems


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
        with open_image(path) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width} x {image.height}"
                problems.error(path, None, field, f"expected at most {MAX_PIXELS} pixels, got {size}")
                return
            image.load()
            found = "JPEG" if image.format == "MPO" else image.format
    except Exception as error:  # decoders of hostile files raise nearly anything
        if isinstance(error.__cause__, Image.DecompressionBombError):
            problems.error(path, None, field, f"expected at most {MAX_PIXELS} pixels")
            return
        why = str(error) if isinstance(error, ValueError) else type(error).__name__
        problems.error(path, None, field, f"expected an image that can be decoded: {why}")
    else:
        named = SUFFIXES.get(path.suffix.lower())
        if named != found:
            problems.warn(path, None, field, f"holds {found}, which its suffix does not say; it is read as {found}")
