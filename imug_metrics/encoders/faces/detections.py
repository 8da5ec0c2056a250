# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Faces found in an image, and the protocol of what finds and embeds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces found in one image.

    Attributes:
        boxes: float32 ``[K, 4]``: left, top, right and bottom in pixels.
        scores: float32 ``[K]``, the detector's confidence; None where it gives none.
        points: float32 ``[K, 5, 2]``: x and y of the eye on the left of the image, the other eye, the nose and the
            corners of the mouth; None where the detector gives none.
        embeddings: float32 ``[K, D]`` where the model embeds as it detects, NaN for a face without one; else None.
    """

    boxes: Tensor
    scores: Tensor | None = None
    points: Tensor | None = None
    embeddings: Tensor | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, rows: Tensor) -> Faces:
        """Some of the faces, by a mask ``[K]`` or by their numbers."""
        optional = (None if part is None else part[rows] for part in (self.scores, self.points, self.embeddings))
        return Faces(self.boxes[rows], *optional)

    def usable(self, height: int, width: int) -> Faces:
        """Those of which a part lies in the image and no more than twice as large, with points that are not one.

        The crop of any other would be black, of no end, or both.
        """
        usable = (visible_sizes(self.boxes, height, width) > 0).all(1) & _are_moderate(self.boxes, height, width)
        if self.points is not None:
            ends = torch.cat([self.points.amin(1), self.points.amax(1)], 1)  # a box, though perhaps without a width
            seen = (ends[:, :2] < ends.new_tensor([width, height])).all(1) & (ends[:, 2:] > 0).all(1)
            apart = (ends[:, 2:] > ends[:, :2]).any(1) & self.points.isfinite().all(2).all(1)
            usable &= seen & apart & _are_moderate(ends, height, width)
        return self.select(usable)


class FaceModel(Protocol):
    """What `FaceEncoder` needs: something that finds faces and embeds them."""

    @property
    def name(self) -> str:
        """Short name for tables and reports."""
        ...

    @property
    def dim(self) -> int | None:
        """Width of the embeddings, None where it is not known before the first."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies weights and settings: equal fingerprints give equal embeddings."""
        ...

    @property
    def device(self) -> torch.device | None:
        """Where embeddings are, None where that is not known."""
        ...

    def to(self, device: torch.device | str) -> Any:
        """Move the models."""
        ...

    def find(self, image: Tensor) -> Faces:
        """All faces of an image, uint8 ``[3, H, W]`` (RGB)."""
        ...

    def embed(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Tensor:
        """Embeddings ``[n, D]`` of one face in each of n images, n >= 1; NaN for one that cannot be embedded."""
        ...


def visible_sizes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Widths and heights ``[K, 2]`` of what lies in the image, 0 for boxes that are no numbers.

    Example:
        >>> visible_sizes(torch.tensor([[-2.0, 1.0, 4.0, 3.0], [9.0, 0.0, 12.0, 3.0]]), height=8, width=8)
        tensor([[4., 2.],
                [0., 3.]])
    """
    edge = boxes.new_tensor([width, height])
    low, high = boxes[:, :2].clamp_min(0), boxes[:, 2:].minimum(edge)
    size = (high - low).clamp_min(0).nan_to_num(0)
    return size.masked_fill(~boxes.isfinite().all(1, keepdim=True), 0)


def _are_moderate(boxes: Tensor, height: int, width: int) -> Tensor:
    """Whether boxes ``[K, 4]`` are at most twice as long as the image: no detector sees what is larger."""
    return (boxes[:, 2:] - boxes[:, :2]).amax(1) <= 2 * max(height, width)


def numbers(values: Any) -> Tensor:
    """What a library returned as float32 on the CPU: a tensor, an array, or a sequence of either."""
    if isinstance(values, Tensor):
        return values.detach().float().cpu()
    if isinstance(values, (list, tuple)) and values and isinstance(values[0], Tensor):
        return torch.stack([value.detach().float().cpu() for value in values])
    return torch.from_numpy(np.array(values, dtype=np.float32))
