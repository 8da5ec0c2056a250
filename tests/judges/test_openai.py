# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is sent to a server, which of its failures pass, and when it is given up."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

import imug_metrics
from imug_metrics.judges import (
    ImagePart,
    JudgeError,
    JudgeRequest,
    OpenAIJudge,
    Question,
    ReplyError,
    chat_body,
    judge_all_async,
)
from imug_metrics.judges.retrying import Backoff, failure_of_status
from tests.judges.server import Server, completion, text_of

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

REQUEST = JudgeRequest("Judge.", (ImagePart(b"first"), "Which is better?", ImagePart(b"second", "image/jpeg")), 0.1)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
        "OPENAI_MODEL",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


def judge_at(url: str, **arguments: Any) -> OpenAIJudge:
    return OpenAIJudge("m", **{"base_url": url, "backoff": 0.001, "attempts": 3} | arguments)


def ask(judge: OpenAIJudge, *requests: JudgeRequest) -> Any:
    """Replies or errors of requests asked together."""

    async def all_of_them() -> list[Any]:
        replies = await asyncio.gather(*map(judge.ask, requests), return_exceptions=True)
        await judge.aclose()
        return replies

    replies = asyncio.run(all_of_them())
    return replies[0] if len(requests) == 1 else replies


def test_parts_are_sent_in_their_order_and_images_unchanged():
    with Server(lambda body: "A") as server:
        assert ask(judge_at(server.url), REQUEST) == "A"
    assert server.bodies == [chat_body(REQUEST, "m")]
    system, user = server.bodies[0]["messages"]
    assert system == {"role": "system", "content": "Judge."}
    assert user["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(b"first").decode()}},
        {"type": "text", "text": "Which is better?"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(b"second").decode()}},
    ]
    assert server.bodies[0]["temperature"] == 0.1


def test_optional_fields_are_there_only_when_asked_for():
    assert set(chat_body(JudgeRequest(None, ("x",)), "m")) == {"model", "messages"}
    assert chat_body(JudgeRequest(None, ("x",), json_reply=True), "m")["response_format"] == {"type": "json_object"}
    assert [message["role"] for message in chat_body(JudgeRequest(None, ("x",)), "m")["messages"]] == ["user"]


@pytest.mark.parametrize("file", ["judge_requests.jsonl", "judge_requests_gaps.jsonl"])
def test_bodies_are_those_that_the_official_tool_sent(golden: Path, file: str):
    folder = golden / "pipeline"
    for line in (folder / file).read_text(encoding="utf-8").splitlines():
        recorded = json.loads(line)["body"]
        parts: list[str | ImagePart] = []
        for part in recorded["messages"][1]["content"]:
            if part["type"] == "image_url":
                url = part["image_url"]
                image = ImagePart((folder / url["file"]).read_bytes(), url["prefix"][len("data:") : -len(";base64,")])
                assert hashlib.sha256(image.data).hexdigest() == url["sha256"]
                part["image_url"] = {"url": url["prefix"] + base64.b64encode(image.data).decode()}
                parts.append(image)
            else:
                parts.append(part["text"])
        recorded["messages"][0]["content"] = "the official prompt"
        request = JudgeRequest("the official prompt", tuple(parts), recorded["temperature"])
        assert chat_body(request, recorded["model"]) == recorded


def test_settings_are_sent_and_named():
    with Server(lambda body: "A") as server:
        judge = judge_at(server.url, settings={"max_tokens": 7})
        ask(judge, REQUEST)
    assert server.bodies[0]["max_tokens"] == 7
    assert judge.name != judge_at(server.url).name == "m"


def test_any_text_survives_the_way_there_and_back():
    text = 'NUL \0, a lone surrogate \ud800, "quotes", 日本語, \u2028 ' + "x" * 10_000_000
    with Server(lambda body: text_of(body)) as server:
        assert ask(judge_at(server.url), JudgeRequest(None, (text,))) == text


