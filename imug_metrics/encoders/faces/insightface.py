# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Faces by insightface."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from imug_metrics._optional import require
from imug_metrics.encoders.faces.detections import Faces, numbers
from imug_metrics.encoders.fingerprint import digest_text, function_fingerprint


class InsightFaceModel:
    """Detection and recognition by a ``FaceAnalysis`` of insightface, with the alignment that is its own.

    Embeddings have unit length, as its ``normed_embedding``. A ``get`` embeds all faces of an image, whichever counts.

    Args:
        app: A prepared ``FaceAnalysis``, or anything with its ``get``: from a uint8 array ``[H, W, 3]`` (BGR) to a list
            of faces with ``bbox``, ``det_score`` and ``embedding`` or ``normed_embedding``.
        name: Name for tables and reports, by default that of the folder the models are in.
        fingerprint: Identifies models and settings; by default a digest of the models' files and of the detector's
            settings, and where there are no files, different for every model made.

    Raises:
        TypeError: If ``app`` has no ``get``.
        ValueError: If it has no model for recognition.

    Example:
        >>> from insightface.app import FaceAnalysis  # doctest: +SKIP
        >>> app = FaceAnalysis("buffalo_l", allowed_modules=["detection", "recognition"])  # doctest: +SKIP
        >>> app.prepare(ctx_id=-1, det_size=(640, 640))  # doctest: +SKIP
        >>> InsightFaceModel(app).dim  # doctest: +SKIP
        512
    """

    device = torch.device("cpu")  # where onnxruntime's arrays come back, wherever it computes

    def __init__(self, app: Any, *, name: str | None = None, fingerprint: str | None = None) -> None:
        if not callable(getattr(app, "get", None)):
            raise TypeError(f"Expected argument `app` to be a FaceAnalysis with `get`, got {type(app).__name__}.")
        self.app, self._models = app, dict(getattr(app, "models", None) or {})
        if self._models and "recognition" not in self._models:
            raise ValueError(f"Expected argument `app` to have a model for recognition, got {', '.join(self._models)}.")
        self.name = name or os.path.basename(os.path.normpath(getattr(app, "model_dir", "insightface")))
        self._given, self._files = fingerprint, ""

    @property
    def dim(self) -> int | None:
        """Width of the embeddings, as the model for recognition tells it."""
        width = (getattr(self._models.get("recognition"), "output_shape", None) or (None,))[-1]
        return width if isinstance(width, int) else None

    @property
    def fingerprint(self) -> str:
        """What was given, or a digest of the models' files and of the detector's settings."""
        if self._given is not None:
            return self._given
        self._files = self._files or self._digest_files()
        settings = (str(getattr(self.app, setting, None)) for setting in ("det_size", "det_thresh"))
        return f"{self._files}-{digest_text(*settings)}"

    def to(self, device: torch.device | str) -> InsightFaceModel:
        """Return the model itself: where it computes is said to ``FaceAnalysis``, by its providers."""
        return self

    def find(self, image: Tensor) -> Faces:
        """All faces of an image, embedded."""
        found = self.app.get(np.ascontiguousarray(image.permute(1, 2, 0).flip(-1).cpu().numpy()))
        if not found:
            return Faces(torch.zeros(0, 4))
        return Faces(
            numbers([face.bbox for face in found])[:, :4],
            scores=numbers([face.det_score for face in found]),
            embeddings=_stack([_embedding(face) for face in found]),
        )

    def embed(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Tensor:
        """The embeddings ``[n, D]`` that came with one face in each of n images."""
        return torch.cat([face.embeddings for face in faces if face.embeddings is not None])

    def _digest_files(self) -> str:
        paths = [getattr(model, "model_file", None) for model in self._models.values()]
        files = sorted(str(path) for path in paths if path is not None and os.path.isfile(path))
        return _digest(files) if paths and len(files) == len(paths) else function_fingerprint(None)


def load_insightface(folder: str, device: torch.device | str | None = None) -> InsightFaceModel:
    """Detection and recognition of a folder of models, on images of 640 x 640 pixels.

    Raises:
        ModuleNotFoundError: if insightface is not installed.
    """
    analysis = require("insightface.app", purpose="InsightFaceModel").FaceAnalysis
    where = torch.device(device or "cpu")
    on_gpu = where.type == "cuda"
    providers = ["CUDAExecutionProvider"] * on_gpu + ["CPUExecutionProvider"]
    app = analysis(folder, allowed_modules=["detection", "recognition"], providers=providers)
    app.prepare(ctx_id=(where.index or 0) if on_gpu else -1, det_size=(640, 640))
    return InsightFaceModel(app)


def _embedding(face: Any) -> Tensor | None:
    raw = getattr(face, "embedding", None)
    raw = getattr(face, "normed_embedding", None) if raw is None else raw
    return None if raw is None else normalize(numbers(raw).reshape(-1), dim=0)


def _stack(rows: Sequence[Tensor | None]) -> Tensor:
    """Embeddings in one tensor, NaN for a face without one, as of those that a check of liveness refuses."""
    absent = torch.full_like(next((row for row in rows if row is not None), torch.zeros(1)), torch.nan)
    return torch.stack([absent if row is None else row for row in rows])


def _digest(paths: Iterable[str]) -> str:
    """16 hexadecimal digits of the content of files."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
