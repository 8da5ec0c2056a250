# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A detector and an embedder of faces, each a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from imug_metrics.encoders.callable import CallableEncoder
from imug_metrics.encoders.faces.crops import aligned_crop, square_crop
from imug_metrics.encoders.faces.detections import Faces, numbers
from imug_metrics.encoders.fingerprint import OF_PROCESS, digest_text, function_fingerprint
from imug_metrics.encoders.protocol import Encoder

_COLUMNS = (4, 5, 15)  # box; and score; and five points


class FaceFunctions:
    """A detector and an embedder of your own.

    Args:
        detector: Function from an image, uint8 ``[3, H, W]`` (RGB), to rows of 4, 5 or 15 numbers, or None: left, top,
            right and bottom of a box in pixels; its score; x and y of five points (eye on the left of the image, other
            eye, nose, corners of the mouth).
        embedder: Function from crops to embeddings ``[n, D]``, or an encoder.
        size: Side of the square crops, which the embedder gets as one uint8 tensor ``[n, 3, size, size]``; None: each
            as large as it is, in a list, for encoders that resize themselves.
        margin: What the longer side of a box is widened by, as a share of it; see `square_crop`.
        align: Crops turned so that the five points lie where ArcFace has them, in place of squares around the box; see
            `aligned_crop`. It needs rows of 15 numbers, and ``size``.
        name: Name for tables and reports.
        fingerprint: Identifies the detector, and an embedder that is a function, for caches and states that outlive the
            process; by default different for every model made.

    Raises:
        TypeError: If ``detector`` is no function, or ``embedder`` neither function nor encoder.
        ValueError: If ``size`` or ``margin`` cannot be, or ``align`` comes without ``size`` or with ``margin``.

    Example:
        >>> import torch
        >>> model = FaceFunctions(lambda image: [(0, 0, 2, 2)], lambda crops: crops.float().mean((2, 3)), size=4)
        >>> image = torch.zeros(3, 8, 8, dtype=torch.uint8)
        >>> image[0, :2, :2] = 200
        >>> model.embed([image], [model.find(image)])
        tensor([[200.,   0.,   0.]])
    """

    def __init__(
        self,
        detector: Callable[[Tensor], Any],
        embedder: Encoder | Callable[[Any], Any],
        *,
        size: int | None = None,
        margin: float = 0.0,
        align: bool = False,
        name: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        if not callable(detector):
            raise TypeError(f"Expected argument `detector` to be a function, got {type(detector).__name__}.")
        if not (callable(embedder) or hasattr(embedder, "encode_images")):
            raise TypeError(f"Expected argument `embedder` to be a function, got {type(embedder).__name__}.")
        if size is not None and size < 1:
            raise ValueError(f"Expected argument `size` to be >= 1, got {size}.")
        if not 0 <= margin <= 10:
            raise ValueError(f"Expected argument `margin` to lie in [0, 10], got {margin}.")
        if align and (size is None or margin):
            raise ValueError("Expected argument `align` to come with `size` and no `margin`: points set the scale.")
        self._identity = function_fingerprint(fingerprint)
        self.detector = detector
        self.embedder: Any = embedder
        if not hasattr(embedder, "encode_images"):
            self.embedder = CallableEncoder(embedder, name=name, fingerprint=self._identity)
        self.size, self.margin, self.align = size, margin, align
        self.name = name or f"{self.embedder.name}[face]"

    @property
    def dim(self) -> int | None:
        """Width of the embeddings, None where the embedder does not know it yet."""
        return getattr(self.embedder, "dim", None)

    @property
    def fingerprint(self) -> str:
        """That of the embedder, of the detector and of the crops."""
        prefix = OF_PROCESS if self._identity.startswith(OF_PROCESS) else ""
        crops = f"{self.size} {self.margin} {self.align}"
        return f"{prefix}{self.embedder.fingerprint}-{digest_text(self._identity, crops)}"

    @property
    def device(self) -> torch.device | None:
        """Where the embedder is."""
        return getattr(self.embedder, "device", None)

    def to(self, device: torch.device | str) -> FaceFunctions:
        """Move the embedder and return the model itself."""
        self.embedder.to(device)
        return self

    def find(self, image: Tensor) -> Faces:
        """All faces that the detector finds.

        Raises:
            ValueError: If it returns anything but rows of 4, 5 or 15 numbers.
        """
        found = self.detector(image)
        if found is None or len(found) == 0:
            return Faces(torch.zeros(0, 4))
        rows = numbers(found)
        rows = rows[None] if rows.ndim == 1 else rows
        if rows.ndim != 2 or rows.shape[1] not in _COLUMNS:
            raise ValueError(
                "Expected argument `detector` to return rows of 4 (box), 5 (and score) or 15 (and five points) numbers,"
                f" got {list(rows.shape)}."
            )
        return Faces(
            rows[:, :4],
            rows[:, 4] if rows.shape[1] > 4 else None,
            rows[:, 5:].reshape(-1, 5, 2) if rows.shape[1] > 5 else None,
        )

    def embed(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Tensor:
        """Embeddings ``[n, D]`` of one face in each of n images.

        Raises:
            ValueError: If ``align`` is asked for and the detector gives no points.
        """
        crops = [self._crop(image, face) for image, face in zip(images, faces)]
        embeddings: Tensor = self.embedder.encode_images(crops if self.size is None else torch.stack(crops))
        return embeddings

    def _crop(self, image: Tensor, face: Faces) -> Tensor:
        if not self.align or self.size is None:
            return square_crop(image, face.boxes[0], margin=self.margin, size=self.size)
        if face.points is None:
            raise ValueError("Expected argument `detector` to return rows of 15 numbers, for `align` needs points.")
        return aligned_crop(image, face.points[0], size=self.size)
