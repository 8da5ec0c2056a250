# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge behind any server that speaks the chat completions of OpenAI."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from imug_metrics.judges.chat_client import MAX_RESPONSE_BYTES, ChatClient, content_part
from imug_metrics.judges.content import message_text
from imug_metrics.judges.protocol import JudgeError, JudgeRequest, ReplyError
from imug_metrics.judges.retrying import Failure


def chat_body(request: JudgeRequest, model: str) -> dict[str, Any]:
    """Body of a chat-completions request.

    The message's content is a list even where it is one text. Images are data URLs. `temperature` and
    `response_format` are there only where the request has them.

    Example:
        >>> from imug_metrics.judges.protocol import ImagePart
        >>> chat_body(JudgeRequest("Judge.", (ImagePart(b"png"), "How good?"), temperature=0.1), "m")["messages"][1]
        {'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,cG5n'}},
         {'type': 'text', 'text': 'How good?'}]}
    """
    messages: list[dict[str, Any]] = []
    if request.system is not None:
        messages.append({"role": "system", "content": request.system})
    messages.append({"role": "user", "content": [content_part(part) for part in request.parts]})
    body: dict[str, Any] = {"model": model, "messages": messages}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.json_reply:
        body["response_format"] = {"type": "json_object"}
    return body


class OpenAIJudge(ChatClient):
    """A model behind an OpenAI-compatible server.

    A request is tried again, after a pause that doubles and is partly random, when the server is busy (408, 409, 429),
    fails (5xx), cannot be reached, breaks off, takes too long, or answers something that is no chat completion. Any
    other status ends the request at once. One request takes at most `attempts * (timeout + max_wait)` seconds.

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

    Attributes:
        tokens: that the server says it has read and written since the judge was made, by `prompt_tokens` and
            `completion_tokens`; empty where it does not say.

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
        super().__init__(
            model,
            base_url=base_url,
            api_key=api_key,
            concurrency=concurrency,
            attempts=attempts,
            connect_timeout=connect_timeout,
            timeout=timeout,
            backoff=backoff,
            max_wait=max_wait,
        )
        self.settings = dict(settings or {})
        self.tokens: Counter[str] = Counter()
        self.name = f"{self.model} {json.dumps(self.settings, sort_keys=True)}" if self.settings else self.model

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
        outcome: str | ReplyError | Failure = await self._post(
            "/chat/completions", content, self._reply, max_bytes=MAX_RESPONSE_BYTES
        )
        if isinstance(outcome, Failure):
            raise JudgeError(outcome.kind, outcome.message)
        if isinstance(outcome, ReplyError):
            raise outcome
        return outcome

    def _reply(self, text: str) -> str | ReplyError | Failure:
        choice = self._choice(text)
        if isinstance(choice, Failure):
            return choice
        self.tokens.update(_told_tokens(choice.usage))
        try:
            content = message_text(choice.message.get("content"))
        except ReplyError as error:
            return ReplyError(error.kind, self._redact(str(error)))
        reply = self._endpoint.credentials.redact(content or "")
        if choice.finish_reason == "length":
            return ReplyError("cut", "The reply was cut off by the length limit.", reply)
        if choice.finish_reason == "content_filter":
            return ReplyError("filtered", "The reply was withheld by a content filter.", reply)
        if content is None:
            reason = "holds no text" if choice.refusal is None else f"is a refusal: {self._redact(choice.refusal)}"
            return ReplyError("no_text", f"The reply {reason}.", reply)
        return reply


def _told_tokens(usage: Any) -> dict[str, int]:
    """Numbers of tokens that an answer tells of; what is no count is left out."""
    told = usage if isinstance(usage, Mapping) else {}
    found = {name: told.get(name) for name in ("prompt_tokens", "completion_tokens")}
    return {name: count for name, count in found.items() if type(count) is int and 0 <= count < 2**53}
