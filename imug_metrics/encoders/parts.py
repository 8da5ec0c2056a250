# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the encoders of a part of each image share: a row of NaN where the part is not found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from imug_metrics.media.images import MAX_PIXELS, check_sequence, image_batches, load_image

Self = TypeVar("Self", bound="PartEncoder")


class PartEncoder:
    """Base of the encoders that embed a part of each image.

    Subclasses fill `_locate` and `_embed`, and may know the width of embeddings before any is made.

    Args:
        max_pixels: Height times width above which an image is refused before it is decoded.
    """

    def __init__(self, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self._dim: int | None = None

    @property
    def dim(self) -> int | None:
        """Width of the embeddings; None before the first call where nothing else tells it."""
        return self._dim or self._width()

    def encode_images(self, images: Any) -> Tensor:
        """Embed the part of each image.

        Args:
            images: See `imug_metrics.media.images`.

        Returns:
            float32 tensor ``[N, D]``, NaN rows where nothing was found.

        Raises:
            TypeError: If an image is of a kind not accepted.
            ValueError: If an image is malformed, unreadable or too large, or its part does not fit it; with the row.
        """
        batches = [self._encode([self._locate(*image) for image in batch]) for batch in self._decoded(images)]
        found = next((batch.shape[1] for batch in batches if batch.shape[1]), None)
        width = found or self.dim or 1
        self._dim = width if batches else self._dim
        padded = [batch if batch.shape[1] else batch.new_full((len(batch), width), torch.nan) for batch in batches]
        return torch.cat(padded) if padded else torch.zeros(0, width)

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        return self  # metrics are deep-copied by clone(); they share what encodes

    def _locate(self, image: Tensor, item: Any, row: int) -> Any:
        """What `_embed` takes of a decoded image, given as ``item``; None where there is nothing."""
        raise NotImplementedError

    def _embed(self, parts: list[Any]) -> Tensor:
        """Embeddings ``[n, D]`` of what `_locate` has found in n images, n >= 1."""
        raise NotImplementedError

    def _width(self) -> int | None:
        """Width of embeddings where it is known before the first."""
        return None

    def _decoded(self, images: Any) -> Iterator[list[tuple[Tensor, Any, int]]]:
        """Decoded images with the items they were given as and their rows, one batch at a time."""
        size, limit = getattr(self, "batch_size", 64), self.max_pixels
        if isinstance(images, (Tensor, np.ndarray)):
            images = (image for batch in image_batches(images, size, max_pixels=limit) for image in batch)
        rows = enumerate(check_sequence(images))
        while chunk := list(islice(rows, size)):
            yield [(load_image(item, row=row, max_pixels=limit), item, row) for row, item in chunk]

    def _encode(self, batch: list[Any]) -> Tensor:
        """Embeddings of one batch, ``[n, 0]`` where nothing was found in any image."""
        found = [row for row, part in enumerate(batch) if part is not None]
        if not found:
            return torch.zeros(len(batch), 0, device=getattr(self, "device", None))
        embedded = self._embed([batch[row] for row in found])
        if len(found) == len(batch):
            return embedded
        rows = torch.tensor(found, device=embedded.device)
        return embedded.new_full((len(batch), embedded.shape[1]), torch.nan).index_copy(0, rows, embedded)