def test_model_url_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    with Server(lambda body: body["model"]) as server:
        monkeypatch.setenv("OPENAI_MODEL", "from-the-environment")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
        monkeypatch.setenv("OPENAI_API_KEY", "environment-key\n")
        assert ask(OpenAIJudge(), REQUEST) == "from-the-environment"
        assert ask(OpenAIJudge("given", base_url=server.url, api_key="given-key"), REQUEST) == "given"
        ask(OpenAIJudge("given", api_key=""), REQUEST)
    sent = [headers.get("authorization") for headers in server.headers]
    assert sent == ["Bearer environment-key", "Bearer given-key", None]


def test_nothing_is_sent_unless_told_where():
    with pytest.raises(ValueError, match="OPENAI_BASE_URL"):
        OpenAIJudge("m")
    with pytest.raises(ValueError, match="OPENAI_MODEL"):
        OpenAIJudge(base_url="http://localhost/v1")


@pytest.mark.parametrize("argument", ["concurrency", "attempts", "timeout", "connect_timeout"])
def test_arguments_outside_their_range_are_named(argument: str):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        judge_at("http://localhost/v1", **{argument: 0})


@pytest.mark.parametrize("argument", ["timeout", "connect_timeout", "backoff", "max_wait"])
@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_times_are_finite(argument: str, seconds: float):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        judge_at("http://localhost/v1", **{argument: seconds})


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".com", "\udc00.com"])
def test_a_host_that_can_be_none_is_refused_at_once(host: str):
    with pytest.raises(ValueError, match="base_url"):
        judge_at(f"http://{host}/v1")


@pytest.mark.parametrize("fault", ["busy", "failure", "cut", "truncated", "malformed", (408, {}), (409, {}), (503, {})])
def test_what_may_pass_is_tried_again(fault: Any):
    with Server(lambda body: "A", lambda body, attempt: fault if attempt < 3 else None) as server:
        assert ask(judge_at(server.url), REQUEST) == "A"
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("busy", "busy"),
        ("failure", "server"),
        ("cut", "connection"),
        ("truncated", "malformed"),
        ("malformed", "malformed"),
    ],
)
def test_attempts_end(fault: str, kind: str):
    with Server(lambda body: "A", lambda body, attempt: fault) as server:
        error = ask(judge_at(server.url), REQUEST)
    assert isinstance(error, JudgeError)
    assert (error.kind, len(server.bodies)) == (kind, 3)
    assert "attempt 3 of 3" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301, 307])
def test_what_does_not_pass_is_not_tried_again(status: int):
    headers = {"Location": "http://127.0.0.1:9/elsewhere"}
    with Server(lambda body: "A", lambda body, attempt: (status, headers)) as server:
        error = ask(judge_at(server.url), REQUEST)
    assert isinstance(error, JudgeError)
    assert (error.kind, len(server.bodies)) == ("refused", 1)
    assert str(status) in str(error)
    assert "not now" in str(error)  # what the server said


def test_a_server_that_is_not_there_is_given_up():
    with Server(lambda body: "A") as server:
        pass
    error = ask(judge_at(server.url), REQUEST)
    assert isinstance(error, JudgeError)
    assert error.kind == "connection"


def test_an_answer_that_takes_too_long_is_given_up():
    with Server(lambda body: "A", latency=5) as server:
        error = ask(judge_at(server.url, timeout=0.02), REQUEST)
    assert isinstance(error, JudgeError)
    assert (error.kind, len(server.bodies)) == ("timeout", 3)


def test_an_answer_of_any_length_is_not_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imug_metrics.judges.openai.MAX_RESPONSE_BYTES", 1000)
    with Server(lambda body: "x" * 2000) as server:
        error = ask(judge_at(server.url), REQUEST)
    assert isinstance(error, JudgeError)
    assert error.kind == "malformed"


