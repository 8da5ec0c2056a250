# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Any pair of functions as an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from imug_metrics.encoders.base import eval_mode
from imug_metrics.encoders.fingerprint import function_fingerprint
from imug_metrics.encoders.texts import check_texts


class CallableEncoder:
    """Wrap functions that return one embedding a row.

    The functions receive what the caller passed, undecoded and in one piece. A ``torch.nn.Module`` is called in
    evaluation mode, which is undone afterwards.

    Args:
        images: Function from images to embeddings ``[N, D]`` (tensor or array).
        texts: Function from a list of strings to embeddings ``[N, D]``.
        name: Name for tables and reports.
        fingerprint: Identifies the functions for caches and states that outlive the process. Functions cannot be
            hashed, so the default is different for every encoder made.
        dim: Width of the embeddings, ``None`` to learn it from the first call.
        logit_scale: Multiplier of the cosine the model was trained with.
        logit_bias: Bias the model was trained with.
        device: Where embeddings are returned; wherever the functions leave them by default.
        differentiable: Keep the graph.

    Raises:
        TypeError: If neither function is given, or one is not callable.

    Example:
        >>> import torch
        >>> encoder = CallableEncoder(texts=lambda texts: torch.tensor([[len(t), 1.0] for t in texts]), name="length")
        >>> encoder.encode_texts(["one", "three"])
        tensor([[3., 1.],
                [5., 1.]])
    """

    def __init__(
        self,
        images: Callable[[Any], Any] | None = None,
        texts: Callable[[list[str]], Any] | None = None,
        *,
        name: str | None = None,
        fingerprint: str | None = None,
        dim: int | None = None,
        logit_scale: float | None = None,
        logit_bias: float | None = None,
        device: torch.device | str | None = None,
        differentiable: bool = False,
    ) -> None:
        if images is None and texts is None:
            raise TypeError("Expected argument `images` or `texts` to be a function, got neither.")
        for argument, function in (("images", images), ("texts", texts)):
            if function is not None and not callable(function):
                raise TypeError(f"Expected argument `{argument}` to be a function, got {type(function).__name__}.")
        self._images, self._texts = images, texts
        function = images if images is not None else texts
        self.name = name or str(getattr(function, "__qualname__", type(function).__name__))
        self.fingerprint = function_fingerprint(fingerprint)
        self.dim = dim
        self.logit_scale, self.logit_bias = logit_scale, logit_bias
        self.device = None if device is None else torch.device(device)
        self.differentiable = differentiable

    def to(self, device: torch.device | str) -> CallableEncoder:
        """Return embeddings on ``device`` from now on; modules among the functions move there."""
        self.device = torch.device(device)
        for function in (self._images, self._texts):
            if isinstance(function, nn.Module):
                function.to(device)
        return self

    def encode_images(self, images: Any) -> Tensor:
        """Embed images.

        Args:
            images: Whatever the wrapped function takes.

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If no function for images was given.
            ValueError: If the function's result is not one row of numbers an image.
        """
        return self._call(self._images, images, "images")

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N strings.

        Returns:
            float32 tensor ``[N, D]``.

        Raises:
            TypeError: If no function for texts was given or ``texts`` is not a sequence of strings.
            ValueError: If the function's result is not one row of numbers a text.
        """
        return self._call(self._texts, check_texts(texts), "texts")

    def __deepcopy__(self, memo: dict[int, Any]) -> CallableEncoder:
        return self

    def __repr__(self) -> str:
        return f"CallableEncoder({self.name!r}, dim={self.dim})"

    def _call(self, function: Callable[[Any], Any] | None, inputs: Any, argument: str) -> Tensor:
        if function is None:
            side = argument[:-1]
            raise TypeError(f"Encoder {self.name!r} has no {side} side. Pass an encoder that embeds {argument}.")
        modules = (function,) if isinstance(function, nn.Module) else ()
        with eval_mode(*modules), torch.set_grad_enabled(self.differentiable):
            embeddings = torch.as_tensor(function(inputs), device=self.device).float()
        rows = len(inputs) if hasattr(inputs, "__len__") else None
        if embeddings.ndim != 2 or (rows is not None and len(embeddings) != rows):
            expected = f"[{'N' if rows is None else rows}, D]"
            raise ValueError(
                f"Expected the function for `{argument}` of encoder {self.name!r} to return shape {expected}, got"
                f" {list(embeddings.shape)}."
            )
        self.dim = embeddings.shape[1]
        return embeddings
