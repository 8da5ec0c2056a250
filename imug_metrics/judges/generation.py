# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Texts from an image-text-to-text model of transformers: batched, and each with random numbers of its own."""

from __future__ import annotations

import asyncio
import io
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import torch
from einops import rearrange
from PIL import Image
from torch import Tensor, nn

from imug_metrics._optional import require
from imug_metrics.judges.protocol import JudgeError
from imug_metrics.media.formats import open_image
from imug_metrics.media.images import MAX_PIXELS, load_image

T = TypeVar("T")

# How long a batch that is not full waits for other requests that were sent together with its own.
_BATCH_WAIT_SECONDS = 0.02


class Sampling(NamedTuple):
    """How tokens are drawn.

    Attributes:
        temperature: by which logits are divided.
        seed: of the random numbers.
    """

    temperature: float
    seed: int


class Prompt(NamedTuple):
    """What a text is generated from.

    Attributes:
        messages: for the chat template: `{"role", "content"}` with contents `{"type": "text", "text"}` and
            `{"type": "image"}`.
        images: content of the file of each image, in their order.
        sampling: how tokens are drawn; None: the most probable is taken.
    """

    messages: list[dict[str, Any]]
    images: tuple[bytes, ...]
    sampling: Sampling | None


class Generated(NamedTuple):
    """A text.

    Attributes:
        text: without special tokens.
        is_finished: whether it ended before the limit cut it off.
        prompt_tokens: that were read, those of images included.
        tokens: that were generated.
    """

    text: str
    is_finished: bool
    prompt_tokens: int
    tokens: int


