# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A server of the benchmark's own protocol in a thread, which answers as it is told to and keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.local_server import LocalServer

Answer = tuple[int, "bytes | dict[str, Any]"]
"""Status and content: bytes as they are, or what JSON is made of."""


class InferServer(LocalServer):
    """Answers each body with `answer(body)`.

    Attributes:
        bodies: bytes of all requests, in the order in which they came.
        headers: of each of them, with lower-case names.
        paths: of each of them.
        highest: most requests at a time.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], Answer], latency: float = 0.0) -> None:
        self.answer, self.latency = answer, latency
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.now = self.highest = 0

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        self.bodies.append(content)
        self.headers.append(headers)
        self.paths.append(first.split(" ")[1])
        self.now += 1
        self.highest = max(self.highest, self.now)
        try:
            status, reply = self.answer(json.loads(content))
            await asyncio.sleep(self.latency)
        except Exception as error:  # what the test finds wrong: the client sees it, whatever it makes of it
            status, reply = 418, {"detail": repr(error)}
        finally:
            self.now -= 1
        sent = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        head = f"HTTP/1.1 {status} whatever\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        writer.write(head.encode("latin-1") + sent)
        await writer.drain()
        return True


@dataclass
class Recording:
    """A recorded run: what was asked in order, and what came back; the n-th request has to be the n-th recorded.

    Attributes:
        folder: holds benchmark/, requests.jsonl, outputs/model/ and ended.json.
        expected: the recorded requests, images as `sha256:` of their bytes.
        found: the requests that came, likewise.
    """

    folder: Path
    expected: list[dict[str, Any]] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ended = json.loads((self.folder / "ended.json").read_text(encoding="utf-8"))
        lines = (self.folder / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        asked = sum(sample["requests"] for sample in self.ended["first"])
        self._replies = list(self._recorded(list(map(json.loads, lines[:asked]))))

    def answer(self, body: dict[str, Any]) -> Answer:
        """The recorded answer to the request that is due."""
        place = len(self.found)
        self.found.append(_with_digests(body))
        return self._replies[place] if place < len(self._replies) else (418, {"detail": "nothing more was recorded"})

    def _recorded(self, lines: list[dict[str, Any]]) -> Iterator[Answer]:
        benchmark = (self.folder / "benchmark/data/benchmark.jsonl").read_text(encoding="utf-8").splitlines()
        rest = iter(lines)
        for row, sample in zip(map(json.loads, benchmark), self.ended["first"]):
            subdomain = row["subdomain"] or row["category"]
            folder = self.folder / "outputs/model" / row["domain"] / subdomain / f"question_{row['sample_id']}"
            for _ in range(sample["requests"]):
                line = next(rest)
                self.expected.append(line["request"])
                yield line["status"], _reply_of(line, folder)


def _reply_of(line: dict[str, Any], folder: Path) -> bytes | dict[str, Any]:
    """The recorded reply; an image is taken from where the recorded run wrote it."""
    if line["reply"] != "image":
        return line["reply"] if isinstance(line["reply"], dict) else line["reply"].encode()
    history = line["request"]["history"]
    turn = sum(message["role"] == "user" for message in history)
    path = folder / f"turn_{turn}_output.png"
    if not path.exists():
        return {"response": {"text": "an image was asked for"}}
    prefix = "data:image/png;base64," if "DATAURL" in history[-1]["content"][0]["text"] else ""
    return {"response": {"image": prefix + base64.b64encode(path.read_bytes()).decode()}}


def _with_digests(body: dict[str, Any]) -> dict[str, Any]:
    """A request whose images are told by their digests; one that was sent with a prefix keeps it."""
    history = [{**message, "content": list(map(_part, message["content"]))} for message in body["history"]]
    return {**body, "history": history}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if "image" not in part:
        return part
    prefix, comma, encoded = part["image"].rpartition(",")
    return {**part, "image": f"{prefix}{comma}sha256:{hashlib.sha256(base64.b64decode(encoded)).hexdigest()}"}
