# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the encoders around a loaded model share: batches, modes, device, fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from imug_metrics.encoders.fingerprint import digest_text, digest_weights, weights_version
from imug_metrics.encoders.images import MAX_PIXELS, Images, image_batches


class ModelEncoder:
    """Base of the encoders that hold a ``torch.nn.Module``.

    Subclasses fill :meth:`_embed_images`, :meth:`_embed_texts` or both, and :meth:`_settings`.

    The model is used in evaluation mode and without gradients; the mode it had before is restored after every call, so
    that a model in training can be handed in. The encoder shares the model with whoever else holds it.

    Args:
        model: The model. It stays where it is unless ``device`` is given.
        name: Name for tables and reports.
        dim: Width of the embeddings, ``None`` to learn it from the first call.
        device: Where to run.
        batch_size: Images or texts per forward pass.
        max_pixels: Height times width above which an image is refused before it is decoded.
        differentiable: Keep the graph from floating-point images to embeddings, for use as a loss or reward.
    """

    logit_scale: float | None = None
    logit_bias: float | None = None

    def __init__(
        self,
        model: nn.Module,
        *,
        name: str,
        dim: int | None,
        device: torch.device | str | None,
        batch_size: int,
        max_pixels: int = MAX_PIXELS,
        differentiable: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"Expected argument `batch_size` to be >= 1, got {batch_size}.")
        self.model = model
        self.name = name
        self.dim = dim
        self.batch_size = batch_size
        self.max_pixels = max_pixels
        self.differentiable = differentiable
        self.truncated_texts = 0
        self._fingerprint: tuple[Any, str] | None = None
        if device is not None:
            self.to(device)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type the model computes in."""
        return next(p.dtype for p in self.model.parameters() if p.is_floating_point())

    @property
    def fingerprint(self) -> str:
        """Digest of architecture, weights and preprocessing; computed on first use and again when weights change."""
        version = weights_version(self.model)
        if self._fingerprint is None or self._fingerprint[0] != version:
            weights = digest_weights(self.model.state_dict())
            kind = type(self.model).__name__
            self._fingerprint = version, f"{kind}-{weights}-{digest_text(kind, str(self.model), self._settings())}"
        return self._fingerprint[1]

    def to(self, device: torch.device | str) -> ModelEncoder:
        """Move the model and return the encoder itself.

        The model is moved for everyone who shares it.
        """
        self.model.to(device)
        return self

    def encode_images(self, images: Images) -> Tensor:
        """Embed images.

        Args:
            images: See :mod:`imug_metrics.encoders.images`.

        Returns:
            float32 tensor ``[N, D]`` on the encoder's device, not normalised.

        Raises:
            TypeError: If the model has no image side or an image is of a kind not accepted.
            ValueError: If an image is malformed, unreadable or too large; the message names the row.
        """
        self._check_images_supported()
        batches = image_batches(images, self.batch_size, max_pixels=self.max_pixels)
        with evaluation(self.model), torch.set_grad_enabled(self.differentiable):
            return self._join([self._embed_images(batch).float() for batch in batches])

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts. Longer ones than the model takes are cut, and counted in ``truncated_texts``.

        Args:
            texts: N strings.

        Returns:
            float32 tensor ``[N, D]`` on the encoder's device, not normalised.

        Raises:
            TypeError: If the model has no text side or ``texts`` is not a sequence of strings.
        """
        self._check_texts_supported()
        texts = check_texts(texts)
        batches = (texts[start : start + self.batch_size] for start in range(0, len(texts), self.batch_size))
        with evaluation(self.model), torch.set_grad_enabled(self.differentiable):
            return self._join([self._embed_texts(batch).float() for batch in batches])

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelEncoder:
        # Metrics are deep-copied by clone(); hundreds of megabytes of frozen weights should not be.
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, dim={self.dim}, device={str(self.device)!r})"

    def _check_images_supported(self) -> None:
        if type(self)._embed_images is ModelEncoder._embed_images:
            self._refuse("image")

    def _check_texts_supported(self) -> None:
        if type(self)._embed_texts is ModelEncoder._embed_texts:
            self._refuse("text")

    def _refuse(self, side: str) -> NoReturn:
        raise TypeError(f"Encoder {self.name!r} has no {side} side. Pass an encoder that embeds {side}s.")

    def _embed_images(self, images: Sequence[Tensor]) -> Tensor:
        raise NotImplementedError

    def _embed_texts(self, texts: Sequence[str]) -> Tensor:
        raise NotImplementedError

    def _settings(self) -> str:
        """Everything besides the weights that changes embeddings."""
        raise NotImplementedError

    def _join(self, parts: list[Tensor]) -> Tensor:
        if not parts:
            return torch.zeros(0, self.dim or 0, device=self.device)
        self.dim = parts[0].shape[1]
        return torch.cat(parts)


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` as a list after checking that it is one of strings.

    Raises:
        TypeError: If ``texts`` is a single string or an item is not a string.

    Example:
        >>> check_texts(("a red star", "a blue ring"))
        ['a red star', 'a blue ring']
    """
    if isinstance(texts, str):
        raise TypeError("Expected argument `texts` to be a sequence of strings, got a single string. Put it in a list.")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Expected argument `texts` to hold strings, got {type(text).__name__} at row {row}.")
    return texts


@contextmanager
def evaluation(*models: nn.Module) -> Iterator[None]:
    """Switch models to evaluation mode, and back to the mode each of their layers had.

    Example:
        >>> layer = torch.nn.Dropout()
        >>> with evaluation(layer):
        ...     layer.training
        False
        >>> layer.training
        True
    """
    # Flag by flag, because model.train() would also switch on layers their owner keeps frozen.
    training = [module for model in models for module in model.modules() if module.training]
    for model in models:
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
