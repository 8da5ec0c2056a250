# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A program that is asked line by line, and what happens when it does not answer."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import ImageFile, Message, ModelError, Reply, Want
from imug_metrics.inference.models.command import CommandModel

PROGRAM = """\
import base64, json, os, sys
print("loading", file=sys.stderr, flush=True)
asked = 0
for line in sys.stdin:
    request = json.loads(line)
    asked += 1
    said = request["history"][-1]["content"][0].get("text")
    found = {"id": request["id"]}
    if said == "die":
        print("no\\nmemory", file=sys.stderr)
        sys.exit(3)
    if said == "die once" and not os.path.exists(sys.argv[1]):
        open(sys.argv[1], "w").close()
        sys.exit(3)
    if said == "hang":
        import time
        time.sleep(60)
    if said == "chatter":
        print("50 %", flush=True)
    if said == "flood":
        print("x" * 5000, flush=True)
    if said == "other":
        found["id"] += 1
    if said == "blocked":
        found["error"] = "I would rather not."
    elif said == "bad image":
        found["image"] = "abc"
    elif said == "number":
        found["text"] = 7
    elif request["want"] == "image":
        found["image"] = "data:image/png;base64," + base64.b64encode(b"png").decode()
    else:
        found |= {"text": json.dumps([asked, request["seed"], request["history"]]), "usage": {"tokens": 3, "x": None}}
    print(json.dumps(found), flush=True)
"""


@pytest.fixture
def command(tmp_path: Path) -> str:
    (tmp_path / "program.py").write_text(PROGRAM)
    return shlex.join([sys.executable, "-S", str(tmp_path / "program.py"), str(tmp_path / "has died")])


def says(*parts: Any) -> list[Message]:
    return [Message("user", parts)]


def ask(model: CommandModel, requests: Sequence[list[Message]], want: Want = "text") -> list[Any]:
    """Replies, or errors, one after the other."""

    async def all_of_them() -> list[Any]:
        found: list[Any] = []
        for seed, history in enumerate(requests):
            try:
                found.append(await model(history, want=want, seed=seed))
            except ModelError as error:
                found.append(error)
        await model.aclose()
        return found

    return asyncio.run(all_of_them())


def test_one_program_answers_all_requests(command: str) -> None:
    model = CommandModel(command)
    first, second = ask(model, [says("hello", ImageFile(b"png")), says("again")])
    part = '{"type": "image", "image": "cG5n"}'
    assert first.text == f'[1, 0, [{{"role": "user", "content": [{{"type": "text", "text": "hello"}}, {part}]}}]]'
    assert first.usage == {"tokens": 3.0}
    assert second.text.startswith("[2, 1, ")
    assert ask(model, [says("anew")])[0].text.startswith("[1, 0, ")  # the other was closed


def test_images_come_as_base64(command: str) -> None:
    [reply] = ask(CommandModel(command), [says("draw")], "image")
    assert isinstance(reply, Reply)
    assert reply.image is not None
    assert (reply.image.data, reply.image.as_sent) == (b"png", "data:image/png;base64,cG5n")


def test_a_program_that_ends_is_started_again_once(command: str) -> None:
    once, dead, after = ask(CommandModel(command), [says("die once"), says("die"), says("hello")])
    assert once.text.startswith("[1, 0, ")
    assert str(dead) == "the program ended with exit code 3: loading | no | memory"
    assert after.text.startswith("[1, 2, ")


@pytest.mark.parametrize(
    ("said", "reason", "is_final"),
    [
        ("blocked", "I would rather not.", True),
        ("bad image", "expected base64 as the program's image: Incorrect padding", True),
        ("number", "The model's text must be text, not int", False),
        ("chatter", "expected a JSON object from the program, got '50 %'; messages belong to standard error", False),
        ("other", "expected the answer to id 1 from the program, got id 2", False),
        ("flood", "the program wrote a line of more than 4096 bytes", False),
        ("hang", "the program gave no answer within 0.5 s", False),
    ],
)
def test_what_is_no_answer_has_a_reason(
    command: str, said: str, reason: str, is_final: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imug_metrics.inference.models.command.MAX_REPLY_BYTES", 4096)
    model = CommandModel(command, timeout=0.5 if said == "hang" else 60)
    failed, after = ask(model, [says(said), says("hello")])
    assert isinstance(failed, ModelError)
    assert (failed.reason, failed.is_final) == (reason, is_final)
    assert isinstance(after, Reply) or said == "hang"


def test_settings_tell_commands_and_their_code_apart(command: str, tmp_path: Path) -> None:
    model, other = CommandModel(command), CommandModel(command + " x")
    assert model.settings == CommandModel(command).settings != other.settings
    (tmp_path / "program.py").write_text(PROGRAM + "\n")
    assert CommandModel(command).settings != model.settings


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "expected a program"),
        ("no-such-program --x", "no program 'no-such-program'"),
        ("a 'b", "No closing quotation"),
    ],
)
def test_a_command_that_cannot_be_run_is_told_at_once(command: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        CommandModel(command)
