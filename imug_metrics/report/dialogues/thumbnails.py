# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Thumbnails of untrusted images: checked for size before they are decoded, made small, and put into the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from imug_metrics.dialogues.record import EMBEDDED
from imug_metrics.media.formats import FORMATS

MAX_SIDE = 160
MAX_FILE_BYTES = 32 * 2**20
MAX_PIXELS = 40_000_000


@dataclass
class ThumbnailShelf:
    """Makes data URIs until ``budget`` characters are spent, so that the page stays small whatever is asked of it.

    An image that is asked for again is decoded once; each use counts.
    """

    budget: int = 1_500_000
    _made: dict[Path | str | bytes, tuple[str | None, str]] = field(default_factory=dict, repr=False)

    def take(self, image: Path | str | bytes | None) -> tuple[str | None, str]:
        """A data URI, or None and the reason in words.

        Args:
            image: its file, or the content of one; None where the model gave no image.
        """
        if image is None:
            return None, "no image"
        if image not in self._made:
            self._made[image] = self._make(image)
        uri, why = self._made[image]
        if uri is not None and len(uri) > self.budget:
            return None, "left out: the page is full"
        self.budget -= len(uri or "")
        return uri, why

    def _make(self, image: Path | str | bytes) -> tuple[str | None, str]:
        if isinstance(image, str) and image.startswith(EMBEDDED):
            return None, "an image whose content was not kept"
        try:
            return thumbnail(image if isinstance(image, bytes) else Path(image)), ""
        except ValueError as error:
            return None, str(error)[:120]
        except (OSError, SyntaxError, Image.DecompressionBombError):  # their messages name paths of this machine
            return None, "unreadable image"


def thumbnail(source: Path | bytes) -> str:
    """The image as a JPEG data URI with no side above 160 pixels.

    Args:
        source: a file of `imug_metrics.media.formats.FORMATS`, or the content of one, of at most 32 MiB and 40 million
            pixels.

    Raises:
        ValueError: the file or its image is larger than that; it's told before anything is decoded.
        OSError: the file is missing or not an image.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ValueError(f"the file has {size:,} bytes, at most {MAX_FILE_BYTES:,} are read")
    with Image.open(
        io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS
    ) as image:  # reads the header alone
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels, at most {MAX_PIXELS:,} are decoded")
        image.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))
        return _data_uri(_on_white(image))


def _on_white(image: Image.Image) -> Image.Image:
    small = image.convert("RGBA")
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A"))
    return flat


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
