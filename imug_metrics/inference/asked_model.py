# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model as a run asks it: so many requests at a time, and under a name by which its replies are found again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from imug_metrics.inference.model import History, Model, Reply, Want, as_reply
from imug_metrics.inference.model_calls import ModelCalls


class AskedModel:
    """A model as a run asks it.

    Args:
        model: whom to ask.
        identity: the model and all that changes its replies; recorded replies are found by it.
        concurrency: requests at a time.
    """

    def __init__(self, model: Model, identity: str, concurrency: int) -> None:
        self.model, self.identity = model, identity
        self.slots = asyncio.Semaphore(concurrency)
        self._calls = ModelCalls(concurrency)

    async def call(self, history: History, want: Want, seed: int, dialogue: str, turn: int) -> Reply:
        """Ask it, whatever it raises; the caller holds one of its slots."""
        asked: Callable[..., Any] = partial(self.model, history, want=want, seed=seed)
        if getattr(self.model, "knows_turns", False):
            asked = partial(asked, dialogue=dialogue, turn=turn)
        call = self.model if inspect.isroutine(self.model) else type(self.model).__call__
        return as_reply(await self._calls.make(asked, is_async=inspect.iscoroutinefunction(call)))

    def close(self) -> None:
        """Functions that still run are not waited for."""
        self._calls.close()
