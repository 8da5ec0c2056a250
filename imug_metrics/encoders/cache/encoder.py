# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An encoder with a cache: each distinct image and text is encoded once."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.encoders.cache.disk import DiskCache
from imug_metrics.encoders.cache.images import SourceImage, ahead, batches, decode, read
from imug_metrics.encoders.cache.memory import Key, MemoryCache
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.encoders.texts import check_texts
from imug_metrics.media.images import MAX_PIXELS, check_sequence
from imug_metrics.media.thumbnails import thumbnails

SIDE = 32
PIXELS = 3 * SIDE * SIDE
_BATCH = 32  # for encoders without a `batch_size`


class EncodedImages(NamedTuple):
    """Embeddings and small pixels of N images.

    Attributes:
        embeddings: float32 `[N, D]` on the encoder's device, zeros where there is none.
        pixels: float32 `[N, 3072]` in [0, 1] on the same device, the images at 32 x 32, zeros where there is none;
            None when they were not asked for.
        errors: why an image could not be read; None where it could, or where none was given.
    """

    embeddings: Tensor
    pixels: Tensor | None
    errors: list[str | None]


class CachedEncoder:
    """An encoder around another one, which sees each distinct image and text once.

    Files are identified by their content, other images by their pixels, texts by their characters: copies under other
    names are encoded once. Rows are kept by content and by the encoder's fingerprint: a changed model makes new ones.
    Reading, hashing and decoding run in threads ahead of the encoder; for an encoder on a CUDA device images go
    through pinned memory.

    Images reach the inner encoder as a list of tensors `[3, H, W]`. With an encoder made with `differentiable=True`
    nothing is kept, and images go to it as they are; only `encode_readable` opens files, to tell which cannot be read.

    Args:
        encoder: the encoder.
        memory: bytes that rows take in memory, 768 for each besides its numbers; the least recently used go first. The
            embedding of 512 numbers and the small pixels of an image take 10 KB.
        disk: folder where rows are kept for other processes, now or later; None: nowhere. The encoder's fingerprint
            must mean the same in all of them, so name that of a `CallableEncoder`.
        workers: threads that read and decode, by default one a processor, at most 16.

    Attributes:
        encoder: the encoder inside.

    Raises:
        ValueError: if `memory` is negative or `workers` below 1.

    Example:
        >>> from imug_metrics.encoders import CallableEncoder
        >>> seen = []
        >>> def colour(images):
        ...     seen.append(len(images))
        ...     return torch.stack([image.float().mean((1, 2)) for image in images])
        >>> encoder = CachedEncoder(CallableEncoder(colour))
        >>> images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)  # four times the same
        >>> encoder.encode_images(images).shape, encoder.encode_images(images).shape, seen
        (torch.Size([4, 3]), torch.Size([4, 3]), [1])
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        memory: int = 256 * 2**20,
        disk: str | os.PathLike[str] | None = None,
        workers: int | None = None,
    ) -> None:
        workers = min(16, os.cpu_count() or 1) if workers is None else workers
        if workers < 1:
            raise ValueError(f"Expected argument `workers` to be >= 1, got {workers}.")
        self.encoder, self.workers = encoder, workers
        self._device: torch.device | None = None
        self.memory = MemoryCache(memory)
        self.disk = None if disk is None else DiskCache(disk)

    @property
    def name(self) -> str:
        """Name of the encoder inside."""
        return self.encoder.name

    @property
    def dim(self) -> int | None:
        """Width of the embeddings."""
        return self.encoder.dim

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder inside: a cache does not change embeddings."""
        return self.encoder.fingerprint

    @property
    def logit_scale(self) -> float | None:
        """Multiplier of the cosine the model was trained with."""
        return getattr(self.encoder, "logit_scale", None)

    @property
    def logit_bias(self) -> float | None:
        """Bias the model was trained with."""
        return getattr(self.encoder, "logit_bias", None)

    @property
    def truncated_texts(self) -> int:
        """Texts that the encoder inside has cut; one that is encoded once counts once."""
        return getattr(self.encoder, "truncated_texts", 0)

    @property
    def differentiable(self) -> bool:
        """Whether embeddings keep their graph; nothing is kept then."""
        return getattr(self.encoder, "differentiable", False)

    @property
    def device(self) -> torch.device | None:
        """Where embeddings are: where the encoder inside says, or has left them; None before it was called."""
        return getattr(self.encoder, "device", None) or self._device

    def to(self, device: torch.device | str) -> CachedEncoder:
        """Move the encoder inside and return the encoder itself.

        Raises:
            TypeError: if the encoder inside cannot be moved.
        """
        if not hasattr(self.encoder, "to"):
            raise TypeError(f"Encoder {self.name!r} has no method `to`. Put it where it belongs, and name no `device`.")
        self.encoder.to(device)
        return self

    def encode_images(self, images: Any) -> Tensor:
        """Embed images.

        Args:
            images: See `imug_metrics.media.images`.

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If the encoder has no image side or an image is of a kind not accepted.
            ValueError: If an image is malformed, unreadable or too large; the message names the row.
        """
        if self.differentiable:
            return self.encoder.encode_images(images)
        found = self.encode_readable(images, with_pixels=False)
        check_readable(found.errors)
        return found.embeddings

    def encode_readable(self, images: Any, *, with_pixels: bool = True) -> EncodedImages:
        """Embeddings and small pixels of images, each decoded once at most; one that cannot be read is no error.

        Args:
            images: as in `encode_images`; in a sequence, None stands for an absent one.
            with_pixels: whether the small pixels are wanted.

        Returns:
            One row an image.

        Raises:
            TypeError: if the encoder has no image side or an image is of a kind not accepted.
        """
        if self.differentiable:
            return self._encode_with_graph(images, with_pixels)
        call = _ImageCall(self, with_pixels)
        sources = call.encode(check_sequence(images))
        embeddings = self._stack([call.embeddings.get(source.digest) for source in sources], self.dim or 1)
        small = [call.pixels.get(source.digest) for source in sources]
        errors = [source.error or call.errors.get(source.digest) for source in sources]
        return EncodedImages(embeddings, self._stack(small, PIXELS).float() if with_pixels else None, errors)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N strings.

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If the encoder has no text side or ``texts`` is not a sequence of strings.
        """
        if self.differentiable:
            return self.encoder.encode_texts(texts)
        fingerprint, texts = self.fingerprint, check_texts(texts)
        keys = [Key(fingerprint, "text", _digest(text)) for text in texts]
        found = self.lookup(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            rows = self.to_rows(self.encoder.encode_texts(list(new.values())))
            encoded = dict(zip(new, rows, strict=True))
            self.store(encoded)
            found |= encoded
        return self._stack([found[key] for key in keys], self.dim or 0)

    def __deepcopy__(self, memo: dict[int, Any]) -> CachedEncoder:
        return self  # metrics are deep-copied by clone(); they share model and cache

    def __repr__(self) -> str:
        return f"CachedEncoder({self.encoder!r})"

    def _encode_with_graph(self, images: Any, with_pixels: bool) -> EncodedImages:
        images = images if isinstance(images, Tensor) else list(check_sequence(images))
        limit = getattr(self.encoder, "max_pixels", MAX_PIXELS)
        files = {
            row: decode(read(SourceImage(row, image), limit), limit)  # no graph leads to a file
            for row, image in enumerate(images)
            if isinstance(image, (str, os.PathLike, bytes))
        }
        errors = [files[row].error if row in files else None for row in range(len(images))]
        rows = [row for row, image in enumerate(images) if image is not None and errors[row] is None]
        present = images if len(rows) == len(images) and not files else [images[row] for row in rows]
        if files:
            present = [files[row].pixels if row in files else images[row] for row in rows]
        embeddings = self.encoder.encode_images(present) if rows else torch.zeros(0, self.dim or 1)
        places = torch.tensor(rows, device=embeddings.device, dtype=torch.int64)

        def spread(values: Tensor) -> Tensor:
            return values.new_zeros(len(images), values.shape[1]).index_copy(0, places, values)

        with torch.no_grad():
            pixels = spread(thumbnails(present, SIDE).to(embeddings.device)) if with_pixels else None
        return EncodedImages(spread(embeddings), pixels, errors)

    def lookup(self, keys: Sequence[Key]) -> dict[Key, Tensor]:
        """Rows that are stored, from memory or from disk."""
        found = self.memory.get(keys)
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if self.disk is not None and missing:
            rows = self._try(self.disk.get, missing) or {}
            self.memory.put(rows)
            found |= rows
        return found

    def store(self, rows: Mapping[Key, Tensor]) -> None:
        """Store rows `[D]`, which are on the CPU."""
        self.memory.put({key: row.clone() for key, row in rows.items()})  # a view would keep its whole batch alive
        if self.disk is not None:
            self._try(self.disk.put, rows)

    def to_rows(self, embeddings: Tensor) -> tuple[Tensor, ...]:
        """Embeddings as they are stored: rows of float32 on the CPU."""
        self._device = embeddings.device
        return embeddings.detach().float().cpu().unbind()

    def _try(self, operation: Callable[[Any], Any], argument: Any) -> Any:
        """An operation on the disk; a disk that is full or damaged costs time, not the evaluation."""
        try:
            return operation(argument)
        except (OSError, sqlite3.Error) as error:
            warnings.warn(f"The embedding cache could not be used: {error}", stacklevel=2)
            return None

    def _stack(self, rows: Sequence[Tensor | None], width: int) -> Tensor:
        present = [row for row in rows if row is not None]
        like = present[0] if present else torch.zeros(width)
        if len({len(row) for row in present}) > 1:  # an encoder of regions that has found none yet has no width
            like = next((row for row in present if not row.isnan().all()), like)
            nothing = torch.full_like(like, torch.nan)
            rows = [row if row is None or len(row) == len(like) or not row.isnan().all() else nothing for row in rows]
        empty = torch.zeros_like(like)
        stacked = torch.stack([empty if row is None else row for row in rows]) if rows else like.new_zeros(0, width)
        return stacked if self.device is None else stacked.to(self.device)


class _ImageCall:
    """One call: rows and errors of its images by their digests."""

    def __init__(self, cache: CachedEncoder, with_pixels: bool) -> None:
        self.cache, self.with_pixels = cache, with_pixels
        self.fingerprint = cache.fingerprint
        self.batch = int(getattr(cache.encoder, "batch_size", _BATCH))
        self.embeddings: dict[bytes | None, Tensor] = {}
        self.pixels: dict[bytes | None, Tensor] = {}
        self.errors: dict[bytes | None, str] = {}

    def encode(self, images: Iterable[Any]) -> list[SourceImage]:
        """Encode what is new; returns the sources in their order, without content."""
        sources: list[SourceImage] = []
        limit = getattr(self.cache.encoder, "max_pixels", MAX_PIXELS)
        with ThreadPoolExecutor(self.cache.workers) as executor:
            all_images = (SourceImage(row, image) for row, image in enumerate(images))
            opened = ahead(partial(read, max_pixels=limit), all_images, executor, self.batch)
            new = self._new(opened, sources)
            decoded = ahead(partial(decode, max_pixels=limit, pin=self._on_cuda()), new, executor, self.batch)
            for batch in batches(decoded, self.batch):
                self._add(batch)
        return sources

    def _new(self, opened: Iterator[SourceImage], sources: list[SourceImage]) -> Iterator[SourceImage]:
        """Those that are neither stored nor being encoded; the others need not be decoded."""
        requested: set[bytes] = set()
        while batch := list(islice(opened, self.batch)):
            distinct = {s.digest: s for s in batch if s.digest is not None and s.digest not in requested}
            sources += [replace(source, source=None, content=None) for source in batch]
            requested.update(distinct)
            self._look_up(list(distinct))
            for digest, source in distinct.items():
                if digest not in self.embeddings or (self.with_pixels and digest not in self.pixels):
                    yield source

    def _look_up(self, digests: Sequence[bytes]) -> None:
        for kind, fingerprint, rows in self._kinds():
            found = self.cache.lookup([Key(fingerprint, kind, digest) for digest in digests])
            rows.update((key.digest, row) for key, row in found.items())

    def _add(self, batch: Sequence[SourceImage]) -> None:
        self.errors |= {source.digest: source.error for source in batch if source.error is not None}
        readable = [source for source in batch if source.error is None]
        if self._on_cuda():
            readable = [replace(s, content=s.pixels.to(self.cache.device, non_blocking=True)) for s in readable]
        by_digest = {source.digest: source for source in readable if source.digest is not None}
        encoded: dict[Key, Tensor] = {}
        for kind, fingerprint, rows in self._kinds():
            new = {digest: source for digest, source in by_digest.items() if digest not in rows}
            for digest, row in zip(new, self._encode(kind, list(new.values())) if new else (), strict=True):
                rows[digest] = encoded[Key(fingerprint, kind, digest)] = row
        self.cache.store(encoded)

    def _encode(self, kind: str, sources: list[SourceImage]) -> tuple[Tensor, ...]:
        images = [source.image for source in sources]
        if kind == "pixels":  # half the room, and an error far below one of 255 levels
            return thumbnails(images, SIDE).half().cpu().unbind()
        try:
            embeddings = self.cache.encoder.encode_images(images)
        except ValueError as error:
            raise ValueError(_with_rows_of(sources, str(error))) from error
        return self.cache.to_rows(embeddings)

    def _kinds(self) -> list[tuple[str, str, dict[bytes | None, Tensor]]]:
        kinds = [("image", self.fingerprint, self.embeddings)]
        return [*kinds, ("pixels", f"thumbnails-{SIDE}", self.pixels)] if self.with_pixels else kinds

    def _on_cuda(self) -> bool:
        device = self.cache.device
        return device is not None and device.type == "cuda"


def check_readable(errors: Sequence[str | None]) -> None:
    """Raise ValueError if an image could not be read.

    Example:
        >>> check_readable([None, "could not be opened"])
        Traceback (most recent call last):
        ValueError: Expected argument `images` to hold readable images, got at row 1: could not be opened
    """
    for row, error in enumerate(errors):
        if error is not None:
            raise ValueError(f"Expected argument `images` to hold readable images, got at row {row}: {error}")


def _with_rows_of(images: Sequence[SourceImage], message: str) -> str:
    """An encoder's message about one of these images, with its row among all those of the caller."""
    rows = {str(place): image.row for place, image in enumerate(images)}
    return re.sub(r"(?<=at row )\d+", lambda found: str(rows.get(found[0], found[0])), message)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
