# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An encoder that remembers: each distinct image and text is encoded once."""

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
_BATCH = 32  # for encoders that do not say how much they take at a time


class EncodedImages(NamedTuple):
    """What is known of N images.

    Attributes:
        embeddings: float32 `[N, D]` on the encoder's device, zeros where there is none.
        pixels: float32 `[N, 3072]` in [0, 1] on the same device, the images at 32 x 32, zeros where there is none;
            None when they were not asked for.
        refused: why an image could not be read; None where it could, or where none was given.
    """

    embeddings: Tensor
    pixels: Tensor | None
    refused: list[str | None]


class CachedEncoder:
    """An encoder around another one, which sees each distinct image and text once.

    Files are known by their content, other images by their pixels, texts by their characters: copies under other
    names are encoded once. Rows are kept by content and by the encoder's fingerprint: a changed model makes new ones.
    Reading, hashing and decoding run in threads ahead of the encoder; for an encoder on a CUDA device images go
    through pinned memory.

    Images reach the inner encoder as a list of tensors `[3, H, W]`. With an encoder made with `differentiable=True`
    nothing is kept, and images go to it as they are; only `see` opens files, to tell which cannot be read.

    Args:
        encoder: the encoder.
        memory: bytes that rows take in memory, 768 for each besides its numbers; the least recently used go first. A
            image's embedding of 512 numbers and its small pixels take 10 KB.
        disk: folder where rows are kept for other runs and other processes; None: nowhere. The encoder's fingerprint
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
            images: See :mod:`imug_metrics.media.images`.

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If the encoder has no image side or an image is of a kind not accepted.
            ValueError: If an image is malformed, unreadable or too large; the message names the row.
        """
        if self.differentiable:
            return self.encoder.encode_images(images)
        found = self.see(images, with_pixels=False)
        check_readable(found.refused)
        return found.embeddings

    def see(self, images: Any, *, with_pixels: bool = True) -> EncodedImages:
        """Embeddings and small pixels of sources, each decoded once at most; one that cannot be read is no error.

        Args:
            images: as in `encode_images`; in a sequence, None stands for an absent source.
            with_pixels: whether the small pixels are wanted.

        Returns:
            One row a source.

        Raises:
            TypeError: if the encoder has no image side or an image is of a kind not accepted.
        """
        if self.differentiable:
            return self._see_with_graph(images, with_pixels)
        run = _Run(self, with_pixels)
        sources = run.encode(check_sequence(images))
        embeddings = self._stack([run.embeddings.get(source.digest) for source in sources], self.dim or 1)
        small = [run.pixels.get(source.digest) for source in sources]
        refused = [source.refused or run.refused.get(source.digest) for source in sources]
        return EncodedImages(embeddings, self._stack(small, PIXELS).float() if with_pixels else None, refused)

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
        found = self.find(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            rows = self.brought(self.encoder.encode_texts(list(new.values())))
            made = dict(zip(new, rows.unbind(), strict=True))
            self.keep(made)
            found |= made
        return self._stack([found[key] for key in keys], self.dim or 0)

    def __deepcopy__(self, memo: dict[int, Any]) -> CachedEncoder:
        return self  # metrics are deep-copied by clone(); they share model and cache

    def __repr__(self) -> str:
        return f"CachedEncoder({self.encoder!r})"

    def _see_with_graph(self, images: Any, with_pixels: bool) -> EncodedImages:
        images = images if isinstance(images, Tensor) else list(check_sequence(images))
        limit = getattr(self.encoder, "max_pixels", MAX_PIXELS)
        files = {
            row: decode(read(SourceImage(row, image), limit), limit)  # no graph leads to a file
            for row, image in enumerate(images)
            if isinstance(image, (str, os.PathLike))
        }
        refused = [files[row].refused if row in files else None for row in range(len(images))]
        rows = [row for row, image in enumerate(images) if image is not None and refused[row] is None]
        present = images if len(rows) == len(images) and not files else [images[row] for row in rows]
        if files:
            present = [files[row].pixels if row in files else images[row] for row in rows]
        embeddings = self.encoder.encode_images(present) if rows else torch.zeros(0, self.dim or 1)
        places = torch.tensor(rows, device=embeddings.device, dtype=torch.int64)

        def spread(values: Tensor) -> Tensor:
            return values.new_zeros(len(images), values.shape[1]).index_copy(0, places, values)

        with torch.no_grad():
            pixels = spread(thumbnails(present, SIDE).to(embeddings.device)) if with_pixels else None
        return EncodedImages(spread(embeddings), pixels, refused)

    def find(self, keys: Sequence[Key]) -> dict[Key, Tensor]:
        """Rows that are kept, from memory or from disk."""
        found = self.memory.get(keys)
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if self.disk is not None and missing:
            rows = self._try(self.disk.get, missing) or {}
            self.memory.put(rows)
            found |= rows
        return found

    def keep(self, rows: Mapping[Key, Tensor]) -> None:
        """Keep rows `[D]` that lie on the CPU."""
        self.memory.put({key: row.clone() for key, row in rows.items()})  # a view would hold its whole batch
        if self.disk is not None:
            self._try(self.disk.put, rows)

    def brought(self, embeddings: Tensor) -> Tensor:
        """Embeddings as they are kept: float32 on the CPU."""
        self._device = embeddings.device
        return embeddings.detach().float().cpu()

    def _try(self, operation: Callable[[Any], Any], argument: Any) -> Any:
        """An operation on the disk; a disk that is full or damaged costs time, not the evaluation."""
        try:
            return operation(argument)
        except (OSError, sqlite3.Error) as error:
            warnings.warn(f"The embedding cache could not be used: {error}", stacklevel=2)
            return None

    def _stack(self, rows: Sequence[Tensor | None], width: int) -> Tensor:
        there = [row for row in rows if row is not None]
        some = there[0] if there else torch.zeros(width)
        if len({len(row) for row in there}) > 1:  # an encoder of regions that has found none yet cannot know its width
            some = next((row for row in there if not row.isnan().all()), some)
            unseen = torch.full_like(some, torch.nan)
            rows = [row if row is None or len(row) == len(some) or not row.isnan().all() else unseen for row in rows]
        empty = torch.zeros_like(some)
        stacked = torch.stack([empty if row is None else row for row in rows]) if rows else some.new_zeros(0, width)
        return stacked if self.device is None else stacked.to(self.device)


class _Run:
    """One call: rows and refusals of its images by their digests."""

    def __init__(self, cache: CachedEncoder, with_pixels: bool) -> None:
        self.cache, self.with_pixels = cache, with_pixels
        self.fingerprint = cache.fingerprint
        self.batch = int(getattr(cache.encoder, "batch_size", _BATCH))
        self.embeddings: dict[bytes | None, Tensor] = {}
        self.pixels: dict[bytes | None, Tensor] = {}
        self.refused: dict[bytes | None, str] = {}

    def encode(self, images: Iterable[Any]) -> list[SourceImage]:
        """Encode what is new; returns the sources in their order, without content."""
        sources: list[SourceImage] = []
        limit = getattr(self.cache.encoder, "max_pixels", MAX_PIXELS)
        with ThreadPoolExecutor(self.cache.workers) as executor:
            given = (SourceImage(row, image) for row, image in enumerate(images))
            opened = ahead(partial(read, max_pixels=limit), given, executor, self.batch)
            new = self._new(opened, sources)
            decoded = ahead(partial(decode, max_pixels=limit, pin=self._on_cuda()), new, executor, self.batch)
            for batch in batches(decoded, self.batch):
                self._add(batch)
        return sources

    def _new(self, opened: Iterator[SourceImage], sources: list[SourceImage]) -> Iterator[SourceImage]:
        """Those that are neither known nor on their way; the others need not be decoded."""
        asked: set[bytes] = set()
        while some := list(islice(opened, self.batch)):
            distinct = {p.digest: p for p in some if p.digest is not None and p.digest not in asked}
            sources += [replace(source, source=None, content=None) for source in some]
            asked.update(distinct)
            self._look_up(list(distinct))
            for digest, source in distinct.items():
                if digest not in self.embeddings or (self.with_pixels and digest not in self.pixels):
                    yield source

    def _look_up(self, digests: Sequence[bytes]) -> None:
        for kind, fingerprint, known in self._kinds():
            found = self.cache.find([Key(fingerprint, kind, digest) for digest in digests])
            known.update((key.digest, row) for key, row in found.items())

    def _add(self, batch: Sequence[SourceImage]) -> None:
        self.refused |= {source.digest: source.refused for source in batch if source.refused is not None}
        there = [source for source in batch if source.refused is None]
        if self._on_cuda():
            there = [replace(p, content=p.pixels.to(self.cache.device, non_blocking=True)) for p in there]
        by_digest = {source.digest: source for source in there if source.digest is not None}
        made: dict[Key, Tensor] = {}
        for kind, fingerprint, known in self._kinds():
            new = {digest: source for digest, source in by_digest.items() if digest not in known}
            if new:
                rows = dict(zip(new, self._make(kind, list(new.values())), strict=True))
                known.update(rows)
                made |= {Key(fingerprint, kind, digest): row for digest, row in rows.items()}
        self.cache.keep(made)

    def _make(self, kind: str, sources: list[SourceImage]) -> tuple[Tensor, ...]:
        images = [source.image for source in sources]
        if kind == "pixels":  # half the room, and an error far below one of 255 levels
            return thumbnails(images, SIDE).half().cpu().unbind()
        try:
            embeddings = self.cache.encoder.encode_images(images)
        except ValueError as error:
            raise ValueError(_with_rows_of(sources, str(error))) from error
        return self.cache.brought(embeddings).unbind()

    def _kinds(self) -> list[tuple[str, str, dict[bytes | None, Tensor]]]:
        kinds = [("image", self.fingerprint, self.embeddings)]
        return [*kinds, ("pixels", f"thumbnails-{SIDE}", self.pixels)] if self.with_pixels else kinds

    def _on_cuda(self) -> bool:
        device = self.cache.device
        return device is not None and device.type == "cuda"


def check_readable(refused: Sequence[str | None]) -> None:
    """Raise ValueError if an image was refused.

    Example:
        >>> check_readable([None, "could not be opened"])
        Traceback (most recent call last):
        ValueError: Expected argument `images` to hold readable images, got at row 1: could not be opened
    """
    for row, reason in enumerate(refused):
        if reason is not None:
            raise ValueError(f"Expected argument `images` to hold readable images, got at row {row}: {reason}")


def _with_rows_of(images: Sequence[SourceImage], message: str) -> str:
    """An encoder's message about one of these images, with its row among all that the caller gave."""
    rows = {str(place): image.row for place, image in enumerate(images)}
    return re.sub(r"(?<=at row )\d+", lambda found: str(rows.get(found[0], found[0])), message)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
