# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge on this machine: an image-text-to-text model of transformers."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from imug_metrics.encoders.fingerprint import digest_weights
from imug_metrics.judges.generation import Prompt, Sampling, TextGenerator, load_pretrained
from imug_metrics.judges.journal import address_of
from imug_metrics.judges.protocol import ImagePart, JudgeRequest, ReplyError
from imug_metrics.media.images import MAX_PIXELS


class TransformersJudge:
    """A local model that reads images and text, by its processor's chat template.

    Requests that wait at the same time are answered in batches. Where a batch fails (out of memory, say) its halves
    are tried, down to the single request that cannot be answered. Without a temperature, or at 0, the most probable
    token is taken; above 0 each reply is drawn with random numbers of its own, seeded by `seed`, the request and the
    number of the repeat: it depends neither on the batch nor on what was asked before. `json_reply` has no effect.

    Args:
        model: a local folder or hub name, or a loaded model.
        processor: the model's processor; looked up with the model where that is a folder or name.
        name: for journals and tables; by default the folder's or the hub's name with a digest of the weights.
        dtype: floating-point type of a model that is loaded here; by default the one it was saved in.
        device: where to run; by default where a loaded model is, or the CPU.
        batch_size: requests a batch; twice as many are prepared at a time.
        max_new_tokens: longest reply.
        seed: of all draws.
        max_pixels: height times width above which an image is refused before it is decoded.

    Raises:
        ModuleNotFoundError: if transformers is not installed.
        ValueError: if there is no processor or it has no chat template, or an argument is outside its range.

    Example:
        >>> judge = TransformersJudge("Qwen/Qwen2.5-VL-7B-Instruct", device="cuda")  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | nn.Module,
        processor: Any = None,
        *,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        batch_size: int = 8,
        max_new_tokens: int = 1024,
        seed: int = 0,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        label = type(model).__name__
        if not isinstance(model, nn.Module):
            source = os.fspath(model)
            label = Path(source).name if os.path.isdir(source) else source
            model, processor = load_pretrained(source, processor, dtype, purpose="TransformersJudge")
        self.model: Any = model.eval() if device is None else model.eval().to(device)
        self.processor = processor
        self.generator = TextGenerator(
            self.model, processor, batch_size=batch_size, max_new_tokens=max_new_tokens, max_pixels=max_pixels
        )
        self.concurrency, self.max_new_tokens, self.seed = 2 * batch_size, max_new_tokens, seed
        settings = json.dumps({"max_new_tokens": max_new_tokens, "seed": seed})
        self.name = f"{name or f'hf:{label}:{digest_weights(model.state_dict())}'} {settings}"

    async def ask(self, request: JudgeRequest) -> str:
        """The text of the reply.

        Raises:
            JudgeError: if an image cannot be decoded (kind `"image"`) or the model fails (`"generation"`).
            ReplyError: if the reply was cut off by `max_new_tokens` (`"cut"`).
        """
        images = tuple(part.data for part in request.parts if isinstance(part, ImagePart))
        found = await self.generator.generate(Prompt(_messages(request), images, self._sampling(request)))
        if not found.is_finished:
            raise ReplyError("cut", f"The reply was cut off after {self.max_new_tokens} tokens.", found.text)
        return found.text

    def _sampling(self, request: JudgeRequest) -> Sampling | None:
        if not request.temperature:
            return None
        address = address_of((), request, "", request.repeat)
        digest = hashlib.sha256(json.dumps([self.seed, address]).encode()).digest()
        return Sampling(request.temperature, int.from_bytes(digest[:7], "big"))


def _messages(request: JudgeRequest) -> list[dict[str, Any]]:
    user = [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image"} for part in request.parts]
    messages: list[dict[str, Any]] = [{"role": "user", "content": user}]
    if request.system is not None:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": request.system}]})
    return messages
