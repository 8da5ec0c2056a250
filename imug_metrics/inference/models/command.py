# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model that is a program: it reads requests from its standard input and writes replies, one JSON line each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shlex
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import History, ModelError, Reply, Want
from imug_metrics.inference.models.wire import MAX_REPLY_BYTES, image_from, json_object, usage_from, wire_messages
from imug_metrics.reading.text_files import TextError, decode

_MAX_CODE_BYTES = 2**24  # of a file that is taken for a part of the program
_KEPT_BYTES = 2000  # of what a program writes to its standard error
_END_SECONDS = 5.0


class CommandModel:
    """A program that is started once and asked line by line.

    A request is `{"id": 1, "history": [...], "want": "text" | "image", "seed": 1}`, with messages as `/infer` has them;
    the reply is `{"id": 1, "text": "..."}`, `{"id": 1, "image": BASE64}` or `{"id": 1, "error": "..."}`, with `usage`
    as numbers by name where the program tells any. A program that ends in the middle of a request is started again,
    once for each request, and asked again; one that answers something else or not in time is ended. Recorded replies
    are found again for the same command and content of the files that it names.

    Args:
        command: program and arguments as in a shell, which has no part in it.
        timeout: seconds for one request.

    Raises:
        ArgumentError: if there is no such program.
    """

    concurrency = 1

    def __init__(self, command: str, *, timeout: float = 600.0) -> None:
        self._words, self._timeout = split_command(command), timeout
        if shutil.which(self._words[0]) is None:
            raise ArgumentError("model", f"there is no program {self._words[0]!r} that can be run")
        self.name = Path(self._words[0]).name
        self.settings = json.dumps([self._words, [_digest(word) for word in self._words if _is_code(word)]])
        self._program: _Program | None = None
        self._count, self._turns = 0, asyncio.Lock()

    async def __call__(self, history: History, *, want: Want, seed: int) -> Reply:
        """The program's reply.

        Raises:
            ModelError: if there is none.
        """
        request = {"history": wire_messages(history), "want": want, "seed": seed}
        async with self._turns:
            try:
                answer = await self._answer(request)
            except _EndedError:
                answer = await self._answer(request)
        return _reply(answer)

    async def aclose(self) -> None:
        """End the program."""
        program, self._program, self._turns = self._program, None, asyncio.Lock()
        if program is not None:
            await program.end()

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        program, self._program = self._program, None  # not asked again unless all goes well
        if program is None or program.process.returncode is not None:
            program = await _Program.start(self._words)
        self._count += 1
        line = json.dumps({"id": self._count, **request}).encode() + b"\n"
        try:
            answer = _parsed(await asyncio.wait_for(program.exchange(line), self._timeout), self._count)
        except BaseException as error:
            program.kill()
            if isinstance(error, asyncio.TimeoutError):
                raise ModelError(f"the program gave no answer within {self._timeout:g} s") from None
            raise
        self._program = program
        return answer


def split_command(command: str) -> list[str]:
    """The words of a command.

    Raises:
        ArgumentError: if there are none, or a quotation has no end.

    Example:
        >>> split_command("./prog --style 'line art'")
        ['./prog', '--style', 'line art']
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ArgumentError("model", f"{command!r} cannot be taken apart: {error}") from error
    if not words:
        raise ArgumentError("model", "expected a program")
    return words


class _EndedError(ModelError):
    """The program has ended in the middle of a request."""


class _Program:
    """A program that runs, and the last that it wrote to its standard error."""

    def __init__(self, process: Process) -> None:
        self.process, self._errors = process, b""
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, words: Sequence[str]) -> _Program:
        """Start a program; raises ModelError if it cannot be."""
        try:
            made = asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=MAX_REPLY_BYTES)
            return cls(await made)
        except OSError as error:
            raise ModelError(f"the program cannot be started: {error.strerror}") from error

    async def exchange(self, line: bytes) -> bytes:
        """The line that it writes when it has read one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(ConnectionError):  # one that has ended, as is found below
            self.process.stdin.write(line)
            await self.process.stdin.drain()
        try:
            found = await self.process.stdout.readline()
        except ValueError:
            raise ModelError(f"the program wrote a line of more than {MAX_REPLY_BYTES} bytes") from None
        if found.endswith(b"\n"):
            return found
        code = await self.process.wait()
        await asyncio.wait({self._listening}, timeout=_END_SECONDS)
        raise _EndedError(f"the program ended with exit code {code}{self._last_words()}")

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def end(self) -> None:
        """Let it end, since nothing more will be read, or make it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), _END_SECONDS)
        except asyncio.TimeoutError:
            self.kill()
            await self.process.wait()
        self._listening.cancel()

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        while chunk := await self.process.stderr.read(_KEPT_BYTES):
            self._errors = (self._errors + chunk)[-_KEPT_BYTES:]

    def _last_words(self) -> str:
        lines = str(self._errors, "utf-8", "replace").split("\n")
        shown = " | ".join(line.strip() for line in lines[-6:] if line.strip())
        return f": {shown}" if shown else ""


def _is_code(word: str) -> bool:
    return os.path.isfile(word) and os.path.getsize(word) <= _MAX_CODE_BYTES


def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        answer = json_object(decode(line))
    except TextError:
        answer = None
    if answer is None:
        shown = str(line[:120], "utf-8", "replace").strip()
        raise ModelError(f"expected a JSON object from the program, got {shown!r}; messages belong to standard error")
    if answer.get("id") != number:
        raise ModelError(f"expected the answer to id {number} from the program, got id {str(answer.get('id'))[:40]}")
    return answer


def _reply(answer: dict[str, Any]) -> Reply:
    if answer.get("error"):
        raise ModelError(str(answer["error"]), is_final=True)
    image = answer.get("image")
    if image is not None and not isinstance(image, str):
        raise ModelError("expected base64 as the program's image", is_final=True)
    try:
        found = None if image is None else image_from(image)
    except ValueError as error:
        raise ModelError(f"expected base64 as the program's image: {error}", is_final=True) from error
    return Reply(answer.get("text"), found, usage_from(answer.get("usage")))
