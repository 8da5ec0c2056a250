# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chat completions and images endpoints: what is sent, which part of an answer counts, what is not followed."""

from __future__ import annotations

import asyncio
import base64
import json
import traceback
from email.parser import BytesParser
from typing import Any

import pytest

from imug_metrics.inference.model import ImageFile, Message, ModelError, Reply, Want
from imug_metrics.inference.models.openai_images import image_request
from imug_metrics.inference.models.openai_server import OpenAIModel
from tests.inference.server import InferServer as Server
from tests.judges.server import completion

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

KEY = "sk-proj/a+b=7Q9xTopSecret"
PNG = "data:image/png;base64," + base64.b64encode(b"png").decode()
TALK = [
    Message("system", ("Be brief.",)),
    Message("user", ("a leaf", ImageFile(b"\xff\xd8\xffin"))),
    Message("assistant", (ImageFile(b"drawn"), "There.")),
    Message("user", ("larger",)),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def ask(server: Server, want: Want = "text", history: Any = TALK, **arguments: Any) -> Any:
    """The reply, or the error."""

    async def asked() -> Any:
        model = OpenAIModel("org/m", **{"base_url": server.url + "/v1", "attempts": 2, "backoff": 0.001} | arguments)
        try:
            return await model(history, want=want, seed=7)
        except ModelError as error:
            return error
        finally:
            await model.aclose()

    return asyncio.run(asked())


def test_the_whole_dialogue_is_sent_with_seed_and_temperature() -> None:
    usage = {"total_tokens": 12, "prompt_tokens": 10, "completion_tokens": 2, "details": {"x": 1}}
    with Server(lambda body: (200, completion("B") | {"usage": usage})) as server:
        reply = ask(server, temperature=0.2)
    assert reply == Reply("B", usage={"tokens": 12.0, "prompt_tokens": 10.0, "completion_tokens": 2.0})
    body = json.loads(server.bodies[0])
    assert {name: body[name] for name in body if name != "messages"} == {
        "model": "org/m",
        "temperature": 0.2,
        "seed": 7,
    }
    jpeg = {"url": "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xffin").decode()}
    drawn = {"url": "data:image/png;base64," + base64.b64encode(b"drawn").decode()}
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a leaf"}, {"type": "image_url", "image_url": jpeg}]},
        {"role": "assistant", "content": "[image]\nThere."},
        {"role": "user", "content": [{"type": "image_url", "image_url": drawn}, {"type": "text", "text": "larger"}]},
    ]
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "images": [{"type": "image_url", "image_url": {"url": PNG}}]},
        {"content": "Here.", "images": [{"image_url": {"url": PNG}}, {"image_url": {"url": "second"}}]},
        {"content": [{"type": "text", "text": "Here."}, {"type": "image_url", "image_url": {"url": PNG}}]},
        {"content": [{"type": "image_url", "image_url": PNG}]},
    ],
)
def test_the_first_image_of_the_chat_counts(message: dict[str, Any]) -> None:
    with Server(lambda body: (200, completion(None, message=message))) as server:
        assert ask(server, "image") == Reply(image=ImageFile(b"png"))
    assert json.loads(server.bodies[0])["modalities"] == ["image", "text"]


@pytest.mark.parametrize(
    ("want", "choice", "reason"),
    [
        ("text", {"message": {"content": None, "refusal": "No."}}, "The reply holds no text, but says: No."),
        ("text", {"message": {"content": ""}}, "The reply holds no text"),
        ("text", {"message": {"content": "x"}, "finish_reason": "content_filter"}, "withheld by a content filter"),
        ("text", {"message": {"content": 7}}, "Expected text as the content"),
        ("image", {"message": {"content": "I cannot draw."}}, "The reply holds no image, but says: I cannot draw."),
        (
            "image",
            {"message": {"images": [{"image_url": {"url": "http://a/b.png"}}]}},
            "not where it is: 'http://a/b.p",
        ),
        ("image", {"message": {"images": [{"image_url": {"url": "file:///etc/passwd"}}]}}, "not where it is: 'file:"),
        ("image", {"message": {"images": [{"image_url": {"url": PNG[:-1]}}]}}, "expected base64"),
    ],
)
def test_what_is_no_reply_is_not_asked_for_again(want: Want, choice: dict[str, Any], reason: str) -> None:
    with Server(lambda body: (200, completion(None, **choice))) as server:
        error = ask(server, want)
    assert isinstance(error, ModelError)
    assert reason in error.reason
    assert error.is_final
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("answer", "requests", "reason"),
    [
        ((500, {"detail": "x"}), 2, "server: 500 Internal Server Error"),
        ((429, {"detail": "x"}), 2, "busy: 429"),
        ((400, {"detail": "bad"}), 1, "refused: 400 Bad Request"),
        ((302, {"detail": "x"}), 1, "refused: 302"),
        ((200, b"oops"), 2, "malformed: the answer is no chat completion: oops"),
    ],
)
def test_failures_are_tried_again_as_a_judges_are(answer: Any, requests: int, reason: str) -> None:
    with Server(lambda body: answer) as server:
        error = ask(server)
    assert (error.reason[: len(reason)], error.is_final, len(server.bodies)) == (reason, False, requests)


