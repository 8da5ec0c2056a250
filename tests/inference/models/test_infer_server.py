# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The released /infer protocol: what is sent, what is tried again, and in which words a turn fails."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from imug_metrics.inference.model import ImageFile, Message, ModelError, Reply, Want
from imug_metrics.inference.models.infer_server import InferServer
from tests.inference.server import InferServer as Server

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

NO_OBJECT = "Server response must be a JSON object"
HISTORY = [
    Message("system", ("Be brief.",)),
    Message("user", ("draw it – in", ImageFile(b"png"), "green")),
    Message("assistant", (ImageFile(b"jpg", "data:image/jpeg;base64,anBn"),)),
    Message("user", ("why?",)),
]


def ask(urls: str | Sequence[str], want: Want = "text", times: int = 1, **arguments: Any) -> Any:
    """The reply, or the error; of several requests at once all of them."""

    async def all_of_them() -> list[Any]:
        model = InferServer(urls, **{"pause": 0.0} | arguments)
        asked = [model(HISTORY, want=want, seed=0) for _ in range(times)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        await model.aclose()
        return found

    found = asyncio.run(all_of_them())
    return found[0] if times == 1 else found


def test_the_body_is_the_released_one_byte_for_byte() -> None:
    with Server(lambda body: (200, {"response": {"text": "B"}})) as server:
        assert ask(server.url).text == "B"
    assert server.bodies == [
        b'{"history": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, '
        b'{"role": "user", "content": [{"type": "text", "text": "draw it \\u2013 in"}, '
        b'{"type": "image", "image": "cG5n"}, {"type": "text", "text": "green"}]}, '
        b'{"role": "assistant", "content": [{"type": "image", "image": "data:image/jpeg;base64,anBn"}]}, '
        b'{"role": "user", "content": [{"type": "text", "text": "why?"}]}], '
        b'"output_mode": "text_only", "temperature": 0.7}'
    ]
    assert server.headers[0]["content-type"] == "application/json"


@pytest.mark.parametrize("end", ["", "/", "/infer", "/infer/"])
def test_the_endpoint_may_be_named_or_not(end: str) -> None:
    with Server(lambda body: (200, {"response": {"text": "B"}})) as server:
        ask(server.url + end)
    assert server.paths == ["/infer"]


@pytest.mark.parametrize(
    ("sent", "as_sent"),
    [("cG5n", None), ("data:image/png;base64,cG5n", "data:image/png;base64,cG5n"), ("cG5\nn", "cG5\nn")],
)
def test_an_image_goes_back_as_it_came(sent: str, as_sent: str | None) -> None:
    with Server(lambda body: (200, {"response": {"image": sent}, "usage": {"tokens": 12, "unit": "x"}})) as server:
        reply = ask(server.url, "image")
    assert reply == Reply(image=ImageFile(b"png", as_sent), usage={"tokens": 12.0})
    assert json.loads(server.bodies[0])["output_mode"] == "image_only"


@pytest.mark.parametrize(
    ("answer", "reason", "requests"),
    [
        ((500, {"detail": "no memory"}), NO_OBJECT, 3),
        ((404, {"detail": "x"}), NO_OBJECT, 3),
        ((302, {"response": {"text": "B"}}), NO_OBJECT, 3),
        ((200, b"oops"), NO_OBJECT, 3),
        ((200, b"[]"), NO_OBJECT, 3),
        ((200, b"[" * 100_000), NO_OBJECT, 3),
        ((200, {"text": "B"}), "Server response must contain a response object", 1),
        ((200, {"response": "B"}), "Server response must contain a response object", 1),
        ((200, {"response": {"error": "blocked", "text": "B"}}), "blocked", 1),
        ((200, {"response": {"error": {"code": 7}}}), "{'code': 7}", 1),
        ((200, {"response": {"text": ""}}), "Server response must contain a non-empty text field", 1),
        ((200, {"response": {"text": 7}}), "Server response must contain a non-empty text field", 1),
        ((200, {"response": {"image": "cG5n"}}), "Server response must contain a non-empty text field", 1),
    ],
)
def test_reasons_and_attempts_are_those_of_the_released_loop(answer: Any, reason: str, requests: int) -> None:
    with Server(lambda body: answer) as server:
        error = ask(server.url)
    assert isinstance(error, ModelError)
    assert (error.reason, len(server.bodies)) == (reason, requests)


def test_what_is_no_base64_fails_in_the_words_of_the_released_loop() -> None:
    with pytest.raises(ValueError, match="padding") as released:
        base64.b64decode("abc")
    with Server(lambda body: (200, {"response": {"image": "data:x,abc"}})) as server:
        error = ask(server.url, "image")
    assert isinstance(error, ModelError)
    assert error.reason == str(released.value)


def test_a_failure_that_passes_is_none() -> None:
    answers = iter([(503, {"detail": "later"}), (200, b"oops"), (200, {"response": {"text": "B"}})])
    with Server(lambda body: next(answers)) as server:
        assert ask(server.url).text == "B"
    assert len(server.bodies) == 3


def test_the_cause_says_what_went_wrong() -> None:
    with Server(lambda body: (500, {"detail": "no memory"})) as server:
        assert str(ask(server.url).__cause__) == f'{server.url}/infer: status 500: {{"detail": "no memory"}}'
    assert f"{server.url}/infer: " in str(ask(server.url).__cause__)  # it is gone


def test_an_answer_of_any_length_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imug_metrics.inference.models.infer_server.MAX_REPLY_BYTES", 1000)
    with Server(lambda body: (200, {"response": {"text": "x" * 2000}})) as server:
        assert "more than 1000 bytes" in str(ask(server.url).__cause__)


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    with Server(lambda body: (200, {"response": {"text": "B"}}), latency=5) as server:
        assert ask(server.url, timeout=0.05).reason == NO_OBJECT
    assert len(server.bodies) == 3


def test_several_servers_share_the_requests() -> None:
    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"response": {"text": "B"}}

    with Server(answer, latency=0.01) as first, Server(answer, latency=0.01) as second:
        assert {reply.text for reply in ask([first.url, second.url], times=40)} == {"B"}
    assert first.bodies
    assert second.bodies
    assert len(first.bodies) + len(second.bodies) == 40
    with Server(answer, latency=0.01) as server:
        ask(server.url, times=12)
    assert server.highest == 2


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://host/infer?x=1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http or https URL"):
        InferServer(url)
