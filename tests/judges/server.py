# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A chat-completions server in a thread that can misbehave on request."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.local_server import LocalServer

FAULTS = ("delay", "busy", "failure", "cut", "truncated", "malformed")


def text_of(body: dict[str, Any]) -> str:
    """The texts of the user's message."""
    return "\n".join(part["text"] for part in body["messages"][-1]["content"] if part["type"] == "text")


def completion(content: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"} | choice]}


class Server(LocalServer):
    """Answers each body with `reply(body)`; `fault(body, attempt)` may name one of FAULTS, or give (status, headers).

    Args:
        reply: content of the reply, or a whole answer as a dict.
        fault: what goes wrong with the attempt of this number (from 1) at this body; None: nothing.
        latency: seconds of every answer.

    Attributes:
        bodies: all that arrived, in order.
        headers: of each of them.
        highest: most requests at a time.
    """

    path = "/v1"

    def __init__(
        self,
        reply: Callable[[dict[str, Any]], Any],
        fault: Callable[[dict[str, Any], int], Any] = lambda body, attempt: None,
        latency: float = 0.0,
    ) -> None:
        self.reply, self.fault, self.latency = reply, fault, latency
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.attempts: Counter[str] = Counter()
        self.now = self.highest = 0

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        content = await reader.readexactly(int(headers["content-length"]))
        body = json.loads(content)
        assert head[0] == "POST /v1/chat/completions HTTP/1.1"
        self.bodies.append(body)
        self.headers.append(headers)
        digest = hashlib.sha256(content).hexdigest()
        self.attempts[digest] += 1
        fault = self.fault(body, self.attempts[digest])
        self.now += 1
        self.highest = max(self.highest, self.now)
        try:
            await asyncio.sleep(self.latency + (0.03 if fault == "delay" else 0))
        finally:
            self.now -= 1
        return await self._send(writer, body, fault)

    async def _send(self, writer: asyncio.StreamWriter, body: dict[str, Any], fault: Any) -> bool:
        reply = self.reply(body)
        content = json.dumps(reply if isinstance(reply, dict) else completion(reply)).encode()
        named = {"busy": (429, {"Retry-After": "0"}), "failure": (500, {})}
        status, extra = fault if isinstance(fault, tuple) else named.get(fault, (200, {}))
        if status != 200:
            content = b'{"error": {"message": "not now"}}'
        elif fault == "truncated":  # whole as HTTP, but not as JSON
            content = content[: len(content) // 2]
        elif fault == "malformed":
            content = b'{"object": "something else"}'
        lines = [f"HTTP/1.1 {status} whatever", f"Content-Length: {len(content)}", *map(": ".join, extra.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        writer.write(content[: len(content) // 2] if fault == "cut" else content)
        await writer.drain()
        return fault != "cut"
