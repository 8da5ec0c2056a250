# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How busy a judge's server is kept: requests with two images, each answered after a fixed time."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch

from imug_metrics.judges import ImagePart, JudgeRequest, OpenAIJudge, Question, chat_body, judge_all

from ..machine import clock_seconds
from ..registry import Answer, Case, Job, Provider, Setup, absent
from ..runner import races

OPEN, RELEASED_POOL = 64, 8
IMAGES = tuple(ImagePart(random.Random(number).randbytes(20_000)) for number in range(8))


def judges(setup: Setup) -> Iterator[Job]:
    if find_spec("aiohttp") is None:
        yield absent("aiohttp", "the extra `judge`")
    else:
        yield from races(setup, _cases(setup.quick))


def _cases(quick: bool) -> Iterator[Case]:
    latency, rounds = (0.002, 2) if quick else (0.2, 30)
    with _server(latency) as port:

        def threads(size: int) -> Answer:
            return Answer(_threads(port, size, size * rounds)[:RELEASED_POOL])

        yield Case(
            name="judge",
            sizes={
                "answer": f"{1000 * latency:g} ms",
                "open requests": OPEN,
                "image bytes": 2 * len(IMAGES[0].data),
            },
            providers=(
                Provider("http.client, 8 threads", lambda: threads(RELEASED_POOL), RELEASED_POOL * rounds),
                Provider("http.client, 64 threads", lambda: threads(OPEN), OPEN * rounds),
                Provider(
                    "imug_metrics judge_all, 64 open",
                    lambda: Answer(_ours(port, OPEN * rounds)[:RELEASED_POOL]),
                    OPEN * rounds,
                ),
            ),
            bytes_per_row=len(json.dumps(chat_body(_request(0), "m"))),
            limit=OPEN / latency,
            timer=clock_seconds,
            repeats=1 if quick else 3,
        )


@contextmanager
def _server(latency: float) -> Iterator[int]:
    program = Path(__file__).with_name("judge_server.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(latency)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


def _request(number: int) -> JudgeRequest:
    images = IMAGES[number % 8], IMAGES[(number // 8) % 8]
    return JudgeRequest("Judge the last image.", (*images, f"Question {number}: how good is it?"), 0.1)


def _ours(port: int, count: int) -> torch.Tensor:
    judge = OpenAIJudge("m", base_url=f"http://127.0.0.1:{port}/v1", concurrency=OPEN)
    questions = (Question((number,), lambda number=number: _request(number), int) for number in range(count))
    with tempfile.TemporaryDirectory() as folder:
        verdicts = judge_all(questions, judge, journal=Path(folder) / "journal.jsonl")
    return torch.tensor([float("nan") if verdict.value is None else verdict.value for verdict in verdicts])


def _threads(port: int, size: int, count: int) -> torch.Tensor:
    """A pool of threads with a connection each, without journal, retries or limits."""
    own = threading.local()

    def ask(number: int) -> int:
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection("127.0.0.1", port)
        body = json.dumps(chat_body(_request(number), "m")).encode()
        own.connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = json.loads(own.connection.getresponse().read())
        return int(answer["choices"][0]["message"]["content"])

    with ThreadPoolExecutor(size) as pool:
        return torch.tensor(list(pool.map(ask, range(count)))).float()
