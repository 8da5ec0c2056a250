# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric of images as the verifier of candidates."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from imug_metrics.encoders import CachedEncoder, Encoder
from imug_metrics.functional.images.turn_alignment import turn_alignment
from imug_metrics.inference.model import ImageFile, Part, Want
from imug_metrics.inference.turn import Turn

ALIGNMENT = partial(turn_alignment, variant="cosine")
"""The variant that ranks below 0 as well; others rank alike above."""


class MetricSelector:
    """The score of an image is what a metric makes of it at its turn, with the embeddings of an encoder.

    Args:
        encoder: of images, and of texts where the metric takes `texts`.
        function: the functional counterpart of a metric, with its options set (`functools.partial`): it takes `images`
            `[B, T, D]`, `texts` of that shape if it knows such an argument, and with `reduction="none"` gives values
            `[B, T]`, higher is better. Each candidate is the last image of a dialogue of its own; the model's earlier
            images come before it if the function looks at other images than one, that is, takes no `texts`.
        name: how it is called.

    Example:
        >>> from functools import partial
        >>> from imug_metrics.encoders import load_encoder
        >>> from imug_metrics.functional import turn_consistency
        >>> like_the_first = partial(turn_consistency, mode="anchor")
        >>> MetricSelector(load_encoder("scene"), like_the_first, "consistency").name
        'consistency'
    """

    wants: Sequence[Want] = ("image",)

    def __init__(self, encoder: Encoder, function: Callable[..., Tensor] = ALIGNMENT, name: str = "alignment") -> None:
        self.encoder = encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder)
        self.function, self.name, self.settings = function, name, self.encoder.fingerprint
        self.takes_texts = "texts" in inspect.signature(function).parameters
        self._lock = threading.Lock()

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        """The metric's values; None for an image that cannot be read, or where the metric is undefined."""
        earlier = [] if self.takes_texts else _images(turn)
        images = [output.data if isinstance(output, ImageFile) else None for output in outputs]
        values = await asyncio.to_thread(self._values, earlier, images, turn.prompt)
        return [None if value.isnan() else float(value) for value in values]

    @torch.no_grad()
    def _values(self, earlier: list[bytes], images: list[bytes | None], prompt: str) -> Tensor:
        with self._lock:  # encoders are not made for several threads
            found = self.encoder.encode_readable([*earlier, *images], with_pixels=False)
            texts = self.encoder.encode_texts([prompt]) if self.takes_texts else None
        unread = torch.tensor([error is not None for error in found.errors])
        read = ~unread[len(earlier) :] & torch.tensor([image is not None for image in images])
        values = torch.full((len(images),), torch.nan, dtype=torch.float64)
        if bool(read.any()):
            before = found.embeddings[: len(earlier)][~unread[: len(earlier)]]
            candidates = found.embeddings[len(earlier) :][read]
            dialogues = torch.cat([before.expand(len(candidates), *before.shape), candidates[:, None]], 1)
            given = {} if texts is None else {"texts": texts.expand_as(dialogues)}
            values[read] = self.function(dialogues, **given, reduction="none")[:, -1].double().cpu()
        return values


def _images(turn: Turn) -> list[bytes]:
    """The images that the model has drawn before."""
    said = [message for message in turn.history if message.role == "assistant"]
    return [part.data for message in said for part in message.parts if isinstance(part, ImageFile)]
