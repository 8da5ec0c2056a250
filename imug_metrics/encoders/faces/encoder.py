# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The face of each image, embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NoReturn

import numpy as np
import torch
from torch import Tensor

from imug_metrics.encoders.faces.detections import FaceModel, Faces, visible_sizes
from imug_metrics.encoders.fingerprint import digest_text, digest_weights
from imug_metrics.encoders.parts import PartEncoder
from imug_metrics.media.images import MAX_PIXELS


class FaceEncoder(PartEncoder):
    """An encoder that sees the face in each image and nothing else.

    An image without a face, or with one that the policies refuse, has a row of NaN, which metrics count as absent: the
    score skips it and the coverage falls. No detector and no threshold of similarity comes with it.

    Args:
        model: What finds and embeds faces: `InsightFaceModel`, `FacenetModel`, `FaceFunctions`, or your own.
        several: Which of several faces counts: the one with the ``"largest"`` box (what lies in the image), the one
            with the highest ``"score"``, the first of equals; or ``"none"``, as if the image had no face.
        min_size: Faces whose shorter side has fewer pixels in the image are passed over.
        min_score: Faces whose score is lower are passed over.
        mean: Vector ``[D]`` that is subtracted from embeddings, or None. Descriptors such as dlib's share a large part,
            which makes every cosine high; their mean over faces of *other* people than those compared takes it away.
        batch_size: Faces embedded together.
        name: Name for tables and reports.
        max_pixels: Height times width above which an image is refused before it is decoded.

    Raises:
        TypeError: If ``model`` does not find and embed.
        ValueError: If a policy is unknown or out of range, or ``mean`` no vector of finite numbers.

    Example:
        >>> import torch
        >>> from imug_metrics.encoders import FaceEncoder
        >>> from imug_metrics.encoders.faces import FaceFunctions
        >>> detect = lambda image: [(0, 0, 4, 4)] if image.any() else None
        >>> encoder = FaceEncoder(FaceFunctions(detect, lambda crops: crops.float().mean((2, 3)), size=4))
        >>> images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        >>> images[0, 1] = 90
        >>> encoder.encode_images(images)
        tensor([[ 0., 90.,  0.],
                [nan, nan, nan]])
        >>> encoder.count_faces(images)
        tensor([1, 0])
    """

    def __init__(
        self,
        model: FaceModel,
        *,
        several: Literal["largest", "score", "none"] = "largest",
        min_size: float = 0,
        min_score: float | None = None,
        mean: Tensor | np.ndarray | Sequence[float] | None = None,
        batch_size: int = 64,
        name: str | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if not (hasattr(model, "find") and hasattr(model, "embed")):
            raise TypeError(
                "Expected argument `model` to be InsightFaceModel, FacenetModel, FaceFunctions or a model with `find`"
                f" and `embed`, got {type(model).__name__}."
            )
        if several not in ("largest", "score", "none"):
            raise ValueError(f"Expected argument `several` to be largest, score or none, got {several!r}.")
        if not min_size >= 0:
            raise ValueError(f"Expected argument `min_size` to be >= 0, got {min_size}.")
        if min_score is not None and not abs(min_score) < float("inf"):
            raise ValueError(f"Expected argument `min_score` to be a finite number, got {min_score}.")
        if batch_size < 1:
            raise ValueError(f"Expected argument `batch_size` to be >= 1, got {batch_size}.")
        super().__init__(max_pixels)
        self.model, self.batch_size = model, batch_size
        self.several, self.min_size, self.min_score = several, min_size, min_score
        self.mean = None if mean is None else _vector(mean)
        self.name = name or model.name

    @property
    def fingerprint(self) -> str:
        """That of the model, and of the policies."""
        mean = "" if self.mean is None else digest_weights({"mean": self.mean})
        settings = digest_text(f"{self.several} {float(self.min_size)} {self.min_score}", mean)
        return f"{self.model.fingerprint}-{settings}"

    @property
    def device(self) -> torch.device | None:
        """Where embeddings are, None where the model does not know."""
        return self.model.device

    def to(self, device: torch.device | str) -> FaceEncoder:
        """Move the model and return the encoder itself."""
        self.model.to(device)
        return self

    def encode_texts(self, texts: Sequence[str]) -> NoReturn:
        """Raise TypeError: texts have no face."""
        raise TypeError(f"Encoder {self.name!r} has no text side. Pass an encoder that embeds texts.")

    def find_faces(self, images: Any) -> list[Faces]:
        """The faces of each image that are neither too small nor too uncertain, whichever of them counts.

        Args:
            images: See `imug_metrics.media.images`.

        Returns:
            N `Faces`.

        Raises:
            TypeError, ValueError: As `encode_images` does.
        """
        return [self._find(image, row) for batch in self._decoded(images) for image, _, row in batch]

    def count_faces(self, images: Any) -> Tensor:
        """Number of faces in each image that are neither too small nor too uncertain.

        The detector runs again: embeddings may come from a cache, the counts never do.

        Args:
            images: See `imug_metrics.media.images`.

        Returns:
            int64 tensor ``[N]``.

        Raises:
            TypeError, ValueError: As `encode_images` does.
        """
        return torch.tensor([len(faces) for faces in self.find_faces(images)], dtype=torch.int64)

    def __repr__(self) -> str:
        return f"FaceEncoder({self.model!r}, several={self.several!r}, name={self.name!r})"

    def _locate(self, image: Tensor, item: Any, row: int) -> tuple[Tensor, Faces] | None:
        """The image with the one face that counts."""
        faces = self._find(image, row)
        if len(faces) == 0 or (len(faces) > 1 and self.several == "none"):
            return None
        rank = faces.scores if self.several == "score" else None
        rank = visible_sizes(faces.boxes, *image.shape[1:]).prod(1) if rank is None else rank
        chosen = faces.select(rank.nan_to_num(-torch.inf).argmax()[None])
        embedded = chosen.embeddings is None or bool(chosen.embeddings.isfinite().all())
        return (_to_levels(image), chosen) if embedded else None

    def _find(self, image: Tensor, row: int) -> Faces:
        """The faces of one image that are neither too small nor too uncertain."""
        height, width = image.shape[1:]
        try:
            faces = self.model.find(_to_levels(image)).usable(height, width)
        except ValueError as error:
            raise ValueError(f"{str(error).rstrip('.')} at row {row}.") from error
        keep = visible_sizes(faces.boxes, height, width).amin(1) >= self.min_size
        if len(faces) and faces.scores is None and (self.min_score is not None or self.several == "score"):
            argument = "several" if self.several == "score" else "min_score"
            raise ValueError(f"Expected argument `{argument}` to need no scores: {self.model.name!r} gives none.")
        if faces.scores is not None and self.min_score is not None:
            keep &= faces.scores >= self.min_score
        return faces.select(keep)

    def _embed(self, parts: list[tuple[Tensor, Faces]]) -> Tensor:
        embeddings = self.model.embed(*map(list, zip(*parts)))
        if self.mean is None:
            return embeddings
        if self.mean.shape[0] != embeddings.shape[1]:
            raise ValueError(
                f"Expected argument `mean` to have {embeddings.shape[1]} numbers, as the embeddings of {self.name!r},"
                f" got {len(self.mean)}."
            )
        return embeddings - self.mean.to(embeddings.device)

    def _width(self) -> int | None:
        return self.model.dim


def _to_levels(image: Tensor) -> Tensor:
    """uint8 as detectors expect it; floating-point images in [0, 1] are rounded."""
    image = image.detach()
    return image if image.dtype == torch.uint8 else (image * 255).round().clamp(0, 255).to(torch.uint8)


def _vector(mean: Any) -> Tensor:
    values = torch.as_tensor(np.asarray(mean) if not isinstance(mean, Tensor) else mean.detach()).float().cpu()
    if values.ndim != 1 or not bool(values.isfinite().all()):
        raise ValueError(f"Expected argument `mean` to be a vector [D] of finite numbers, got {list(values.shape)}.")
    return values
