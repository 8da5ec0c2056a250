# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to a server that speaks the API of OpenAI, tried again where that may help."""

from __future__ import annotations

import asyncio
import json
import math
import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from imug_metrics.judges.credentials import bearer, proxy_for, split_url
from imug_metrics.judges.http_client import Endpoint, HttpClient, Received
from imug_metrics.judges.retrying import Backoff, Failure, failure_of_status

T = TypeVar("T")

MAX_RESPONSE_BYTES = 16 * 2**20
"""Largest body that is read of a server's answer in words."""


class ChatClient(HttpClient):
    """A client of an OpenAI-compatible server.

    What is tried again, how the key is kept, and the arguments: see `OpenAIJudge`, which is one.

    Raises:
        ModuleNotFoundError: if aiohttp is not installed.
        ValueError: if model or base URL are not given, or an argument is outside its range.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        concurrency: int = 16,
        attempts: int = 6,
        connect_timeout: float = 10.0,
        timeout: float = 300.0,
        backoff: float = 0.5,
        max_wait: float = 60.0,
    ) -> None:
        super().__init__(concurrency=concurrency, connect_timeout=connect_timeout, timeout=timeout)
        if attempts < 1:
            raise ValueError(f"Expected argument `attempts` to be >= 1, got {attempts}.")
        for name, seconds in (("backoff", backoff), ("max_wait", max_wait)):
            if not 0 <= seconds < math.inf:
                raise ValueError(f"Expected argument `{name}` to be finite and >= 0, got {seconds}.")
        self.model = _setting("model", model, "OPENAI_MODEL")
        self.base_url, credentials = split_url("base_url", _setting("base_url", base_url, "OPENAI_BASE_URL"))
        if credentials.header is None:
            credentials = bearer(os.environ.get("OPENAI_API_KEY") if api_key is None else api_key)
        elif api_key is not None:
            raise ValueError("Expected argument `api_key` to be absent where `base_url` holds a user name.")
        self._endpoint = Endpoint(self.base_url, credentials, proxy_for(self.base_url))
        self.attempts, self.backoff = attempts, Backoff(backoff, max_wait)

    async def _post(
        self,
        path: str,
        content: bytes,
        read: Callable[[str], T | Failure],
        *,
        content_type: str = "application/json",
        max_bytes: int = MAX_RESPONSE_BYTES,
    ) -> T | Failure:
        """What `read` makes of the body of an answer, or why no attempt had one."""
        async with self._slot() as client:
            for attempt in range(1, self.attempts + 1):
                received = await self._attempt(
                    client, self._endpoint, content, path=path, content_type=content_type, max_bytes=max_bytes
                )
                outcome = self._outcome(received, read)
                if not isinstance(outcome, Failure):
                    return outcome
                if not outcome.retryable or attempt == self.attempts:
                    return outcome._replace(message=f"{outcome.message} (attempt {attempt} of {self.attempts})")
                await asyncio.sleep(self.backoff.pause(attempt, outcome.retry_after))
        raise AssertionError("the last attempt returns")

    def _outcome(self, received: Received | Failure, read: Callable[[str], T | Failure]) -> T | Failure:
        if isinstance(received, Failure):
            return received
        if received.status != 200:
            return failure_of_status(received.status, received.retry_after, self._redact(received.text))
        return read(received.text)

    def _choice(self, text: str) -> Choice | Failure:
        """The first choice of a chat completion."""
        choice = first_choice(text)
        if choice is None:
            return Failure("malformed", f"the answer is no chat completion: {self._redact(text)}", retryable=True)
        return choice

    def _redact(self, text: str) -> str:
        """An excerpt that may be shown."""
        return self._endpoint.redact(text)


class Choice(NamedTuple):
    """The first choice of a chat completion, and what it used.

    Attributes:
        message: the object.
        usage: the numbers of tokens as they stand.
        refusal: why the model does not answer; None: it does.
        finish_reason: why the message ends.
    """

    message: dict[str, Any]
    usage: Any
    refusal: str | None
    finish_reason: str | None


def first_choice(text: str) -> Choice | None:
    """None where the text is no chat completion.

    Example:
        >>> first_choice('{"choices": [{"message": {"content": "B"}, "finish_reason": "stop"}]}').message
        {'content': 'B'}
    """
    try:
        completion = json.loads(text)
        choice = completion["choices"][0]
        message, usage = choice["message"], completion.get("usage")
        refusal, reason = message.get("refusal"), choice.get("finish_reason")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return Choice(message, usage, *(text if isinstance(text, str) else None for text in (refusal, reason)))


class ImageContent(Protocol):
    """The content of an image file, and its type."""

    @property
    def data(self) -> bytes:
        """The bytes."""
        ...

    @property
    def media_type(self) -> str:
        """Such as image/png."""
        ...


def content_part(part: str | ImageContent) -> dict[str, Any]:
    """A text or an image as a part of a message; an image is a data URL.

    Example:
        >>> from imug_metrics.judges.protocol import ImagePart
        >>> content_part(ImagePart(b"png"))
        {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,cG5n'}}
    """
    if isinstance(part, str):
        return {"type": "text", "text": part}
    url = f"data:{part.media_type};base64,{b64encode(part.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _setting(argument: str, value: str | None, variable: str) -> str:
    value = value or os.environ.get(variable)
    if not value:
        raise ValueError(f"Expected argument `{argument}` or the environment variable {variable} to be set.")
    return value
