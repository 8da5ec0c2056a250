# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model behind servers that speak the /infer protocol of IMUG-Bench's released inference loop."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from imug_metrics.inference.model import History, ModelError, Reply, Want
from imug_metrics.inference.models.wire import MAX_REPLY_BYTES, image_from, json_object, usage_from, wire_messages
from imug_metrics.judges.credentials import split_url
from imug_metrics.judges.http_client import Endpoint, HttpClient, Received
from imug_metrics.judges.retrying import Failure


class InferServer(HttpClient):
    """A model behind one or several servers with the endpoint `/infer`.

    What is sent is, byte for byte, what the released loop of IMUG-Bench sends, and the reasons of failed turns are its
    own. A request without a usable answer (no connection, a timeout, a status from 300, no JSON object) is sent again,
    each time to any of the servers. A server may tell `"usage": {"tokens": 12}` beside `"response"`.

    Args:
        urls: where the servers are, with or without `/infer` at the end.
        temperature: is sent.
        attempts: how many times one request is sent at most.
        pause: seconds between two attempts.
        timeout: seconds for one attempt.

    Raises:
        ModuleNotFoundError: if aiohttp is not installed.
        ValueError: if a URL is none.

    Example:
        >>> InferServer(["http://localhost:8000", "http://localhost:8001/infer"]).concurrency
        4
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        temperature: float = 0.7,
        attempts: int = 3,
        pause: float = 1.0,
        timeout: float = 600.0,
    ) -> None:
        urls = [urls] if isinstance(urls, str) else list(urls)
        self._endpoints = [_endpoint(url) for url in urls]
        super().__init__(concurrency=2 * len(urls), connect_timeout=timeout, timeout=timeout)
        self.temperature, self.attempts, self.pause = temperature, attempts, pause
        self.name = "infer"  # wherever it is: a run goes on though the server has moved
        self.settings = json.dumps({"temperature": temperature})

    async def __call__(self, history: History, *, want: Want, seed: int) -> Reply:
        """The reply of a server; the protocol has no place for a seed.

        Raises:
            ModelError: if there is none; its cause says what went wrong with the last attempt.
        """
        body = {"history": wire_messages(history), "output_mode": f"{want}_only", "temperature": self.temperature}
        return _reply(await self._answer(json.dumps(body).encode()), want)

    async def _answer(self, content: bytes) -> dict[str, Any]:
        async with self._slot() as client:
            for attempt in range(1, self.attempts + 1):
                endpoint = random.choice(self._endpoints)
                received = await self._attempt(client, endpoint, content, max_bytes=MAX_REPLY_BYTES)
                answer = _object(received, endpoint)
                if isinstance(answer, dict):
                    return answer
                if attempt < self.attempts:
                    await asyncio.sleep(self.pause)
        raise ModelError("Server response must be a JSON object") from ConnectionError(answer)


def server_name(url: str) -> str:
    """Host and port.

    Example:
        >>> server_name("http://localhost:8000/infer"), server_name("https://example.org/model")
        ('localhost-8000', 'example.org')
    """
    return urlsplit(url).netloc.rpartition("@")[2].strip("[]").replace(":", "-")


def _endpoint(url: str) -> Endpoint:
    base, credentials = split_url("url", url)
    return Endpoint(base if base.endswith("/infer") else f"{base}/infer", credentials)


def _object(received: Received | Failure, endpoint: Endpoint) -> dict[str, Any] | str:
    """The object that was sent, or what is wrong."""
    if isinstance(received, Failure):
        return f"{endpoint.url}: {received.message}"
    answer = json_object(received.text) if received.status < 300 else None
    if answer is not None:
        return answer
    problem = "no JSON object" if received.status < 300 else f"status {received.status}"
    return f"{endpoint.url}: {problem}: {endpoint.redact(received.text)}"


def _reply(answer: dict[str, Any], want: Want) -> Reply:
    response = answer.get("response")
    if not isinstance(response, dict):
        raise ModelError("Server response must contain a response object")
    if response.get("error"):
        raise ModelError(str(response["error"]), is_final=True)
    value = response.get(want)
    if not isinstance(value, str) or not value:
        raise ModelError(f"Server response must contain a non-empty {want} field", is_final=True)
    usage = usage_from(answer.get("usage"))
    if want == "text":
        return Reply(text=value, usage=usage)
    try:
        return Reply(image=image_from(value), usage=usage)
    except ValueError as error:  # no base64; the released loop records it in the same words
        raise ModelError(str(error), is_final=True) from error
