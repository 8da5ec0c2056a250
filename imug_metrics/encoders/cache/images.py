# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images of any accepted kind, read, hashed and decoded in threads ahead of the encoder."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imug_metrics.media.formats import open_image
from imug_metrics.media.images import ImageRegion, load_image

MAX_FILE_BYTES = 256 * 2**20
"""Largest file that is read."""

_TOO_LARGE = f"expected a file of at most {MAX_FILE_BYTES} bytes"

MAX_WAITING_BYTES = 512 * 2**20
"""Decoded images that may wait, besides those that are being decoded."""

_FILES = (str, os.PathLike, bytes)  # paths of files, and their contents
_HALF = 127  # above it a mask's pixel is the subject

# An opened PIL image reads its file on first use, and breaks when two threads make it do so. The same object may occur
# twice in a batch: threads take turns at it, and at others that fall on the same lock.
_LOCKS = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True)
class SourceImage:
    """One image on its way to the encoder.

    Attributes:
        row: its number among the caller's.
        source: where it comes from: a path or the content of a file, or what `load_image` takes; None: absent.
        digest: 16 bytes of its content: of the file or of the pixels, and of the region. None until it is read, and
            where it is absent.
        content: of the file, or the pixels; None before it is read.
        error: why it cannot be read.
    """

    row: int
    source: Any
    digest: bytes | None = None
    content: bytes | Tensor | None = None
    error: str | None = None

    @property
    def pixels(self) -> Tensor:
        """The decoded image `[3, H, W]`."""
        if not isinstance(self.content, Tensor):
            raise TypeError("Expected an image that is decoded.")
        return self.content

    @property
    def image(self) -> Tensor | ImageRegion:
        """What the encoder is given: the decoded image, with its region where it has one."""
        return replace(self.source, image=self.pixels) if isinstance(self.source, ImageRegion) else self.pixels

    @property
    def nbytes(self) -> int:
        """Memory of its content."""
        return self.content.nbytes if isinstance(self.content, Tensor) else len(self.content or b"")


def read(image: SourceImage, max_pixels: int) -> SourceImage:
    """The image with content and digest: a file as it is, anything else as pixels.

    Raises:
        TypeError: if the source is of a kind that `load_image` does not accept.
    """
    source = image.source
    if source is None:
        return image
    region = source if isinstance(source, ImageRegion) else None
    source = source if region is None else region.image
    try:
        content: bytes | Tensor
        if isinstance(source, (str, os.PathLike)):
            content = _file(Path(source))
        elif isinstance(source, bytes):
            content = _checked(source)
        else:
            with _LOCKS[id(source) // 64 % len(_LOCKS)]:
                content = load_image(source, row=image.row, max_pixels=max_pixels).detach()
        if isinstance(content, bytes):
            digest = _digest("file in sRGB", content)  # names what is made of it, for caches that outlive a version
        else:
            digest = _digest("pixels", *_tensor_bytes(content))
        if region is not None:
            digest = _digest("region", digest, *_region_bytes(region))
    except ValueError as error:
        return replace(image, error=_without_row(error, image))
    return replace(image, content=content, digest=digest)


def decode(image: SourceImage, max_pixels: int, *, pin: bool = False) -> SourceImage:
    """The image with decoded pixels, in pinned memory if asked for, and with a decoded mask."""
    content = image.content
    try:
        if isinstance(content, bytes):
            content = load_image(_open_header(content), row=image.row, max_pixels=max_pixels)
        if content is not None:
            image = _with_mask(image, content)
    except ValueError as error:
        return replace(image, content=None, error=_without_row(error, image))
    if pin and content is not None and not content.is_cuda:
        content = content.pin_memory()
    return replace(image, content=content)


def ahead(
    function: Callable[[SourceImage], SourceImage], images: Iterable[SourceImage], executor: Executor, count: int
) -> Iterator[SourceImage]:
    """Apply a function in threads, up to `count` images ahead; results in the order of the images."""
    waiting: deque[Future[SourceImage]] = deque()
    try:
        for image in images:
            waiting.append(executor.submit(function, image))
            while len(waiting) > count or _bytes(waiting) > MAX_WAITING_BYTES:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def batches(images: Iterable[SourceImage], count: int) -> Iterator[list[SourceImage]]:
    """Lists of up to `count` images, fewer where they are large."""
    batch: list[SourceImage] = []
    for image in images:
        batch.append(image)
        if len(batch) == count or sum(waiting.nbytes for waiting in batch) > MAX_WAITING_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _bytes(waiting: Iterable[Future[SourceImage]]) -> int:
    return sum(future.result().nbytes for future in waiting if future.done() and future.exception() is None)


def _file(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise ValueError("expected a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise ValueError(_TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"could not be opened: {error.strerror}") from error


def _checked(content: bytes) -> bytes:
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(_TOO_LARGE)
    return content


def _open_header(content: bytes) -> Image.Image:
    try:
        return open_image(io.BytesIO(content))
    except ValueError as error:
        raise ValueError(f"could not be read: {error}") from error


def _region_bytes(region: ImageRegion) -> Iterator[bytes | memoryview]:
    """Box and mask of a region."""
    box = region.box.tolist() if isinstance(region.box, Tensor) else region.box
    yield repr(box if box is None else [float(side) for side in box]).encode()
    if isinstance(region.mask, bytes):
        yield _checked(region.mask)
    elif isinstance(region.mask, (str, os.PathLike)):
        try:
            yield _file(Path(region.mask))
        except ValueError as error:
            raise ValueError(f"its mask {error}") from error
    elif region.mask is not None:
        mask = region.mask if isinstance(region.mask, Tensor) else torch.from_numpy(np.array(region.mask))
        yield from _tensor_bytes(mask)


def _with_mask(image: SourceImage, pixels: Tensor) -> SourceImage:
    """The image with its mask decoded where that is a file, which must have the image's size."""
    region = image.source
    if not isinstance(region, ImageRegion) or not isinstance(region.mask, _FILES):
        return image
    try:
        mask = load_image(region.mask, row=image.row).float().mean(0) > _HALF
    except ValueError as error:
        raise ValueError(f"its mask cannot be read: {error}") from error
    sizes = [f"{shape[1]} x {shape[0]}" for shape in (mask.shape, pixels.shape[1:])]
    if sizes[0] != sizes[1]:
        raise ValueError(f"its mask has {sizes[0]} pixels, the image has {sizes[1]}")
    return replace(image, source=replace(region, mask=mask))


def _tensor_bytes(values: Tensor) -> tuple[bytes, memoryview]:
    values = values.detach().cpu().contiguous()
    return f"{values.dtype} {list(values.shape)}".encode(), values.view(torch.uint8).numpy().data


def _digest(kind: str, *parts: bytes | memoryview) -> bytes:
    digest = hashlib.blake2b(digest_size=16, person=kind.encode())
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def _without_row(error: ValueError, image: SourceImage) -> str:
    """The message without the row, which the caller adds in its own way."""
    return str(error).replace(f" at row {image.row}", "")
