# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The protocol of encoders: what metrics, caches and suites need of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch


class Encoder(Protocol):
    """Images and texts to embeddings.

    An encoder is a plain object, not a ``torch.nn.Module``: a metric that holds one does not register its parameters,
    and a copied metric shares it. The embeddings are *not* normalised; metrics do that.

    Two attributes are optional: ``logit_scale`` and ``logit_bias``, floats, where the model was trained with them
    (the scale is the multiplier itself, not its logarithm).

    Example:
        >>> import torch
        >>> from imug_metrics.encoders import CallableEncoder, Encoder
        >>> encoder: Encoder = CallableEncoder(texts=lambda texts: torch.ones(len(texts), 2))
        >>> encoder.encode_texts(["a red star"])
        tensor([[1., 1.]])
    """

    @property
    def name(self) -> str:
        """Short name for tables and reports."""
        ...

    @property
    def dim(self) -> int | None:
        """Width of the embeddings, ``None`` where it is not known before the first call."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies weights and preprocessing: equal fingerprints give equal embeddings, so caches may key on it."""
        ...

    def encode_images(self, images: Any) -> torch.Tensor:
        """Embed images (see `imug_metrics.media.images` for what is accepted).

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If the encoder has no image side.
        """
        ...

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts.

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If the encoder has no text side.
        """
        ...
