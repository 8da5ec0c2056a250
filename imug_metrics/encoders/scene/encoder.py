# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The encoder that is always there: small, shipped with its weights, for rendered scenes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from imug_metrics.encoders.base import ModelEncoder
from imug_metrics.encoders.fingerprint import digest_text
from imug_metrics.encoders.images import MAX_PIXELS
from imug_metrics.encoders.preprocessing import Preprocessing
from imug_metrics.encoders.scene.model import DIM, IMAGE_SIZE, SceneModel
from imug_metrics.encoders.scene.tokenizer import Tokenizer
from imug_metrics.encoders.scene.weights import SHIPPED, load_weights

_PREPROCESSING = Preprocessing(
    size=(IMAGE_SIZE, IMAGE_SIZE),
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    resize=(IMAGE_SIZE, IMAGE_SIZE),
    mode="squash",
)


class SceneEncoder(ModelEncoder):
    """Images and texts of rendered scenes: flat coloured shapes on a plain background.

    It needs no download and is made for tests, examples and the demo. It knows colours, shapes, counts up to five,
    sizes, positions and relations of two objects, and nothing of photographs: for those use an encoder that was trained
    on them. Images are squashed to 64 x 64; captions longer than 19 words are cut at the end and counted in
    ``truncated_texts``; words outside the vocabulary share one embedding and are counted in ``unknown_words``.

    Args:
        weights: File of the weights; the shipped ones by default.
        name: Name for tables and reports.
        device: Where to run.
        batch_size: Images or texts per forward pass.
        max_pixels: Height times width above which an image is refused before it is decoded.
        differentiable: Keep the graph from floating-point images to embeddings.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds something else than this model's weights.

    Example:
        >>> import random
        >>> from imug_metrics.encoders.scene.render import render
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> encoder = SceneEncoder()
        >>> image = encoder.encode_images([render(Scene(Thing("red", "circle"), "white"), random.Random(0))])
        >>> (image @ encoder.encode_texts(["a red circle", "a blue star"]).T).argmax().item()
        0
    """

    model: SceneModel
    dim: int

    def __init__(
        self,
        weights: str | os.PathLike[str] = SHIPPED,
        *,
        name: str = "scene",
        device: torch.device | str | None = None,
        batch_size: int = 256,
        max_pixels: int = MAX_PIXELS,
        differentiable: bool = False,
    ) -> None:
        model, vocabulary = load_weights(Path(weights))
        super().__init__(
            model,
            name=name,
            dim=DIM,
            device=device,
            batch_size=batch_size,
            max_pixels=max_pixels,
            differentiable=differentiable,
        )
        self.tokenizer = Tokenizer(vocabulary)
        self.unknown_words = 0

    @property
    def logit_scale(self) -> float:  # type: ignore[override]
        """Multiplier of the cosine the model was trained with."""
        return float(self.model.scale)

    def _embed_images(self, images: Sequence[Tensor]) -> Tensor:
        return self.model.encode_image(_PREPROCESSING(images, self.device))

    def _embed_texts(self, texts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(texts)
        self.truncated_texts += int((tokens.cut > 0).sum())
        self.unknown_words += int(tokens.unknown.sum())
        return self.model.encode_text(tokens.ids.to(self.device))

    def _settings(self) -> str:
        return f"{_PREPROCESSING!r} {digest_text(*self.tokenizer.vocabulary)}"
