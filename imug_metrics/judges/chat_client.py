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
from typing import Any, NamedTuple, TypeVar

from imug_metrics.judges.credentials import bearer, proxy_for, split_url
from imug_metrics.judges.http_client import Endpoint, HttpClient, Received
from imug_metrics.judges.retrying import Backoff, Failure, failure_of_status

T = TypeVar("T")

MAX_RESPONSE_BYTES = 16 * 2**20
"""Largest body that is read of a server's answer in words."""


class ChatClient(HttpClient):
    """A client of an OpenAI-compatible server.

    A request is tried again, after a pause that doubles and is partly random, when the server is busy (408, 409, 429),
    fails (5xx), cannot be reached, breaks off, takes too long, or answers what cannot be read. Any other status ends
    the request at once. One request takes at most `attempts * (timeout + max_wait)` seconds.

    The key is sent in the Authorization header and shown nowhere: not in errors, not in `repr`, and where the server
    repeats it, it is taken out of the reply. User name and password in the base URL are treated likewise. No redirect
    is followed. A proxy is taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY.

    Args:
        model: the server's name of the model; by default the environment variable OPENAI_MODEL.
        base_url: the URL before `/chat/completions`; by default OPENAI_BASE_URL. There is no other default: nothing is
            sent anywhere unless told where.
        api_key: by default OPENAI_API_KEY; servers without keys need none. The variable is left aside where the base
            URL holds a user name.
        concurrency: requests at a time, each on a connection of its own.
        attempts: how many times one request is sent at most.
        connect_timeout: seconds to make a connection.
        timeout: seconds from sending a request to the last byte of its answer.
        backoff: seconds of the first pause.
        max_wait: longest pause in seconds, also where the server asks for a longer one (`Retry-After`).

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


def image_url_part(data: bytes, media_type: str) -> dict[str, Any]:
    """An image as a part of a message: a data URL.

    Example:
        >>> image_url_part(b"png", "image/png")
        {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,cG5n'}}
    """
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{b64encode(data).decode('ascii')}"}}


def _setting(argument: str, value: str | None, variable: str) -> str:
    value = value or os.environ.get(variable)
    if not value:
        raise ValueError(f"Expected argument `{argument}` or the environment variable {variable} to be set.")
    return value
