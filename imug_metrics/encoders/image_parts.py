# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Subject, background and whole image embedded from one decoded image."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.encoders.parts import PartEncoder
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.encoders.regions import RegionEncoder
from imug_metrics.media.images import ImageRegion


class ImageParts(NamedTuple):
    """Embeddings ``[N, D]`` of images' subjects, of all but these, and of whole images; their widths may differ."""

    subject: Tensor
    background: Tensor
    whole: Tensor


class PartsEncoder(PartEncoder):
    """Subjects, backgrounds and whole images by one encoder; every image is decoded once and searched once.

    Args:
        encoder: A `RegionEncoder`, which finds the subjects, or an encoder of whole images: the box or mask of each
            `ImageRegion` is the subject then, and what a mask leaves out is painted grey.

    Example:
        >>> from imug_metrics.encoders import CallableEncoder
        >>> colour = CallableEncoder(lambda images: torch.stack([image.float().mean((1, 2)) for image in images]))
        >>> image = torch.zeros(3, 4, 4, dtype=torch.uint8)
        >>> image[0, :2, :2] = 200
        >>> parts = PartsEncoder(colour).encode_parts([ImageRegion(image, box=(0, 0, 2, 2))])
        >>> parts.subject.tolist(), parts.whole.tolist()
        ([[200.0, 0.0, 0.0]], [[50.0, 0.0, 0.0]])
    """

    def __init__(self, encoder: Encoder | RegionEncoder) -> None:
        self._finder = encoder if isinstance(encoder, RegionEncoder) else RegionEncoder(encoder, masking="paint")
        super().__init__(self._finder.max_pixels)
        self._whole, masking = self._finder.encoder, self._finder.masking
        self._subject = RegionEncoder(self._whole, masking=masking)
        self._background = RegionEncoder(self._whole, background=True, masking=masking)
        self.batch_size = getattr(self._finder, "batch_size", 64)

    def encode_parts(self, images: Any) -> ImageParts:
        """Embed all parts of each image.

        Args:
            images: As for `RegionEncoder.encode_images`.

        Returns:
            The embeddings; rows of NaN where nothing was found, and where no background is left.

        Raises:
            TypeError: If the encoder has no patch tokens to pool under a mask.
            ValueError: If an image has no region where it has to have one, or a mask or box does not fit; with the row.
        """
        batches = ([self._locate(*image) for image in batch] for batch in self._decoded(images))
        parts = [
            ImageParts(self._embed(batch), self._background.encode_images(batch), self._embed_whole(batch))
            for batch in batches
        ]
        return ImageParts(*map(torch.cat, zip(*parts))) if parts else ImageParts(*[torch.zeros(0, 1)] * 3)

    def encode_whole(self, images: Any) -> Tensor:
        """Embed whole images as `encode_parts` does, whatever the region of one is."""
        return RegionEncoder(self._whole, "full", max_pixels=self.max_pixels).encode_images(images)

    def _locate(self, image: Tensor, item: Any, row: int) -> ImageRegion:
        """The decoded image with what was found in it; an empty box where that is nothing."""
        found = self._finder._region_of(item, image, row)
        return ImageRegion(image, _NOTHING if found is None else None, found)

    def _embed(self, parts: list[ImageRegion]) -> Tensor:
        return self._subject.encode_images(parts)

    def _embed_whole(self, parts: list[ImageRegion]) -> Tensor:
        embeddings: Tensor = self._whole.encode_images([part.image for part in parts])
        return embeddings


_NOTHING = (0, 0, 0, 0)
