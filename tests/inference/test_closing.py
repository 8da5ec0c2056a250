# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model holds open, such as connections, is closed where it was opened, however the run ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from imug_metrics.inference import Message, infer
from tests.inference.worlds import World


class Connected:
    """Counts the event loops that ask it and where it is closed."""

    name = "connected"

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.asked: list[asyncio.AbstractEventLoop] = []
        self.closed: list[asyncio.AbstractEventLoop] = []

    async def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> Any:
        self.asked.append(asyncio.get_running_loop())
        if self.error is not None:
            raise self.error
        return "A"

    async def aclose(self) -> None:
        self.closed.append(asyncio.get_running_loop())


@pytest.mark.parametrize("samples", [1, 3])
def test_a_model_is_closed_once_in_the_event_loop_that_asked_it(tmp_path, samples):
    model = Connected()
    infer(model, World(2, 2).write(tmp_path / "benchmark"), tmp_path / "out", samples=samples)
    assert len(model.asked) == 4 * samples
    assert set(model.asked) == set(model.closed)
    assert len(model.closed) == 1


def test_a_run_that_is_broken_off_closes_the_model_too(tmp_path):
    model = Connected(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        infer(model, World(2, 2).write(tmp_path / "benchmark"), tmp_path / "out")
    assert len(model.closed) == 1