@pytest.mark.parametrize(
    ("answer", "kind", "reply"),
    [
        (completion('{"score": ', finish_reason="length"), "cut", '{"score": '),
        (completion(None, finish_reason="length"), "cut", ""),
        (completion("Sor", finish_reason="content_filter"), "filtered", "Sor"),
        (completion(None, message={"content": None, "refusal": "I would rather not."}), "no_text", ""),
        (completion(None), "no_text", ""),
        (completion([{"type": "thinking", "thinking": "hm"}]), "no_text", ""),
        (completion([{"type": "text"}]), "content", None),
        (completion({"text": "A"}), "content", None),
    ],
)
def test_a_reply_that_is_none_has_a_kind_of_its_own(answer: dict[str, Any], kind: str, reply: str):
    with Server(lambda body: answer) as server:
        error = ask(judge_at(server.url), REQUEST)
    assert isinstance(error, ReplyError)
    assert (error.kind, error.reply, len(server.bodies)) == (kind, reply, 1)


def test_no_more_requests_are_open_than_allowed():
    with Server(lambda body: "A", latency=0.01) as server:
        replies = ask(judge_at(server.url, concurrency=3), *[REQUEST] * 12)
    assert replies == ["A"] * 12
    assert server.highest == 3


def test_a_judge_serves_one_event_loop_after_another():
    with Server(lambda body: "A") as server:
        judge = judge_at(server.url)
        assert [asyncio.run(judge.ask(REQUEST)), asyncio.run(judge.ask(REQUEST))] == ["A", "A"]


def test_a_run_that_ends_leaves_the_connections_of_another_alone():
    def questions(run: str, count: int) -> list[Question[str]]:
        return [Question((run, n), lambda n=n: JudgeRequest(None, (f"{run} {n}",)), str) for n in range(count)]

    async def both(judge: OpenAIJudge) -> Any:
        found = await asyncio.gather(*(judge_all_async(questions(f"{n}", n), judge) for n in (2, 60)))
        assert not judge._sessions  # the last one closes them
        return found

    with Server(lambda body: "A", latency=0.005) as server:
        short, long = asyncio.run(both(judge_at(server.url, concurrency=4)))
    assert {verdict.value for verdict in short + long} == {"A"}
    assert len(server.bodies) == 62


def test_pauses_double_up_to_a_bound_and_are_partly_random():
    backoff = Backoff(1.0, 10.0)
    for attempt, full in [(1, 1), (2, 2), (4, 8), (5, 10), (5000, 10)]:
        pauses = {backoff.pause(attempt) for _ in range(20)}
        assert len(pauses) > 1
        assert all(full / 2 <= pause <= full for pause in pauses)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2),
        ("0.5", 0.5),
        ("86400", 86400),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        (None, None),
    ],
)
def test_the_time_a_server_asks_for_is_read(header: str | None, seconds: float | None):
    assert failure_of_status(429, header, "").retry_after == seconds


def test_the_time_a_server_asks_for_may_be_a_date_and_is_bounded():
    wait = failure_of_status(503, formatdate(time.time() + 30, usegmt=True), "").retry_after
    assert wait == pytest.approx(30, abs=2)
    assert failure_of_status(503, "Mon, 01 Jan 2001 00:00:00 GMT", "").retry_after is None
    assert Backoff(0.1, 60).pause(1, wait) == wait
    assert Backoff(0.1, 5).pause(1, wait) == 5


def test_clients_are_imported_when_a_judge_is_made():
    # Without the package's own __init__, whose torchmetrics imports transformers wherever it is installed.
    code = f"""
import sys, types
package = types.ModuleType("imug_metrics")
package.__path__ = [{str(Path(imug_metrics.__file__).parent)!r}]
sys.modules["imug_metrics"] = package
import imug_metrics.judges
print([name for name in ("aiohttp", "transformers") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_missing_client_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ModuleNotFoundError, match=r"imug_metrics\[judge\]"):
        judge_at("http://localhost/v1")
