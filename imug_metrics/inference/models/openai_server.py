# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model behind any server that speaks the API of OpenAI."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal

from imug_metrics.inference.model import History, ModelError, Reply, Want
from imug_metrics.inference.models.openai_images import drawn_reply, image_request
from imug_metrics.inference.models.openai_messages import chat_messages, image_reply, text_reply
from imug_metrics.inference.models.wire import MAX_REPLY_BYTES, json_object
from imug_metrics.judges.chat_client import ChatClient
from imug_metrics.judges.retrying import Failure


class OpenAIModel(ChatClient):
    """A model that answers by chat completions, and draws by them or by the images endpoints.

    Where it draws in the chat, it is asked for `"modalities": ["image", "text"]`, and the first image of the answer
    counts. What is tried again, and how the key is kept, is as for `imug_metrics.judges.OpenAIJudge`; the key comes
    from OPENAI_API_KEY.

    Args:
        model: the server's name of the model.
        base_url: the URL before `/chat/completions`; by default the environment variable OPENAI_BASE_URL.
        images: whether it draws in the `"chat"`, or by the `"endpoint"`s `/images/generations` and `/images/edits`.
        temperature: of chat completions.
        concurrency: requests at a time.
        attempts: how many times one request is sent at most.
        timeout: seconds from sending a request to the last byte of its answer.
        backoff: seconds of the first pause.

    Raises:
        ModuleNotFoundError: if aiohttp is not installed.
        ValueError: if the base URL is not given, or an argument is outside its range.

    Example:
        >>> OpenAIModel("org/qwen", base_url="http://localhost:8000/v1").name
        'qwen'
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        images: Literal["chat", "endpoint"] = "chat",
        temperature: float = 0.7,
        concurrency: int = 8,
        attempts: int = 6,
        timeout: float = 600.0,
        backoff: float = 0.5,
    ) -> None:
        super().__init__(
            model, base_url=base_url, concurrency=concurrency, attempts=attempts, timeout=timeout, backoff=backoff
        )
        self.name = self.model.rpartition("/")[2]
        self.images, self.temperature = images, temperature
        self.settings = json.dumps({"model": model, "images": images, "temperature": temperature})

    async def __call__(self, history: History, *, want: Want, seed: int) -> Reply:
        """The reply of the server.

        Raises:
            ModelError: if there is none.
        """
        if want == "image" and self.images == "endpoint":
            return await self._reply(*image_request(history, self.model, seed), self._read_drawn)
        body = {"model": self.model, "messages": chat_messages(history), "temperature": self.temperature, "seed": seed}
        if want == "image":
            body["modalities"] = ["image", "text"]
        read = self._read_text if want == "text" else self._read_image
        return await self._reply("/chat/completions", json.dumps(body).encode(), "application/json", read)

    async def _reply(
        self, path: str, content: bytes, content_type: str, read: Callable[[str], Reply | Failure]
    ) -> Reply:
        def attempted(text: str) -> Reply | ModelError | Failure:
            try:
                return read(self._endpoint.credentials.redact(text))
            except ModelError as error:  # raised below, where no traceback leads to the text
                return ModelError(error.reason, is_final=error.is_final)

        outcome: Reply | ModelError | Failure = await self._post(
            path, content, attempted, content_type=content_type, max_bytes=MAX_REPLY_BYTES
        )
        if isinstance(outcome, Failure):
            raise ModelError(f"{outcome.kind}: {outcome.message}")
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome

    def _read_text(self, text: str) -> Reply | Failure:
        choice = self._choice(text)
        return choice if isinstance(choice, Failure) else text_reply(choice)

    def _read_image(self, text: str) -> Reply | Failure:
        choice = self._choice(text)
        return choice if isinstance(choice, Failure) else image_reply(choice)

    def _read_drawn(self, text: str) -> Reply | Failure:
        answer = json_object(text)
        if answer is None:
            return Failure("malformed", f"the answer is no object: {self._redact(text)}", retryable=True)
        return drawn_reply(answer)
