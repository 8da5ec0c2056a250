# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Runs against a server that misbehaves, and runs that are killed: the numbers are those of an undisturbed run."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import imug_metrics
from imug_metrics.judges import ImagePart, JudgeRequest, OpenAIJudge, Question, ReplyError, Verdict, judge_all
from tests.judges.server import FAULTS, Server, completion, text_of

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

COUNT = 600


def points(reply: str) -> int:
    try:
        value = json.loads(reply)["score"]
    except (ValueError, KeyError):
        raise ReplyError("no_score", "Expected an object with a score.") from None
    return value


def questions(count: int) -> list[Question[int]]:
    return [
        Question(
            ("model", number), lambda number=number: JudgeRequest("Judge.", (ImagePart(b"png"), f"#{number}")), points
        )
        for number in range(count)
    ]


def number_of(body: dict[str, Any]) -> int:
    return int(text_of(body).split("\n")[0][1:])


def uniform(*seed: Any) -> float:
    return int.from_bytes(hashlib.sha256(repr(seed).encode()).digest()[:6], "big") / 2**48


def good_reply(body: dict[str, Any]) -> str:
    return json.dumps({"score": int(6 * uniform(number_of(body)))})


def reply_with_lapses(body: dict[str, Any]) -> Any:
    """5 % of first replies are malformed, and some questions never get a usable one."""
    number = number_of(body)
    if number % 100 == 7:
        return "I cannot say."
    if number % 100 == 8:
        return completion('{"sco', finish_reason="length")
    if uniform("lapse", number) < 0.05 and "could not be used" not in text_of(body):
        return "Score: 5"
    return good_reply(body)


def fault(body: dict[str, Any], attempt: int) -> Any:
    """Each kind of trouble in 5 % of the attempts, and some questions that no attempt helps."""
    number = number_of(body)
    if number % 100 == 9:
        return "failure"
    if number % 100 == 10:
        return (400, {})
    row = int(uniform(number, text_of(body), attempt) / 0.05)
    return FAULTS[row] if row < len(FAULTS) else None


def ask_all(url: str, journal: Path | None = None, count: int = COUNT) -> list[Verdict[int]]:
    judge = OpenAIJudge("m", base_url=url, concurrency=32, backoff=0.002, max_wait=0.05, attempts=8)
    return judge_all(questions(count), judge, journal=journal)


def test_a_run_completes_and_equals_that_of_a_clean_server_where_it_did_not_fail(tmp_path: Path):
    with Server(good_reply) as server:
        clean = ask_all(server.url)
    with Server(reply_with_lapses, fault) as server:
        found = ask_all(server.url, tmp_path / "journal.jsonl")
        sent = len(server.bodies)
        assert server.highest <= 32
        # What failed is listed, and a rerun asks again for what had no reply, and for nothing else.
        assert ask_all(server.url, tmp_path / "journal.jsonl") == found
        assert {number_of(body) % 100 for body in server.bodies[sent:]} == {9, 10}
        assert sent > 1.3 * COUNT
    kinds = {7: "no_score", 8: "cut", 9: "server", 10: "refused"}
    failed = {verdict.key[1]: verdict.error.split(":")[0] for verdict in found if verdict.error is not None}
    assert failed == {number: kinds[number % 100] for number in range(COUNT) if number % 100 in kinds}
    assert [verdict.key for verdict in found] == [verdict.key for verdict in clean]
    for ours, theirs in zip(found, clean):
        assert ours.value == (None if ours.key[1] in failed else theirs.value)
    assert Counter(verdict.asked for verdict in found)[2] > 0.04 * COUNT


# One process imports everything once and forks a fresh one for each line it reads; that one is killed.
NURSERY = """
import os, sys, types
package = types.ModuleType("imug_metrics")  # without its own __init__, which the judges do not need
package.__path__ = [{package!r}]
sys.modules["imug_metrics"] = package
from tests.judges.test_hard_times import ask_all
from pathlib import Path
for line in sys.stdin:
    url, journal, out = line.split()
    child = os.fork()
    if child == 0:
        found = ask_all(url, Path(journal), count={count})
        Path(out).write_text(repr(found))
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_numbers(tmp_path: Path):
    count, kills, latency = 1200, 10, 0.01
    journal, out = tmp_path / "journal.jsonl", tmp_path / "verdicts"
    code = NURSERY.format(package=str(Path(imug_metrics.__file__).parent), count=count)
    root = Path(__file__).resolve().parents[2]
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    with (
        Server(reply_with_lapses, lambda body, attempt: None, latency) as server,
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
        ) as nursery,
    ):

        def start() -> int:
            print(server.url, journal, out, file=nursery.stdin, flush=True)
            return int(nursery.stdout.readline())

        lost = 0
        for _ in range(kills):
            child, before = start(), len(server.bodies)
            goal = before + chance.randrange(1, count // (kills + 1))
            end = time.monotonic() + 60
            while len(server.bodies) < goal:
                assert time.monotonic() < end, "the run sends no more requests"
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 2 * latency))
            os.kill(child, signal.SIGKILL)
            assert int(nursery.stdout.readline()) == signal.SIGKILL
            # A line that was written is whole; what was asked and is not there was in flight.
            lost = len(server.bodies) - journal.read_bytes().count(b"\n") if journal.exists() else 0
            assert lost <= 32 * (_ + 1)
        start()
        assert int(nursery.stdout.readline()) == 0
        nursery.stdin.close()
        asked = len(server.bodies)
        undisturbed = ask_all(server.url, count=count)
        assert out.read_text() == repr(undisturbed)
        needed = len(server.bodies) - asked
    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len({(*row["key"], row["asked"]) for row in rows}) == len(rows) == needed  # nothing twice
    assert 0 < asked - needed <= 32 * kills  # only what was in flight was asked again
