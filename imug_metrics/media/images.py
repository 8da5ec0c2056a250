# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Image inputs of every accepted kind, checked, decoded and cut into batches.

Accepted are a tensor or array of a whole batch (``[N, 3, H, W]`` or ``[N, H, W, 3]``, uint8 or floating point in
[0, 1]), or a sequence of single images of any sizes: PIL images, uint8 arrays ``[H, W]`` or ``[H, W, 4]``, arrays and
tensors like the batch without its first dimension, file paths, and the contents of files as bytes. Where a shape fits
both layouts, channels first is assumed. An `ImageRegion` counts as the image it holds.

Files and their contents come from models and are not trusted: their size is checked before they are decoded.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from imug_metrics.media.arrays import check_size, check_tensor
from imug_metrics.media.colour import to_srgb
from imug_metrics.media.formats import FORMATS as FORMATS
from imug_metrics.media.formats import ImageSource, open_image

MAX_PIXELS = 64 * 1024 * 1024
"""Largest image that is decoded unless an encoder is told otherwise, in pixels (8192 x 8192)."""


@dataclass(frozen=True, eq=False)
class ImageRegion:
    """An image with the place of its subject, for `RegionEncoder`.

    Every encoder takes it; one that knows nothing of regions sees the whole image.

    Attributes:
        image: A single image of any accepted kind.
        box: Left, top, right and bottom in pixels, from the upper left corner; right and bottom are exclusive.
        mask: ``[H, W]`` of the image's size: a tensor or array, boolean, integer (above 0 is the subject) or floating
            point (share in [0, 1]); a PIL image, or the path or the content of an image file (above half is the
            subject).

    Example:
        >>> ImageRegion("cat.png", box=(10, 20, 110, 120)).box
        (10, 20, 110, 120)
    """

    image: Any
    box: Sequence[float] | Tensor | None = None
    mask: Any = None


SingleImage: TypeAlias = Tensor | np.ndarray | Image.Image | str | os.PathLike[str] | bytes | ImageRegion
Images: TypeAlias = Tensor | np.ndarray | Iterable[SingleImage]
ImageBatch: TypeAlias = Tensor | Sequence[Tensor]


def image_batches(images: Images, batch_size: int, *, max_pixels: int = MAX_PIXELS) -> Iterator[ImageBatch]:
    """Decode ``images`` one batch at a time.

    Colours of an ICC profile are turned into sRGB, transparent images are laid over white, the EXIF orientation is
    applied, grey images get three equal channels, 16-bit images are scaled to 8 bits, and of animations the first
    frame is taken.

    Args:
        images: A batch or a sequence, see the module's description.
        batch_size: Images per batch, the last one may be shorter.
        max_pixels: Height times width above which an image is refused before it is decoded.

    Yields:
        Sequences of ``[3, H, W]`` tensors, uint8 or float32 in [0, 1]; one tensor ``[n, 3, H, W]`` for a batch.

    Raises:
        TypeError: If ``images`` or one of its items is of a kind not accepted.
        ValueError: If shape, dtype, range or size of an image is not as expected, or a file cannot be read.

    Example:
        >>> import torch
        >>> [tuple(batch.shape) for batch in image_batches(torch.zeros(5, 8, 9, 3, dtype=torch.uint8), batch_size=4)]
        [(4, 3, 8, 9), (1, 3, 8, 9)]
    """
    if isinstance(images, (Tensor, np.ndarray)):
        batch = check_tensor(images, ndim=4, where="", max_pixels=max_pixels)
        yield from torch.split(batch, batch_size) if len(batch) else ()
        return
    rows = enumerate(check_sequence(images))
    while chunk := list(islice(rows, batch_size)):
        yield [load_image(image, row=row, max_pixels=max_pixels) for row, image in chunk]


def check_sequence(images: Any) -> Iterable[Any]:
    """Return ``images`` after checking that it is no single image.

    Raises:
        TypeError: If it is one, or cannot be iterated over.

    Example:
        >>> check_sequence(["cat.png"])
        ['cat.png']
    """
    if isinstance(images, (str, bytes, os.PathLike, Image.Image, ImageRegion)) or not isinstance(images, Iterable):
        raise TypeError(
            f"Expected argument `images` to be a batch or a sequence of images, got a single {type(images).__name__}."
            " Put it in a list."
        )
    return images


