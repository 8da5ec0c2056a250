# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings of prompts and picture files, each distinct one encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.encoders.images import load_image
from imug_metrics.encoders.thumbnails import thumbnails

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

MAX_FILE_BYTES = 256 * 2**20
SIDE = 32
PIXELS = 3 * SIDE * SIDE


class Pictures(NamedTuple):
    """Picture files, one row each.

    Attributes:
        embeddings: float32 `[N, D]`, zeros where there is none.
        pixels: float32 `[N, K]` in [0, 1], the pictures at one small size; zeros where there is none.
        reasons: why a file could not be read, or None.
    """

    embeddings: Tensor
    pixels: Tensor
    reasons: list[str | None]


class EncodeOnce:
    """Remembers what it has encoded: texts by their content, pictures by that of their file.

    Args:
        encoder: makes the embeddings.
        batch_size: pictures that are decoded and held at a time.
        keep: rows remembered of either kind; the oldest are forgotten first. A picture's takes about 15 KB.
    """

    def __init__(self, encoder: Encoder, *, batch_size: int = 32, keep: int = 8192) -> None:
        self.encoder, self.batch_size, self.keep = encoder, batch_size, keep
        self._texts: dict[str, Tensor] = {}
        self._images: dict[bytes, Tensor] = {}

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embeddings `[N, D]`, float32. A lone surrogate is read as "?": tokenizers take none.

        Raises:
            TypeError: if the encoder has no text side.
        """
        texts = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        if new:
            self._texts.update(zip(new, self.encoder.encode_texts(new).float(), strict=True))
        return self._rows(self._texts, texts, self.encoder.dim or 1)

    def images(self, paths: Sequence[Path | None]) -> Pictures:
        """Embeddings and pixels of picture files; None where there is no file."""
        keys: list[bytes | None] = []
        reasons: list[str | None] = []
        waiting: dict[bytes, Tensor] = {}
        refused: dict[bytes, str] = {}
        for path in paths:
            key, reason = _digest(path)
            if key is not None and key not in self._images and key not in waiting and key not in refused:
                try:
                    waiting[key] = load_image(path, row=0)
                except ValueError as error:
                    refused[key] = _shorten(error, path)
                if len(waiting) == self.batch_size:
                    self._embed(waiting)
            keys.append(key)
            reasons.append(reason if key is None else refused.get(key))
        self._embed(waiting)
        rows = self._rows(self._images, keys, (self.encoder.dim or 1) + PIXELS)
        return Pictures(rows[:, :-PIXELS], rows[:, -PIXELS:], reasons)

    def _embed(self, waiting: dict[bytes, Tensor]) -> None:
        """Embed the pictures that wait, and let them go."""
        if not waiting:
            return
        images = list(waiting.values())
        embeddings = self.encoder.encode_images(images).float()
        rows = torch.cat([embeddings, thumbnails(images, SIDE).to(embeddings)], 1)
        self._images.update(zip(waiting, rows, strict=True))
        waiting.clear()

    def _rows(self, known: dict[Any, Tensor], keys: Sequence[Any], width: int) -> Tensor:
        some = next(iter(known.values()), None)
        empty = torch.zeros(width) if some is None else torch.zeros_like(some)
        rows = torch.stack([known.get(key, empty) for key in keys]) if keys else empty.new_zeros(0, len(empty))
        for key in list(known)[: max(0, len(known) - self.keep)]:
            del known[key]
        return rows


def _digest(path: Path | None) -> tuple[bytes | None, str | None]:
    """Digest of a file's content, or the reason why there is none."""
    if path is None:
        return None, None
    digest = hashlib.blake2b(digest_size=16)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None, f"expected a file of at most {MAX_FILE_BYTES} bytes"
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        return None, f"could not be opened: {error.strerror}"
    return digest.digest(), None


def _shorten(error: ValueError, path: Path | None) -> str:
    """The message without row and path, which the caller knows better."""
    return str(error).replace(" at row 0", "").replace(f" ({path})", "")
