# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Colour profiles of images: what a viewer shows is the profile's colours in sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from itertools import product

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 * 2**20
"""Largest profile that is read; the image of a larger one is taken as if it had none."""

_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_SAME = 2  # levels by which the sRGB profiles of different makers differ
_INTENT, _FLAGS = 1, 0x2000  # relative colorimetric with black point compensation, as photo editors show it


def to_srgb(image: Image.Image) -> Image.Image:
    """An image in the colours of its ICC profile, as sRGB; the image itself where that changes nothing.

    Without a profile, with one of sRGB, with one of another colour space than the image's, with one above 4 MiB and
    with one that cannot be read the image is returned as it is.

    Args:
        image: of any mode. Of a palette or an alpha channel the colours alone are changed.

    Returns:
        The image, of mode RGB, RGBA, or its own.

    Example:
        >>> image = Image.new("RGB", (2, 2), "red")
        >>> to_srgb(image) is image
        True
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= MAX_PROFILE_BYTES:
        return image
    colours = _colours(image)
    transform = None if colours is None else _transform(profile, colours.mode)
    if colours is None or transform is None:
        return image
    shown = transform.apply(colours)
    shown.info = {}
    if image.has_transparency_data:
        shown.putalpha(image.convert("RGBA").getchannel("A"))
    return shown


def _colours(image: Image.Image) -> Image.Image | None:
    """The image without transparency in a mode that a profile may describe."""
    if image.mode in _SPACES:
        return image
    if image.mode in ("LA", "La"):
        return image.convert("LA").convert("L")
    if image.mode in ("RGBA", "RGBa", "RGBX", "P", "PA", "YCbCr"):
        return image.convert("RGBA").convert("RGB") if image.mode != "YCbCr" else image.convert("RGB")
    return None


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What turns the profile's colours into sRGB; None where there is nothing to turn."""
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space != _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            given,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            _INTENT,  # type: ignore[arg-type]  # Pillow before 10.3 has no name for the flag
            _FLAGS,  # type: ignore[arg-type]
        )
        return None if _changes_nothing(transform, mode) else transform
    except Exception:  # of a damaged profile nothing is known, and a viewer shows the image without it
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "CMYK":
        return False
    steps = range(0, 256, 15)
    colours = list(product(steps, repeat=3)) if mode == "RGB" else [(step, step, step) for step in range(256)]
    probe = np.array([colours], dtype=np.uint8)
    shown = transform.apply(Image.fromarray(probe if mode == "RGB" else probe[..., 0]))
    return int(np.abs(np.asarray(shown).astype(int) - probe).max()) <= _SAME
