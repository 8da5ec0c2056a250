# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Faces by facenet-pytorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from imug_metrics._optional import require
from imug_metrics.encoders.base import eval_mode
from imug_metrics.encoders.faces.detections import Faces, numbers
from imug_metrics.encoders.fingerprint import digest_text, digest_weights, function_fingerprint, weights_version

_SETTINGS = ("image_size", "margin", "min_face_size", "thresholds", "factor")  # of MTCNN


class FacenetModel:
    """``MTCNN`` and ``InceptionResnetV1`` of facenet-pytorch, or modules that are called like them.

    Faces are cut out and normalised by ``mtcnn.extract``, with its ``image_size`` and ``margin``. Which face counts is
    for `FaceEncoder` to say, not for ``keep_all`` or ``select_largest``.

    Args:
        mtcnn: The detector.
        resnet: The embedder, with pretrained weights. Both are shared, not copied.
        name: Name for tables and reports.
        fingerprint: Identifies weights and settings; by default a digest of them, and where one of the two is no
            module, different for every model made.

    Raises:
        TypeError: If ``mtcnn`` has no ``detect`` and ``extract``, or ``resnet`` is no function.
        ValueError: If ``mtcnn`` does not normalise what it cuts out, or ``resnet`` gives classes.

    Example:
        >>> from facenet_pytorch import MTCNN, InceptionResnetV1  # doctest: +SKIP
        >>> FacenetModel(MTCNN(), InceptionResnetV1(pretrained="vggface2")).dim  # doctest: +SKIP
        512
    """

    def __init__(self, mtcnn: Any, resnet: Any, *, name: str | None = None, fingerprint: str | None = None) -> None:
        if not (callable(getattr(mtcnn, "detect", None)) and callable(getattr(mtcnn, "extract", None))):
            raise TypeError(f"Expected argument `mtcnn` to have `detect` and `extract`, got {type(mtcnn).__name__}.")
        if not callable(resnet):
            raise TypeError(f"Expected argument `resnet` to be a module, got {type(resnet).__name__}.")
        if not getattr(mtcnn, "post_process", True):
            raise ValueError("Expected argument `mtcnn` to normalise what it cuts out (post_process=True).")
        if getattr(resnet, "classify", False):
            raise ValueError("Expected argument `resnet` to give embeddings (classify=False), not classes.")
        self.mtcnn, self.resnet = mtcnn, resnet
        self.name = name or f"facenet-{getattr(resnet, 'pretrained', None) or type(resnet).__name__}"
        self._modules = [module for module in (mtcnn, resnet) if isinstance(module, nn.Module)]
        self._given = fingerprint if len(self._modules) == 2 else function_fingerprint(fingerprint)
        self._digest: tuple[Any, str] | None = None

    @property
    def dim(self) -> int | None:
        """Width of the embeddings, as the last layer tells it."""
        return getattr(getattr(self.resnet, "last_linear", None), "out_features", None)

    @property
    def fingerprint(self) -> str:
        """What was given, or a digest of weights and settings; computed again when they change."""
        if self._given is not None:
            return self._given
        settings = str([getattr(self.mtcnn, setting, None) for setting in _SETTINGS])
        version = (settings, *(weights_version(module) for module in self._modules))
        if self._digest is None or self._digest[0] != version:
            weights = (digest_weights(module.state_dict()) for module in self._modules)
            self._digest = version, digest_text(str(self._modules), settings, *weights)
        return self._digest[1]

    @property
    def device(self) -> torch.device | None:
        """Where the embedder's weights are."""
        weight = next(self.resnet.parameters(), None) if isinstance(self.resnet, nn.Module) else None
        return None if weight is None else weight.device

    def to(self, device: torch.device | str) -> FacenetModel:
        """Move both modules, for everyone who shares them, and return the model itself."""
        for module in self._modules:
            module.to(device)
        if hasattr(self.mtcnn, "device"):
            self.mtcnn.device = torch.device(device)  # MTCNN moves images to where it believes to be
        return self

    def find(self, image: Tensor) -> Faces:
        """All faces of an image."""
        with eval_mode(*self._modules), torch.no_grad():
            boxes, scores = self.mtcnn.detect(_pil(image))[:2]
        if boxes is None or len(boxes) == 0:
            return Faces(torch.zeros(0, 4))
        return Faces(numbers(boxes), numbers(scores))

    def embed(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Tensor:
        """Embeddings ``[n, D]`` of one face in each of n images."""
        with eval_mode(*self._modules), torch.no_grad():
            crops = [self.mtcnn.extract(_pil(i), face.boxes.numpy(), None) for i, face in zip(images, faces)]
            pixels = torch.stack([crop.reshape(crop.shape[-3:]) for crop in crops])  # keep_all adds a dimension
            embeddings: Tensor = self.resnet(pixels.to(self.device or pixels.device)).float()
        return embeddings


def load_facenet(file: str, device: torch.device | str | None = None) -> FacenetModel:
    """MTCNN with the weights of its package, and InceptionResnetV1 with those of a file.

    Raises:
        ModuleNotFoundError: if facenet-pytorch is not installed.
        RuntimeError: if the weights are not those of the network.
    """
    library = require("facenet_pytorch", purpose="FacenetModel")
    weights = torch.load(file, map_location="cpu", weights_only=True)
    resnet = library.InceptionResnetV1()
    resnet.load_state_dict({name: weight for name, weight in weights.items() if not name.startswith("logits.")})
    model = FacenetModel(library.MTCNN(), resnet.eval(), name=f"facenet-{Path(file).stem}")
    return model if device is None else model.to(device)


def _pil(image: Tensor) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy()))
