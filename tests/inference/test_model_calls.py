# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing that a model does ends the run, stalls it, or keeps the process from ending."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from imug_metrics.inference.model import ModelError
from imug_metrics.inference.model_calls import ModelCalls


def make(asked, *, is_async=False):
    async def main():
        calls = ModelCalls(1)
        try:
            return await asyncio.wait_for(calls.make(asked, is_async=is_async), 60)
        finally:
            calls.close()

    return asyncio.run(main())


def used_up():
    return next(iter(()))


def leaves():
    sys.exit(0)


async def leaves_the_loop():
    sys.exit(0)


async def cancels_itself():
    raise asyncio.CancelledError


@pytest.mark.parametrize("asked", [used_up, leaves, leaves_the_loop, cancels_itself])
def test_a_model_that_wants_to_end_the_run_has_failed(asked):
    with pytest.raises(ModelError):
        make(asked, is_async=asyncio.iscoroutinefunction(asked))


def test_a_plain_function_may_give_an_awaitable():
    async def reply():
        return "B"

    assert make(lambda: reply()) == "B"


def test_a_cancellation_of_the_run_reaches_the_model():
    seen = []

    async def model():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        task = asyncio.ensure_future(ModelCalls(1).make(model, is_async=True))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen == ["cancelled"]


NEVER = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from imug_metrics.inference import infer

def model(history, *, want, seed):
    print("asked", flush=True)
    threading.Event().wait()

infer(model, sys.argv[1], sys.argv[2], name="m")
"""


def test_an_interrupt_ends_the_process_though_the_model_never_returns(tmp_path):
    (tmp_path / "benchmark/data").mkdir(parents=True)
    row = '{"domain": "D", "subdomain": "s", "sample_id": "1", "tasks": [{"turn": 1, "modality": "text", "input": []}]}'
    (tmp_path / "benchmark/data/benchmark.jsonl").write_text(row)
    command = [sys.executable, "-c", NEVER, str(tmp_path / "benchmark"), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"asked\n"
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    assert b"KeyboardInterrupt" in told
