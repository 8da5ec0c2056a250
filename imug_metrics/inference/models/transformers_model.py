# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model on this machine: one of transformers that reads images and text, and may draw."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from imug_metrics._optional import require
from imug_metrics.encoders.devices import check_device
from imug_metrics.encoders.fingerprint import digest_weights
from imug_metrics.inference.model import History, ImageFile, ModelError, Reply, Want
from imug_metrics.inference.models.wire import IMAGE_MARK
from imug_metrics.judges.generation import Generated, Prompt, Sampling, TextGenerator, load_pretrained
from imug_metrics.judges.protocol import JudgeError


class TransformersModel:
    """A local model, asked by its processor's chat template.

    Texts are generated in batches, each drawn with random numbers of its own, so that a reply depends neither on the
    batch nor on what was asked before; at temperature 0 the most probable token is taken. A model that draws too (its
    `output_modalities` hold "image", as Janus's do) answers one request at a time. What transformers offers draws from
    words alone: images of the dialogue stand as "[image]" in its prompt, and `usage` counts them as `unseen_images`.

    Args:
        model: a local folder or hub name, or a loaded model.
        processor: the model's processor; looked up with the model where that is a folder or name.
        temperature: of sampling.
        dtype: floating-point type of a model that is loaded here; by default the one it was saved in.
        device: where to run; by default where a loaded model is, or the CPU.
        batch_size: requests a batch.
        max_new_tokens: longest text; what is cut off there is what was said.

    Raises:
        ArgumentError: if there is no such device.
        ModuleNotFoundError: if transformers is not installed.
        OSError: if there is no such model.
        ValueError: if it is of another kind, or its processor has no chat template.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | nn.Module,
        processor: Any = None,
        *,
        temperature: float = 0.7,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        batch_size: int = 8,
        max_new_tokens: int = 1024,
    ) -> None:
        check_device(device)
        self.name = type(model).__name__
        if not isinstance(model, nn.Module):
            self.name = Path(os.fspath(model)).name
            model, processor = load_pretrained(os.fspath(model), processor, dtype, purpose="TransformersModel")
        self.model: Any = model.eval() if device is None else model.eval().to(device)
        self.temperature = temperature
        self._generator = TextGenerator(self.model, processor, batch_size=batch_size, max_new_tokens=max_new_tokens)
        self._draws = "image" in getattr(model, "output_modalities", ())
        self.concurrency = 1 if self._draws else 2 * batch_size
        weights = digest_weights(model.state_dict())
        self.settings = json.dumps({"weights": weights, "temperature": temperature, "max_new_tokens": max_new_tokens})

    async def __call__(self, history: History, *, want: Want, seed: int) -> Reply:
        """The model's reply.

        Raises:
            ModelError: if it cannot draw, an image cannot be decoded, or it fails.
        """
        if want == "image":
            if not self._draws:
                raise ModelError(f"{self.name} cannot draw: transformers has it as a model of text", is_final=True)
            return await self._generator.on_device(partial(self._draw, history, seed))
        images = tuple(part.data for message in history for part in message.parts if isinstance(part, ImageFile))
        sampling = Sampling(self.temperature, seed) if self.temperature > 0 else None
        prompt = Prompt(_messages(history), images, sampling)
        try:
            if self._draws:
                found = await self._generator.on_device(partial(self._say, prompt, seed))
            else:
                found = await self._generator.generate(prompt)
        except JudgeError as error:
            raise ModelError(str(error)) from error
        return Reply(text=found.text, usage=_usage(found.prompt_tokens, found.tokens))

    @torch.inference_mode()
    def _say(self, prompt: Prompt, seed: int) -> Generated:
        """A text of a model whose own `generate` leaves logits processors out, as Janus's does."""
        inputs = self._generator.inputs([prompt.messages], [self._generator.decoded(prompt.images)])
        with self._seeded(seed):
            tokens = self.model.generate(**inputs, max_new_tokens=self._generator.max_new_tokens, **self._sampling())
        return self._generator.read(tokens, inputs)[0]

    @torch.inference_mode()
    def _draw(self, history: History, seed: int) -> Reply:
        processor = self._generator.processor
        text = self._generator.text_of(_messages(history, with_images=False))
        inputs = processor(text=[text], generation_mode="image", return_tensors="pt")
        inputs = inputs.to(self.model.device, dtype=self.model.dtype)
        cache = require("transformers", extra="hf", purpose="TransformersModel").DynamicCache()
        with self._seeded(seed):  # with a cache of ours: transformers 5.17 cannot make the one that Janus asks it for
            tokens = self.model.generate(**inputs, generation_mode="image", past_key_values=cache, **self._sampling())
        pixels = self.model.decode_image_tokens(tokens)
        [image] = processor.postprocess(list(pixels.float()), return_tensors="pt")["pixel_values"]
        usage = _usage(inputs["input_ids"].shape[1], tokens.shape[1])
        unseen = sum(isinstance(part, ImageFile) for message in history for part in message.parts)
        return Reply(image=image, usage={**usage, "unseen_images": unseen})

    def _sampling(self) -> dict[str, Any]:
        if self.temperature > 0:
            return {"do_sample": True, "temperature": self.temperature, "top_p": None, "top_k": None}
        return {"do_sample": False}

    @contextmanager
    def _seeded(self, seed: int) -> Iterator[None]:
        """PyTorch's own random numbers from a seed, and afterwards as they were."""
        device = self.model.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield


def _messages(history: History, *, with_images: bool = True) -> list[dict[str, Any]]:
    image = {"type": "image"} if with_images else {"type": "text", "text": IMAGE_MARK}
    return [
        {
            "role": message.role,
            "content": [{"type": "text", "text": part} if isinstance(part, str) else image for part in message.parts],
        }
        for message in history
    ]


def _usage(prompt_tokens: int, completion_tokens: int) -> dict[str, float]:
    total = prompt_tokens + completion_tokens
    return {"tokens": total, "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
