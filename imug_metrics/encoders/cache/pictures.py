# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of any accepted kind, read, hashed and decoded ahead of the one who takes them."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from imug_metrics.encoders.images import load_image

MAX_FILE_BYTES = 256 * 2**20
"""Largest file that is read."""

MAX_WAITING_BYTES = 512 * 2**20
"""Decoded pictures that may wait, besides those that are being decoded."""


@dataclass(frozen=True)
class Picture:
    """One picture on its way to the encoder.

    Attributes:
        row: its number among the caller's.
        source: where it comes from: a path, or what `load_image` takes; None: absent.
        digest: 16 bytes of its content (of the file, or of the pixels); None until it is read, and where it is absent.
        content: of the file, or the pixels; None before it is read.
        refused: why it cannot be read.
    """

    row: int
    source: Any
    digest: bytes | None = None
    content: bytes | Tensor | None = None
    refused: str | None = None

    @property
    def pixels(self) -> Tensor:
        """The decoded picture `[3, H, W]`."""
        assert isinstance(self.content, Tensor)
        return self.content

    @property
    def bytes(self) -> int:
        """Memory of its content."""
        return self.content.nbytes if isinstance(self.content, Tensor) else len(self.content or b"")


def read(picture: Picture, max_pixels: int) -> Picture:
    """The picture with content and digest: a file as it is, anything else as pixels.

    Raises:
        TypeError: if the source is of a kind that `load_image` does not accept.
    """
    if picture.source is None:
        return picture
    try:
        if isinstance(picture.source, (str, os.PathLike)):
            content: bytes | Tensor = _file(Path(picture.source))
            digest = hashlib.blake2b(content, digest_size=16, person=b"file")
        else:
            content = load_image(picture.source, row=picture.row, max_pixels=max_pixels)
            digest = hashlib.blake2b(
                f"{content.dtype} {list(content.shape)}".encode(), digest_size=16, person=b"pixels"
            )
            digest.update(content.cpu().contiguous().view(torch.uint8).numpy().data)
    except ValueError as error:
        return replace(picture, refused=_without_row(error, picture))
    return replace(picture, content=content, digest=digest.digest())


def decode(picture: Picture, max_pixels: int, *, pin: bool = False) -> Picture:
    """The picture with decoded pixels, in pinned memory if asked for."""
    content = picture.content
    if isinstance(content, bytes):
        try:
            content = load_image(_open(content), row=picture.row, max_pixels=max_pixels)
        except ValueError as error:
            return replace(picture, content=None, refused=_without_row(error, picture))
    if pin and content is not None and not content.is_cuda:
        content = content.pin_memory()
    return replace(picture, content=content)


def ahead(
    function: Callable[[Picture], Picture], pictures: Iterable[Picture], executor: Executor, count: int
) -> Iterator[Picture]:
    """Apply a function in threads, up to `count` pictures ahead; results in the order of the pictures."""
    waiting: deque[Future[Picture]] = deque()
    try:
        for picture in pictures:
            waiting.append(executor.submit(function, picture))
            while len(waiting) > count or _bytes(waiting) > MAX_WAITING_BYTES:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def batches(pictures: Iterable[Picture], count: int) -> Iterator[list[Picture]]:
    """Runs of up to `count` pictures, fewer where they are large."""
    batch: list[Picture] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == count or sum(held.bytes for held in batch) > MAX_WAITING_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _bytes(waiting: Iterable[Future[Picture]]) -> int:
    return sum(future.result().bytes for future in waiting if future.done() and future.exception() is None)


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"could not be opened: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"expected a file of at most {MAX_FILE_BYTES} bytes")
    return content


def _open(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content))
    except Exception as error:  # decoders of hostile files raise nearly anything
        raise ValueError("expected a picture, its kind is not known") from error


def _without_row(error: ValueError, picture: Picture) -> str:
    """The message without the row, which the caller says in its own way."""
    return str(error).replace(f" at row {picture.row}", "")
