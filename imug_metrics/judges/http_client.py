# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to servers: within limits of time, number and size, and with the key in the header alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from imug_metrics._optional import require
from imug_metrics.judges.credentials import Credentials, Proxy
from imug_metrics.judges.retrying import Failure

_EXCERPT = 300


class Endpoint(NamedTuple):
    """Where requests go, and how.

    Attributes:
        url: without user name and password.
        credentials: what is sent in the Authorization header.
        proxy: through which.
    """

    url: str
    credentials: Credentials = Credentials()
    proxy: Proxy = Proxy()

    def redact(self, text: str) -> str:
        """An excerpt that may be shown."""
        for credentials in (self.credentials, self.proxy.credentials):
            text = credentials.redact(text)
        return text[:_EXCERPT]


class Received(NamedTuple):
    """What a server sent.

    Attributes:
        status: of HTTP.
        text: the body.
        retry_after: the header Retry-After; None: there is none.
    """

    status: int
    text: str
    retry_after: str | None


class HttpClient:
    """Posts to servers and reads what they send; the connections are those of the event loop that runs.

    No redirect is followed, no cookie is kept, and no error shows a key.

    Args:
        concurrency: requests at a time, each on a connection of its own.
        connect_timeout: seconds to make a connection.
        timeout: seconds from sending a request to the last byte of its answer.

    Raises:
        ModuleNotFoundError: if aiohttp is not installed.
        ValueError: if an argument is outside its range.
    """

    def __init__(self, *, concurrency: int, connect_timeout: float, timeout: float) -> None:
        self._aiohttp = require("aiohttp", extra="judge", purpose=type(self).__name__)
        if concurrency < 1:
            raise ValueError(f"Expected argument `concurrency` to be >= 1, got {concurrency}.")
        for name, seconds in (("connect_timeout", connect_timeout), ("timeout", timeout)):
            if not 0 < seconds < math.inf:
                raise ValueError(f"Expected argument `{name}` to be finite and > 0, got {seconds}.")
        self.concurrency, self.connect_timeout, self.timeout = concurrency, connect_timeout, timeout
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = WeakKeyDictionary()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; the next request opens new ones.

        While requests of another call are under way nothing is closed: that is for the other call to do.
        """
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is not None and not session.in_flight:
            del self._sessions[loop]
            await session.client.close()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Any]:
        """The connections, for one of the requests that may be made at a time."""
        session = self._session()
        session.in_flight += 1
        try:
            async with session.slots:
                yield session.client
        finally:
            session.in_flight -= 1

    def _session(self) -> _Session:
        loop = asyncio.get_running_loop()
        if loop not in self._sessions:
            client = self._aiohttp.ClientSession(
                timeout=self._aiohttp.ClientTimeout(total=self.timeout, sock_connect=self.connect_timeout),
                connector=self._aiohttp.TCPConnector(limit=self.concurrency),
                cookie_jar=self._aiohttp.DummyCookieJar(),
            )
            self._sessions[loop] = _Session(client, asyncio.Semaphore(self.concurrency))
        return self._sessions[loop]

    async def _attempt(
        self,
        client: Any,
        endpoint: Endpoint,
        content: bytes,
        *,
        path: str = "",
        content_type: str = "application/json",
        max_bytes: int,
    ) -> Received | Failure:
        # Whatever the client raises or the server says may hold the key. Errors are therefore put into words here, and
        # are raised by the caller, so that no traceback leads to where they come from.
        headers = {"Content-Type": content_type}
        if endpoint.credentials.header is not None:
            headers["Authorization"] = endpoint.credentials.header
        try:
            async with client.post(
                endpoint.url + path, data=content, headers=headers, proxy=endpoint.proxy.url, allow_redirects=False
            ) as response:
                return await self._read(response, max_bytes)
        except asyncio.TimeoutError as error:
            connecting = isinstance(error, self._aiohttp.ServerConnectionError)
            limit = (
                f"no connection within {self.connect_timeout:g} s"
                if connecting
                else f"no answer within {self.timeout:g} s"
            )
            return Failure("timeout", limit, retryable=True)
        except (self._aiohttp.ClientError, OSError) as error:
            return Failure("connection", endpoint.redact(str(error)) or type(error).__name__, retryable=True)

    async def _read(self, response: Any, max_bytes: int) -> Received | Failure:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > max_bytes:
                return Failure("malformed", f"an answer of more than {max_bytes} bytes", retryable=True)
        return Received(response.status, body.decode("utf-8", "replace"), response.headers.get("Retry-After"))


@dataclass
class _Session:
    """What belongs to one event loop, and how many requests use it or wait for it."""

    client: Any
    slots: asyncio.Semaphore
    in_flight: int = 0
