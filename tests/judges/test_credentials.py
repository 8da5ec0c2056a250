# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The key is in the header of a request and nowhere else, whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import logging
import pickle
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.judges import ImagePart, JudgeError, JudgeRequest, OpenAIJudge, Question, ReplyError, judge_all
from imug_metrics.judges.credentials import bearer, proxy_for, split_url
from tests.judges.server import FAULTS, Server, completion

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

KEY = "sk-proj/a+b=7Q9xTopSecret"
REQUEST = JudgeRequest("Judge.", (ImagePart(b"png"), "How good?"))
PASSWORD = "pa/ss:w0rd-TopSecret"
TROUBLE = [
    None,
    *FAULTS,
    (400, {}),
    (401, {}),
    (302, {"Location": f"http://{KEY}@127.0.0.1:9/"}),
    "echo",
    "cut off",
    "odd",
]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def answer(trouble: Any, headers: dict[str, str], secret: str) -> Any:
    """A server that repeats what it was sent wherever it can."""
    said = f"{headers['authorization']} is {secret}"
    if trouble == "cut off":
        return completion(said, finish_reason="length")
    if trouble == "odd":
        return {"error": {"message": f"Incorrect API key provided: {said}"}}
    return completion(said) if trouble == "echo" else said


def parse(reply: str) -> str:
    if "[secret]" in reply:
        raise ReplyError("echo", f"Expected a score, got {reply!r}.")
    return reply


def forms(secret: str) -> Iterator[str]:
    yield secret
    yield secret.replace("/", "\\/")
    yield base64.b64encode(f"user:{secret}".encode()).decode()
    yield secret[:-1]  # whoever cuts first and looks for the whole afterwards leaves this


def assert_hidden(text: str) -> None:
    for secret in (KEY, PASSWORD):
        for form in forms(secret):
            assert form not in text


class Everything(logging.Handler):
    """Keeps all log records of all libraries, with their arguments."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.args} {record.exc_info} {vars(record)}")


@pytest.fixture
def logs() -> Iterator[list[str]]:
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.texts
    root.removeHandler(handler)
    root.setLevel(level)


def judge_for(url: str, where: str) -> OpenAIJudge:
    arguments: dict[str, Any] = {"attempts": 2, "backoff": 0.001, "timeout": 5.0}
    if where == "url":
        return OpenAIJudge("m", base_url=url.replace("//", f"//user:{PASSWORD.replace('/', '%2F')}@"), **arguments)
    return OpenAIJudge("m", base_url=url, api_key=KEY, **arguments)


@pytest.mark.parametrize("where", ["key", "url"])
def test_no_verdict_journal_log_error_or_warning_shows_the_key(where: str, tmp_path: Path, logs: list[str], capfd):
    seen: list[str] = []
    secret = KEY if where == "key" else PASSWORD
    for row, trouble in enumerate(TROUBLE):
        with (
            warnings.catch_warnings(record=True) as caught,
            Server(lambda body: "", lambda body, attempt, t=trouble: t) as server,
        ):
            server.reply = lambda body, s=server, t=trouble: answer(t, s.headers[-1], secret)
            warnings.simplefilter("always")
            judge = judge_for(server.url, where)
            found = judge_all([Question((row,), lambda: REQUEST, parse)], judge, journal=tmp_path / "journal.jsonl")
            seen += [repr(found), repr(judge), str(vars(judge)), judge.name, *map(str, caught)]
            seen.append(outcome(judge))
            sent = server.headers[0]["authorization"]
            token = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
            assert sent == (f"Bearer {KEY}" if where == "key" else f"Basic {token}")  # it does arrive
    written = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) == 1
    assert written[0].count("\n") > len(TROUBLE)
    assert logs
    for text in [*seen, *written, *logs, *capfd.readouterr()]:
        assert_hidden(text)


def outcome(judge: OpenAIJudge) -> str:
    """The reply, or all that an error and its traceback tell, the values of local variables included."""

    async def ask() -> str:
        try:
            return await judge.ask(REQUEST)
        finally:
            await judge.aclose()

    try:
        return asyncio.run(ask())
    except (JudgeError, ReplyError) as error:
        chain = traceback.TracebackException.from_exception(error, capture_locals=True)
        return f"{''.join(chain.format())} {error!r} {vars(error)}"


def test_a_server_that_is_not_there_learns_and_tells_nothing():
    with Server(str) as server:
        pass
    judge = judge_for(server.url, "key")
    [found] = judge_all([Question((0,), lambda: JudgeRequest(None, ("x",)), str)], judge)
    assert found.error.startswith("connection: ")
    assert_hidden(repr(found))


@pytest.mark.parametrize("key", ["sk-Top\nSecret", "sk-TopSecrét", "sk-Top\0Secret", "sk-Top\x7fSecret"])
def test_a_key_that_is_no_header_is_refused_without_showing_it(key: str):
    with pytest.raises(ValueError, match="`api_key`") as caught:
        OpenAIJudge("m", base_url="http://localhost/v1", api_key=key)
    assert "Secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/TopSecret",
        "ftp://user:TopSecret@host/v1",
        "http://user:TopSecret@host:port/v1",
        "http://host/v1?key=TopSecret",
        "http://host/v1#TopSecret",
        "http://[TopSecret/v1",
        "http:///TopSecret",
    ],
)
def test_a_url_that_is_refused_is_not_shown(url: str):
    with pytest.raises(ValueError, match="`base_url`") as caught:
        OpenAIJudge("m", base_url=url)
    assert "TopSecret" not in "".join(traceback.format_exception(caught.value))


def test_a_key_beside_a_user_name_is_refused():
    with pytest.raises(ValueError, match="`api_key`"):
        OpenAIJudge("m", base_url="http://user:password@host/v1", api_key=KEY)


def test_urls_keep_their_host_port_and_path():
    assert split_url("base_url", " https://[::1]:8443/api/v1/ ")[0] == "https://[::1]:8443/api/v1"
    assert split_url("base_url", "http://a%40b:p%20q@host")[0] == "http://host"
    header = split_url("base_url", "http://a%40b:p%20q@host")[1].header
    assert header == "Basic " + base64.b64encode(b"a@b:p q").decode()


def test_placeholders_of_local_servers_are_words_like_others():
    assert bearer("EMPTY").redact("The board is EMPTY.") == "The board is EMPTY."


def test_a_proxy_is_used_and_its_password_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", f"http://user:{PASSWORD.replace('/', '%2F')}@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "localhost")
    assert proxy_for("http://localhost/v1").url is None
    assert_hidden(repr(proxy_for("http://example.org/v1")))
    judge = OpenAIJudge("m", base_url="http://example.org/v1", api_key=KEY, attempts=1)
    [found] = judge_all([Question((0,), lambda: JudgeRequest(None, ("x",)), str)], judge)
    assert found.error.startswith("connection: ")
    assert "127.0.0.1:9" in found.error  # it was the proxy that could not be reached
    assert_hidden(repr(found) + repr(judge) + str(vars(judge)))


def test_credentials_are_shown_by_nothing():
    credentials = bearer(KEY)
    assert credentials.header == f"Bearer {KEY}"
    assert_hidden(f"{credentials} {credentials!r}")
    assert KEY in pickle.loads(pickle.dumps(credentials)).header  # whoever pickles it keeps it
