# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge on this machine: an image-text-to-text model of transformers."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
from einops import rearrange
from PIL import Image
from torch import Tensor, nn

from imug_metrics._optional import require
from imug_metrics.encoders.fingerprint import digest_weights
from imug_metrics.judges.journal import address_of
from imug_metrics.judges.protocol import ImagePart, JudgeError, JudgeRequest, ReplyError
from imug_metrics.media.formats import open_image
from imug_metrics.media.images import MAX_PIXELS, load_image

# How long a batch that is not full waits for other requests that were sent together with its own.
_BATCH_WAIT_SECONDS = 0.02


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
        for argument, value in (("batch_size", batch_size), ("max_new_tokens", max_new_tokens)):
            if value < 1:
                raise ValueError(f"Expected argument `{argument}` to be >= 1, got {value}.")
        label = type(model).__name__
        if not isinstance(model, nn.Module):
            source = os.fspath(model)
            label = Path(source).name if os.path.isdir(source) else source
            model, processor = _load(source, processor, dtype)
        if getattr(processor, "chat_template", None) is None:
            raise ValueError("Expected argument `processor` to have a chat template.")
        self.model: Any = model.eval() if device is None else model.eval().to(device)
        self.processor = processor
        self.batch_size, self.concurrency = batch_size, 2 * batch_size
        self.max_new_tokens, self.seed, self.max_pixels = max_new_tokens, seed, max_pixels
        settings = json.dumps({"max_new_tokens": max_new_tokens, "seed": seed})
        self.name = f"{name or f'hf:{label}:{digest_weights(model.state_dict())}'} {settings}"
        self._pending: deque[_Pending] = deque()
        self._device_thread = ThreadPoolExecutor(1, thread_name_prefix="judge")

    async def ask(self, request: JudgeRequest) -> str:
        """The text of the reply.

        Raises:
            JudgeError: if an image cannot be decoded (kind `"image"`) or the model fails (`"generation"`).
            ReplyError: if the reply was cut off by `max_new_tokens` (`"cut"`).
        """
        pending = _Pending(request, Future())
        self._pending.append(pending)
        self._device_thread.submit(self._answer_next)
        return await asyncio.wrap_future(pending.reply)

    def _answer_next(self) -> None:
        """Answer a batch of what waits; called once a request, so most calls find nothing left to do."""
        if 0 < len(self._pending) < self.batch_size:
            time.sleep(_BATCH_WAIT_SECONDS)
        prepared: list[_Prepared] = []
        while self._pending and len(prepared) < self.batch_size:
            request, reply = self._pending.popleft()
            if not reply.set_running_or_notify_cancel():
                continue
            try:
                prepared.append(_Prepared(request, self._images(request), reply))
            except Exception as error:  # whoever waits must hear of it
                reply.set_exception(JudgeError("image", str(error)))
        # Processors differ in what they make of a batch in which some have no image.
        for has_images in (True, False):
            self._answer([item for item in prepared if bool(item.images) == has_images])

    def _answer(self, batch: Sequence[_Prepared]) -> None:
        if not batch:
            return
        try:
            replies = self._generate(batch)
        except Exception as error:
            failure = JudgeError("generation", f"{type(error).__name__}: {error}")
        else:
            for item, (text, finished) in zip(batch, replies):
                if finished:
                    item.reply.set_result(text)
                else:
                    limit = f"The reply was cut off after {self.max_new_tokens} tokens."
                    item.reply.set_exception(ReplyError("cut", limit, text))
            return
        # Outside of the handler, whose traceback would keep the failed batch in memory.
        if len(batch) == 1:
            batch[0].reply.set_exception(failure)
            return
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._answer(batch[: len(batch) // 2])
        self._answer(batch[len(batch) // 2 :])

    @torch.inference_mode()
    def _generate(self, batch: Sequence[_Prepared]) -> list[tuple[str, bool]]:
        """Text of each reply, and whether it is finished."""
        inputs = self._inputs(batch)
        length = inputs["input_ids"].shape[1]
        tokens = self.model.generate(
            **inputs,
            max_new_tokens=self.max_new_tokens,
            num_beams=1,
            do_sample=False,  # the logits processor samples
            temperature=None,
            top_p=None,
            top_k=None,
            logits_processor=[_GumbelSampler([self._sampling(item.request) for item in batch], self.model.device)],
        )[:, length:]
        texts = self.processor.batch_decode(tokens, skip_special_tokens=True)
        return [(text, self._is_finished(row)) for text, row in zip(texts, tokens)]

    def _inputs(self, batch: Sequence[_Prepared]) -> dict[str, Any]:
        prompts = [
            self.processor.apply_chat_template(_messages(item.request), add_generation_prompt=True, tokenize=False)
            for item in batch
        ]
        images = {"images": [list(item.images) for item in batch]} if batch[0].images else {}
        inputs = self.processor(text=prompts, **images, padding=True, padding_side="left", return_tensors="pt")
        return dict(inputs.to(self.model.device, dtype=self.model.dtype))

    def _images(self, request: JudgeRequest) -> tuple[Image.Image, ...]:
        data = (part.data for part in request.parts if isinstance(part, ImagePart))
        return tuple(_decode(content, row, self.max_pixels) for row, content in enumerate(data))

    def _sampling(self, request: JudgeRequest) -> _Sampling | None:
        if not request.temperature:
            return None
        address = address_of((), request, "", request.repeat)
        digest = hashlib.sha256(json.dumps([self.seed, address]).encode()).digest()
        return _Sampling(request.temperature, int.from_bytes(digest[:7], "big"))

    def _is_finished(self, tokens: Tensor) -> bool:
        ends = self.model.generation_config.eos_token_id
        ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
        return len(tokens) < self.max_new_tokens or bool(torch.isin(tokens, tokens.new_tensor(ends)).any())


class _Pending(NamedTuple):
    request: JudgeRequest
    reply: Future[str]


class _Prepared(NamedTuple):
    request: JudgeRequest
    images: tuple[Image.Image, ...]
    reply: Future[str]


class _Sampling(NamedTuple):
    temperature: float
    seed: int


class _GumbelSampler:
    """Makes the most probable token a random one: the largest of logits plus Gumbel noise is a draw from their softmax.

    Each row has a generator of its own; rows without sampling stay as they are.
    """

    def __init__(self, samplings: Sequence[_Sampling | None], device: torch.device) -> None:
        self.rows = [
            (row, sampling.temperature, torch.Generator(device).manual_seed(sampling.seed))
            for row, sampling in enumerate(samplings)
            if sampling is not None
        ]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = scores.float()
        for row, temperature, generator in self.rows:
            exponential = torch.empty_like(scores[row]).exponential_(generator=generator)
            scores[row] = scores[row] / temperature - exponential.log()
        return scores


def _messages(request: JudgeRequest) -> list[dict[str, Any]]:
    user = [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image"} for part in request.parts]
    messages: list[dict[str, Any]] = [{"role": "user", "content": user}]
    if request.system is not None:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": request.system}]})
    return messages


def _decode(content: bytes, row: int, max_pixels: int) -> Image.Image:
    try:
        opened = open_image(io.BytesIO(content))
    except ValueError as error:
        raise ValueError(f"Expected a readable image as image {row}: {error}") from error
    with opened:
        pixels = load_image(opened, row=row, max_pixels=max_pixels)
    return Image.fromarray(rearrange(pixels, "channels rows columns -> rows columns channels").contiguous().numpy())


def _load(source: str, processor: Any, dtype: torch.dtype | None) -> tuple[nn.Module, Any]:
    transformers = require("transformers", extra="hf", purpose="TransformersJudge")
    keyword = "torch_dtype" if transformers.__version__.startswith("4.") else "dtype"
    model = transformers.AutoModelForImageTextToText.from_pretrained(source, **{keyword: dtype or "auto"})
    return model, processor or transformers.AutoProcessor.from_pretrained(source)