def load_image(image: Any, *, row: int, max_pixels: int = MAX_PIXELS) -> Tensor:
    """Decode one image.

    Args:
        image: PIL image, array, tensor, path or content of a file, or a region of one of these.
        row: Its position in the caller's sequence, for error messages.
        max_pixels: Height times width above which the image is refused before it is decoded.

    Returns:
        Tensor ``[3, H, W]``, uint8 or float32 in [0, 1].

    Raises:
        TypeError: If ``image`` is of a kind not accepted.
        ValueError: If it cannot be read, is too large, or has an unexpected shape, dtype or range.

    Example:
        >>> from PIL import Image
        >>> load_image(Image.new("RGBA", (2, 1), (0, 0, 0, 0)), row=0).tolist()
        [[[255, 255]], [[255, 255]], [[255, 255]]]
    """
    where = f" at row {row}"
    if isinstance(image, ImageRegion):
        return load_image(image.image, row=row, max_pixels=max_pixels)
    if isinstance(image, Image.Image):
        return _decode(image, where, max_pixels)
    if isinstance(image, (str, os.PathLike)):
        return _read(image, f"{where} ({os.fspath(image)})", max_pixels)
    if isinstance(image, bytes):
        return _read(io.BytesIO(image), where, max_pixels)
    if isinstance(image, Tensor):
        return check_tensor(image, ndim=3, where=where, max_pixels=max_pixels)
    if isinstance(image, np.ndarray):
        if image.ndim == 3 and image.shape[-1] == 1:
            image = image[..., 0]
        if image.dtype == np.uint8 and image.size and (image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 4)):
            return _decode(Image.fromarray(image), where, max_pixels)
        return check_tensor(image, ndim=3, where=where, max_pixels=max_pixels)
    raise TypeError(
        "Expected argument `images` to hold PIL images, uint8 arrays, tensors, file paths or contents, got"
        f" {type(image).__name__}{where}."
    )


def group_by_size(batch: ImageBatch) -> list[tuple[Tensor, Tensor]]:
    """Stack images of equal shape and dtype, so that each stack is resized in one call.

    Args:
        batch: Sequence of ``[3, H, W]`` tensors or one tensor ``[n, 3, H, W]``.

    Returns:
        Pairs of row numbers ``[k]`` (int64) and images ``[k, 3, H, W]``; each row occurs once.

    Example:
        >>> import torch
        >>> sizes = [(4, 4), (2, 6), (4, 4)]
        >>> [(rows.tolist(), tuple(x.shape)) for rows, x in group_by_size([torch.zeros(3, *s) for s in sizes])]
        [([0, 2], (2, 3, 4, 4)), ([1], (1, 3, 2, 6))]
    """
    if isinstance(batch, Tensor):
        return [(torch.arange(len(batch)), batch)]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, image in enumerate(batch):
        groups.setdefault((*image.shape, image.dtype, image.device), []).append(row)
    return [(torch.tensor(rows), _stack([batch[row] for row in rows])) for rows in groups.values()]


def _stack(images: list[Tensor]) -> Tensor:
    # Decoded images have their channels last in memory: left there, they copy ten times and resize twice as fast.
    if images[0].ndim == 3 and images[0].stride(0) == 1 and images[0].shape[0] > 1:
        return torch.stack([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)
    return torch.stack(images)


def _read(source: ImageSource, where: str, max_pixels: int) -> Tensor:
    try:
        image = open_image(source)
    except ValueError as error:
        raise ValueError(f"Expected argument `images` to name readable image files{where}: {error}") from error
    with image:
        return _decode(image, where, max_pixels)


def _decode(image: Image.Image, where: str, max_pixels: int) -> Tensor:
    check_size(*image.size, where, max_pixels)
    if image.mode == "F":
        raise ValueError(f"Expected argument `images` to hold 8-bit or 16-bit images, got PIL mode F{where}.")
    try:
        pixels = np.array(_to_rgb(ImageOps.exif_transpose(image)))
    except Exception as error:  # decoders of hostile files raise nearly anything
        raise ValueError(f"Expected argument `images` to hold decodable images{where}: {error}") from error
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit greys; PIL would clip them at 255
        profile = image.info.get("icc_profile")
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
        image.info["icc_profile"] = profile
    image = to_srgb(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
