# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge behind any server that speaks the chat completions of OpenAI."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from imug_metrics._optional import require
from imug_metrics.judges.content import message_text
from imug_metrics.judges.credentials import bearer, proxy_for, split_url
from imug_metrics.judges.protocol import ImagePart, JudgeError, JudgeRequest, ReplyError
from imug_metrics.judges.retrying import Backoff, Failure, failure_of_status

MAX_RESPONSE_BYTES = 16 * 2**20
"""Largest body that is read of a server's answer."""

_EXCERPT = 300


def chat_body(request: JudgeRequest, model: str) -> dict[str, Any]:
    """Body of a chat-completions request.

    The message's content is a list even where it is one text. Images are data URLs. `temperature` and
    `response_format` are there only where the request has them.

    Example:
        >>> chat_body(JudgeRequest("Judge.", (ImagePart(b"png"), "How good?"), temperature=0.1), "m")["messages"][1]
        {'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,cG5n'}},
         {'type': 'text', 'text': 'How good?'}]}
    """
    messages: list[dict[str, Any]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    messages.append({"role": "user", "content": [_content(part) for part in request.parts]})
    body: dict[str, Any] = {"model": model, "messages": messages}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.json_reply:
        body["response_format"] = {"type": "json_object"}
    return body


class OpenAIJudge:
    """A model behind an OpenAI-compatible server.

    A request is tried again, after a pause that doubles and is partly random, when the server is busy (408, 409, 429),
    fails (5xx), cannot be reached, breaks off, takes too long, or answers something that is no chat completion. Any
    other status ends the request at once. One request takes at most
    `attempts * (timeout + max_wait)` seconds.

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
        settings: further fields of the body, for example `{"max_tokens": 1024}`; they become part of the name.

    Raises:
        ModuleNotFoundError: if aiohttp is not installed.
        ValueError: if model or base URL are not given, or an argument is outside its range.

    Example:
        >>> judge = OpenAIJudge("qwen", base_url="http://localhost:8000/v1", settings={"max_tokens": 256})
        >>> judge.name
        'qwen {"max_tokens": 256}'
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
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._aiohttp = require("aiohttp", extra="judge", purpose="OpenAIJudge")
        for name, value in (("concurrency", concurrency), ("attempts", attempts)):
            if value < 1:
                raise ValueError(f"Expected argument `{name}` to be >= 1, got {value}.")
        for name, seconds in (("connect_timeout", connect_timeout), ("timeout", timeout)):
            if not 0 < seconds < math.inf:
                raise ValueError(f"Expected argument `{name}` to be finite and > 0, got {seconds}.")
        for name, seconds in (("backoff", backoff), ("max_wait", max_wait)):
            if not 0 <= seconds < math.inf:
                raise ValueError(f"Expected argument `{name}` to be finite and >= 0, got {seconds}.")
        self.model = _setting("model", model, "OPENAI_MODEL")
        self.settings = dict(settings or {})
        self.name = f"{self.model} {json.dumps(self.settings, sort_keys=True)}" if self.settings else self.model
        self.base_url, credentials = split_url("base_url", _setting("base_url", base_url, "OPENAI_BASE_URL"))
        if credentials.header is None:
            credentials = bearer(os.environ.get("OPENAI_API_KEY") if api_key is None else api_key)
        elif api_key is not None:
            raise ValueError("Expected argument `api_key` to be absent where `base_url` holds a user name.")
        self._credentials, self._proxy = credentials, proxy_for(self.base_url)
        self.concurrency, self.attempts = concurrency, attempts
        self.connect_timeout, self.timeout = connect_timeout, timeout
        self.backoff = Backoff(backoff, max_wait)
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"OpenAIJudge({self.name!r}, base_url={self.base_url!r}, concurrency={self.concurrency})"

    async def ask(self, request: JudgeRequest) -> str:
        """The text of the reply.

        Raises:
            JudgeError: if no attempt had a reply, or the server refused.
            ReplyError: if the reply was cut off by the length limit (kind `"cut"`), withheld by a filter
                (`"filtered"`), holds no text (`"no_text"`) or something else than text and thinking (`"content"`).
        """
        content = json.dumps({**chat_body(request, self.model), **self.settings}).encode()
        session = self._session()
        session.in_flight += 1
        try:
            return await self._ask(session, content)
        finally:
            session.in_flight -= 1

    async def _ask(self, session: _Session, content: bytes) -> str:
        async with session.slots:
            for attempt in range(1, self.attempts + 1):
                outcome = await self._attempt(session.client, content)
                if isinstance(outcome, str):
                    return outcome
                if isinstance(outcome, ReplyError):
                    raise outcome
                if not outcome.retryable or attempt == self.attempts:
                    raise JudgeError(outcome.kind, f"{outcome.message} (attempt {attempt} of {self.attempts})")
                await asyncio.sleep(self.backoff.pause(attempt, outcome.retry_after))
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        """Close the connections of the running event loop; the next request opens new ones.

        While requests of another call are under way nothing is closed: that is for the other call to do.
        """
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is not None and not session.in_flight:
            del self._sessions[loop]
            await session.client.close()

    def _session(self) -> _Session:
        loop = asyncio.get_running_loop()
        if loop not in self._sessions:
            headers = {"Content-Type": "application/json"}
            if self._credentials.header is not None:
                headers["Authorization"] = self._credentials.header
            client = self._aiohttp.ClientSession(
                headers=headers,
                timeout=self._aiohttp.ClientTimeout(total=self.timeout, sock_connect=self.connect_timeout),
                connector=self._aiohttp.TCPConnector(limit=self.concurrency),
                cookie_jar=self._aiohttp.DummyCookieJar(),
            )
            self._sessions[loop] = _Session(client, asyncio.Semaphore(self.concurrency))
        return self._sessions[loop]

    async def _attempt(self, client: Any, content: bytes) -> str | Failure | ReplyError:
        # Whatever the client raises or the server says may hold the key. Errors are therefore put into words here, and
        # are raised by the caller, so that no traceback leads to where they come from.
        try:
            async with client.post(
                f"{self.base_url}/chat/completions", data=content, proxy=self._proxy.url, allow_redirects=False
            ) as response:
                return await self._read(response)
        except asyncio.TimeoutError as error:
            connecting = isinstance(error, self._aiohttp.ServerConnectionError)
            limit = (
                f"no connection within {self.connect_timeout:g} s"
                if connecting
                else f"no answer within {self.timeout:g} s"
            )
            return Failure("timeout", limit, retryable=True)
        except (self._aiohttp.ClientError, OSError) as error:
            return Failure("connection", self._redact(str(error)) or type(error).__name__, retryable=True)

    async def _read(self, response: Any) -> str | Failure | ReplyError:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                return Failure("malformed", f"an answer of more than {MAX_RESPONSE_BYTES} bytes", retryable=True)
        text = body.decode("utf-8", "replace")
        if response.status != 200:
            return failure_of_status(response.status, response.headers.get("Retry-After"), self._redact(text))
        choice = _choice(text)
        if choice is None:
            return Failure("malformed", f"the answer is no chat completion: {self._redact(text)}", retryable=True)
        return self._reply(choice)

    def _reply(self, choice: _Choice) -> str | ReplyError:
        try:
            content = message_text(choice.content)
        except ReplyError as error:
            return ReplyError(error.kind, self._redact(str(error)))
        reply = self._credentials.redact(content or "")
        if choice.finish_reason == "length":
            return ReplyError("cut", "The reply was cut off by the length limit.", reply)
        if choice.finish_reason == "content_filter":
            return ReplyError("filtered", "The reply was withheld by a content filter.", reply)
        if content is None:
            reason = "holds no text" if choice.refusal is None else f"is a refusal: {self._redact(choice.refusal)}"
            return ReplyError("no_text", f"The reply {reason}.", reply)
        return reply

    def _redact(self, text: str) -> str:
        """An excerpt that may be shown."""
        for credentials in (self._credentials, self._proxy.credentials):
            text = credentials.redact(text)
        return text[:_EXCERPT]


@dataclass
class _Session:
    """What belongs to one event loop, and how many requests use it or wait for it."""

    client: Any
    slots: asyncio.Semaphore
    in_flight: int = 0


def _content(part: str | ImagePart) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    data = base64.b64encode(part.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{data}"}}


class _Choice(NamedTuple):
    """The first choice of a chat completion."""

    content: Any
    refusal: str | None
    finish_reason: str | None


def _choice(text: str) -> _Choice | None:
    """None where the text is no chat completion."""
    try:
        choice = json.loads(text)["choices"][0]
        message = choice["message"]
        content, found = message.get("content"), (message.get("refusal"), choice.get("finish_reason"))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return _Choice(content, *(value if isinstance(value, str) else None for value in found))


def _setting(argument: str, value: str | None, variable: str) -> str:
    value = value or os.environ.get(variable)
    if not value:
        raise ValueError(f"Expected argument `{argument}` or the environment variable {variable} to be set.")
    return value
