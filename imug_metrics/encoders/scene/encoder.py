# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The encoder that is always there: small, shipped with its weights, for rendered scenes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.encoders.base import EncoderOptions, ModelEncoder
from imug_metrics.encoders.fingerprint import digest_text
from imug_metrics.encoders.preprocessing import Preprocessing
from imug_metrics.encoders.scene.model import DIM, IMAGE_SIZE, SceneModel
from imug_metrics.encoders.scene.tokenizer import Tokenizer
from imug_metrics.encoders.scene.weights import SHIPPED, load_weights
from imug_metrics.encoders.texts import check_texts

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
        options: Those of `ModelEncoder`; the model is small, so that ``batch_size`` is 256 by default.

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
        **options: Unpack[EncoderOptions],
    ) -> None:
        model, vocabulary = load_weights(Path(weights))
        options = {"batch_size": 256, **options}
        super().__init__(model, name=name, dim=DIM, device=device, **options)
        self.preprocessing = _PREPROCESSING
        self.tokenizer = Tokenizer(vocabulary)
        self.unknown_words = 0

    @property
    def logit_scale(self) -> float:
        """Multiplier of the cosine the model was trained with."""
        return float(self.model.scale)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts, see `ModelEncoder`.

        Words outside the vocabulary are counted in ``unknown_words``.
        """
        texts = check_texts(texts)
        embeddings = super().encode_texts(texts)
        self.unknown_words += int(self.tokenizer(texts).unknown.sum())
        return embeddings

    def _image_forward(self, pixels: Tensor) -> Tensor:
        return self.model.encode_image(pixels)

    def _tokenize(self, texts: Sequence[str]) -> tuple[Tensor, list[bool]]:
        tokens = self.tokenizer(texts)
        return tokens.ids.to(self.device), (tokens.cut > 0).tolist()

    def _text_forward(self, tokens: Tensor) -> Tensor:
        return self.model.encode_text(tokens)

    def _settings(self) -> str:
        return f"{super()._settings()} {digest_text(*self.tokenizer.vocabulary)}"