class TextGenerator:
    """Generates texts on a thread of its own.

    Prompts that wait at the same time make a batch. Where a batch fails (out of memory, say) its halves are tried, down
    to the single prompt that cannot be answered.

    Args:
        model: with a `generate`.
        processor: with a chat template.
        batch_size: prompts a batch; twice as many are prepared at a time.
        max_new_tokens: of the longest text.
        max_pixels: height times width above which an image is refused before it is decoded.

    Raises:
        ValueError: if there is no processor or it has no chat template, or an argument is outside its range.
    """

    def __init__(
        self, model: Any, processor: Any, *, batch_size: int, max_new_tokens: int, max_pixels: int = MAX_PIXELS
    ) -> None:
        for argument, value in (("batch_size", batch_size), ("max_new_tokens", max_new_tokens)):
            if value < 1:
                raise ValueError(f"Expected argument `{argument}` to be >= 1, got {value}.")
        if getattr(processor, "chat_template", None) is None:
            raise ValueError("Expected argument `processor` to have a chat template.")
        self.model, self.processor = model, processor
        self.batch_size, self.max_new_tokens, self.max_pixels = batch_size, max_new_tokens, max_pixels
        self._pending: deque[_Pending] = deque()
        self._device_thread = ThreadPoolExecutor(1, thread_name_prefix="generation")

    async def generate(self, prompt: Prompt) -> Generated:
        """The text.

        Raises:
            JudgeError: if an image cannot be decoded (kind `"image"`) or the model fails (`"generation"`).
        """
        pending = _Pending(prompt, Future())
        self._pending.append(pending)
        self._device_thread.submit(self._answer_next)
        return await asyncio.wrap_future(pending.reply)

    async def on_device(self, call: Callable[[], T]) -> T:
        """What a function returns on the thread that the model runs on."""
        return await asyncio.wrap_future(self._device_thread.submit(call))

    def text_of(self, messages: list[dict[str, Any]]) -> str:
        """Messages in the model's own template."""
        return str(self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def decoded(self, images: Sequence[bytes]) -> tuple[Image.Image, ...]:
        """Images as processors take them; raises ValueError if one cannot be decoded."""
        return tuple(_decode(content, row, self.max_pixels) for row, content in enumerate(images))

    def inputs(
        self, messages: Sequence[list[dict[str, Any]]], images: Sequence[tuple[Image.Image, ...]]
    ) -> dict[str, Any]:
        """What `generate` takes: of several prompts, all with images or all without."""
        seen = {"images": [list(each) for each in images]} if images[0] else {}
        texts = [self.text_of(each) for each in messages]
        inputs = self.processor(text=texts, **seen, padding=True, padding_side="left", return_tensors="pt")
        return dict(inputs.to(self.model.device, dtype=self.model.dtype))

    def _answer_next(self) -> None:
        """Answer a batch of what waits; called once a prompt, so most calls find nothing left to do."""
        if 0 < len(self._pending) < self.batch_size:
            time.sleep(_BATCH_WAIT_SECONDS)
        prepared: list[_Prepared] = []
        while self._pending and len(prepared) < self.batch_size:
            prompt, reply = self._pending.popleft()
            if not reply.set_running_or_notify_cancel():
                continue
            try:
                prepared.append(_Prepared(prompt, self.decoded(prompt.images), reply))
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
            for item, found in zip(batch, replies):
                item.reply.set_result(found)
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
    def _generate(self, batch: Sequence[_Prepared]) -> list[Generated]:
        inputs = self.inputs([item.prompt.messages for item in batch], [item.images for item in batch])
        tokens = self.model.generate(
            **inputs,
            max_new_tokens=self.max_new_tokens,
            num_beams=1,
            do_sample=False,  # the logits processor samples
            temperature=None,
            top_p=None,
            top_k=None,
            logits_processor=[GumbelSampler([item.prompt.sampling for item in batch], self.model.device)],
        )
        return self.read(tokens, inputs)

    def read(self, tokens: Tensor, inputs: dict[str, Any]) -> list[Generated]:
        """The texts of what `generate` returned.

        Args:
            tokens: int64 `[B, S]`, prompts included.
            inputs: what it was called with.
        """
        tokens = tokens[:, inputs["input_ids"].shape[1] :]
        texts = self.processor.batch_decode(tokens, skip_special_tokens=True)
        lengths = inputs["attention_mask"].sum(1).tolist()
        return [self._generated(*found) for found in zip(texts, tokens, lengths)]

    def _generated(self, text: str, tokens: Tensor, prompt_tokens: int) -> Generated:
        ends = self.model.generation_config.eos_token_id
        ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
        is_end = torch.isin(tokens, tokens.new_tensor(ends))
        has_ended = bool(is_end.any())
        count = int(is_end.int().argmax()) + 1 if has_ended else len(tokens)
        return Generated(text, has_ended or len(tokens) < self.max_new_tokens, prompt_tokens, count)


class GumbelSampler:
    """Makes the most probable token a random one: the largest of logits plus Gumbel noise is a draw from their softmax.

    Each row has a generator of its own; rows without sampling stay as they are.
    """

    def __init__(self, samplings: Sequence[Sampling | None], device: torch.device) -> None:
        self.rows = [
            (row, sampling.temperature, torch.Generator(device).manual_seed(sampling.seed))
            for row, sampling in enumerate(samplings)
            if sampling is not None
        ]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Logits `[B, V]` with noise where tokens are drawn."""
        scores = scores.float()
        for row, temperature, generator in self.rows:
            exponential = torch.empty_like(scores[row]).exponential_(generator=generator)
            scores[row] = scores[row] / temperature - exponential.log()
        return scores


def load_pretrained(source: str, processor: Any, dtype: torch.dtype | None, *, purpose: str) -> tuple[nn.Module, Any]:
    """A model and its processor.

    Args:
        source: local folder or hub name.
        processor: None: the one that is there.
        dtype: floating-point type; None: the one it was saved in.
        purpose: what needs it, for the error.

    Raises:
        ModuleNotFoundError: if transformers is not installed.
        OSError: if there is no such model.
    """
    transformers = require("transformers", extra="hf", purpose=purpose)
    keyword = "torch_dtype" if transformers.__version__.startswith("4.") else "dtype"
    model = transformers.AutoModelForImageTextToText.from_pretrained(source, **{keyword: dtype or "auto"})
    return model, processor or transformers.AutoProcessor.from_pretrained(source)


class _Pending(NamedTuple):
    prompt: Prompt
    reply: Future[Generated]


class _Prepared(NamedTuple):
    prompt: Prompt
    images: tuple[Image.Image, ...]
    reply: Future[Generated]


def _decode(content: bytes, row: int, max_pixels: int) -> Image.Image:
    try:
        opened = open_image(io.BytesIO(content))
    except ValueError as error:
        raise ValueError(f"Expected a readable image as image {row}: {error}") from error
    with opened:
        pixels = load_image(opened, row=row, max_pixels=max_pixels)
    return Image.fromarray(rearrange(pixels, "channels rows columns -> rows columns channels").contiguous().numpy())