def test_what_a_length_limit_cut_off_is_what_was_said() -> None:
    with Server(lambda body: (200, completion("The ans", finish_reason="length"))) as server:
        assert ask(server).text == "The ans"


def test_an_image_may_be_larger_than_a_text() -> None:
    large = base64.b64encode(bytes(20 * 2**20)).decode()
    message = {"images": [{"image_url": {"url": f"data:image/png;base64,{large}"}}]}
    with Server(lambda body: (200, completion(None, message=message))) as server:
        assert len(ask(server, "image").image.data) == 20 * 2**20


def test_the_endpoint_draws_from_the_last_message() -> None:
    answer = {
        "data": [{"b64_json": base64.b64encode(b"png").decode()}],
        "usage": {"total_tokens": 9, "input_tokens": 4},
    }
    with Server(lambda body: (200, answer)) as server:
        reply = ask(server, "image", TALK[:1] + TALK[3:], images="endpoint")
        ask(server, "text", TALK[3:], images="endpoint")
    assert reply == Reply(image=ImageFile(b"png"), usage={"tokens": 9.0, "prompt_tokens": 4.0})
    assert server.paths[0] == "/v1/images/generations"
    assert json.loads(server.bodies[0])["prompt"] == "larger"
    assert set(server.paths[1:]) == {"/v1/chat/completions"}


@pytest.mark.parametrize("answer", [{"data": [{"url": "http://a/b.png"}]}, {"data": []}, {"data": 7}, {}])
def test_an_endpoint_that_sends_no_image_is_not_followed(answer: dict[str, Any]) -> None:
    with Server(lambda body: (200, answer)) as server:
        error = ask(server, "image", TALK[3:], images="endpoint")
    assert error.reason == "expected an image as b64_json; no address is followed"
    assert server.paths == ["/v1/images/generations"]


def test_the_last_image_is_edited() -> None:
    request = image_request(TALK, "mine", 7)
    assert request.path == "/images/edits"
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    parts: Any = BytesParser().parsebytes(head + request.content).get_payload()
    sent = {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True) for part in parts}
    further = {"n": b"1", "response_format": b"b64_json", "seed": b"7"}
    assert sent == {"model": b"mine", "prompt": b"larger", "image": b"drawn", **further}
    assert parts[-1].get_content_type() == "image/png"
    with Server(lambda body: (200, {})) as server:
        ask(server, "image", images="endpoint")
    assert server.paths == ["/v1/images/edits"]
    assert server.headers[0]["content-type"].startswith("multipart/form-data; boundary=")


@pytest.mark.parametrize(
    ("model", "further"),
    [
        ("gpt-image-1", {}),
        ("dall-e-3", {"response_format": "b64_json"}),
        ("mine", {"response_format": "b64_json", "seed": 7}),
    ],
)
def test_fields_that_a_model_refuses_are_not_sent(model: str, further: dict[str, Any]) -> None:
    sent = json.loads(image_request([Message("user", ("a leaf",))], model, 7).content)
    assert sent == {"model": model, "prompt": "a leaf", "n": 1, **further}


@pytest.mark.parametrize("want", ["text", "image"])
@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_key_that_the_server_repeats_is_shown_by_nothing(want: Want, status: int) -> None:
    with Server(lambda body: (status, completion(f"Bearer {KEY} " + "x" * 500))) as server:
        found = ask(server, want)
    shown = repr(found) + str(vars(found))
    if isinstance(found, ModelError):
        chain = traceback.TracebackException.from_exception(found, capture_locals=True)
        shown += "".join(chain.format())
    assert KEY not in shown
    assert "[secret]" in shown
