# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings of prompts and picture files, each distinct one encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from imug_metrics.encoders.images import load_image

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

MAX_FILE_BYTES = 256 * 2**20


class EncodeOnce:
    """Remembers what it has encoded: texts by their content, pictures by that of their file.

    Args:
        encoder: makes the embeddings.
        batch_size: pictures that are decoded and held at a time.
        keep: embeddings remembered of either kind; the oldest are forgotten first.
    """

    def __init__(self, encoder: Encoder, *, batch_size: int = 32, keep: int = 50_000) -> None:
        self.encoder, self.batch_size, self.keep = encoder, batch_size, keep
        self._texts: dict[str, Tensor] = {}
        self._images: dict[bytes, Tensor] = {}

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embeddings `[N, D]`, float32.

        Raises:
            TypeError: if the encoder has no text side.
        """
        self._fill(self._texts, {text: text for text in texts}, self.encoder.encode_texts)
        return self._rows(self._texts, texts)

    def images(self, paths: Sequence[Path | None]) -> tuple[Tensor, list[str | None]]:
        """Embeddings `[N, D]` of picture files and, where a picture could not be read, the reason.

        Args:
            paths: files; None where there is none.

        Returns:
            float32 rows, zeros where there is no embedding, and one reason or None a row.
        """
        keys: list[bytes | None] = []
        reasons: list[str | None] = []
        waiting: dict[bytes, Any] = {}
        refused: dict[bytes, str] = {}
        for path in paths:
            key, reason = _digest(path)
            if key is not None and key not in self._images and key not in waiting and key not in refused:
                try:
                    waiting[key] = load_image(path, row=0)
                except ValueError as error:
                    refused[key] = _shorten(error, path)
                if len(waiting) == self.batch_size:
                    self._fill(self._images, waiting, self.encoder.encode_images)
                    waiting = {}
            keys.append(None if key in refused else key)
            reasons.append(refused.get(key, reason) if key is not None else reason)
        self._fill(self._images, waiting, self.encoder.encode_images)
        return self._rows(self._images, keys), reasons

    def _fill(self, known: dict[Any, Tensor], items: dict[Any, Any], encode: Callable[[Any], Tensor]) -> None:
        new = {key: item for key, item in items.items() if key not in known}
        if new:
            known.update(zip(new, encode(list(new.values())).detach().float(), strict=True))

    def _rows(self, known: dict[Any, Tensor], keys: Sequence[Any]) -> Tensor:
        some = next(iter(known.values()), None)
        empty = torch.zeros(self.encoder.dim or 1) if some is None else torch.zeros_like(some)
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
