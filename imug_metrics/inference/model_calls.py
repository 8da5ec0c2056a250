# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of a model, which may raise whatever it likes, or never return, without an end of the run or of Ctrl-C."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeAlias

from imug_metrics.inference.model import ModelError

_Call: TypeAlias = "tuple[Future[Any], Callable[[], Any]]"


class ModelCalls:
    """Calls coroutine functions in the event loop, and all others in threads of their own.

    Unlike those of `concurrent.futures`, these threads are not waited for when the interpreter ends.

    Args:
        size: number of threads at most.
    """

    def __init__(self, size: int) -> None:
        self._size, self._started = size, 0
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()

    async def make(self, asked: Callable[[], Any], *, is_async: bool) -> Any:
        """What the model returns, once it is no awaitable.

        Raises:
            ModelError: if it asks the interpreter to end, or cancels itself; other errors are its own.
        """
        found = asked() if is_async else await self._in_a_thread(asked)
        return await _awaited(found) if inspect.isawaitable(found) else found

    def close(self) -> None:
        """Let the threads end; calls under way are not waited for."""
        for _ in range(self._started):
            self._calls.put(None)

    async def _in_a_thread(self, asked: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()
        self._calls.put((future, asked))
        if self._started < self._size:
            threading.Thread(target=self._work, name=f"model_{self._started}", daemon=True).start()
            self._started += 1
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, asked = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(asked())
                except (StopIteration, SystemExit) as error:  # neither can be raised in an event loop
                    future.set_exception(_ended(error))
                except BaseException as error:
                    future.set_exception(error)
            del call, future, asked  # a thread that waits holds no history


async def _awaited(found: Awaitable[Any]) -> Any:
    """In a task of its own, so that a cancellation by the model does not pass for one of the run."""

    async def reply() -> Any:
        try:
            return await found
        except SystemExit as error:
            raise _ended(error) from None

    task = asyncio.ensure_future(reply())
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if task.cancelled():
        raise ModelError("CancelledError: the model has cancelled its own request")
    return task.result()


def _ended(error: BaseException) -> ModelError:
    return ModelError(f"{type(error).__name__}: {error}")
