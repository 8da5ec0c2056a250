# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge that takes a fixed time for each answer, as a program of its own: `python judge_server.py SECONDS`.

It prints its port, serves chat completions on as many connections as come, and ends when its input ends. It uses little
but the standard library's event loop, so that it is not what is measured.
"""

from __future__ import annotations

import asyncio
import sys
import zlib


class Judge(asyncio.Protocol):
    """One connection. The score of an answer depends on every byte of the request's body."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop for each new connection."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with what has arrived."""
        self.received += data
        end = self.received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        head = bytes(self.received[:end]).lower()
        length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        if len(self.received) >= end + length:
            score = zlib.crc32(self.received[end : end + length]) % 6
            del self.received[: end + length]
            asyncio.get_running_loop().call_later(self.latency, self._answer, score)

    def _answer(self, score: int) -> None:
        body = b'{"choices": [{"message": {"content": "%d"}, "finish_reason": "stop"}]}' % score
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main(latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Judge(latency), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
