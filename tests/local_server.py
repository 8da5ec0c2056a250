# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A server on this machine, in a thread with an event loop of its own; what it answers is its subclass's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from typing import Any

from typing_extensions import Self


class LocalServer(ABC):
    """Serves connections while it is entered.

    Attributes:
        path: of its URL.
        url: where it is.
    """

    path = ""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self.server = self.loop.run_until_complete(starting)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}{self.path}"
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _stop(self) -> None:
        self.server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)  # the client, or this server soon
        with contextlib.closing(writer), contextlib.suppress(*gone):
            while await self._answer(reader, writer):
                pass

    @abstractmethod
    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
