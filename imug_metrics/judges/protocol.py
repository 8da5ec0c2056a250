# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to a judge, the protocol of judges, and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from imug_metrics.errors import ReplyError

__all__ = ["ImagePart", "Judge", "JudgeError", "JudgeRequest", "ReplyError"]


@dataclass(frozen=True)
class ImagePart:
    """An image as it is sent: exactly these bytes, under this media type.

    Attributes:
        data: content of the file.
        media_type: what the judge is told it is; the content is not inspected.
    """

    data: bytes
    media_type: str = "image/png"

    def __repr__(self) -> str:
        return f"Image({len(self.data)} bytes, {self.media_type!r})"


@dataclass(frozen=True)
class JudgeRequest:
    """One message to a judge.

    Attributes:
        system: instructions that stand before the message; None: there are none.
        parts: texts and images in the order in which the judge reads them.
        temperature: of sampling; None: the judge's own default.
        json_reply: ask the server to hold the reply to JSON (`response_format`).
        repeat: which of several independent replies to the same request, from 0. It is not sent; a judge that draws
            its replies itself draws another for each.
    """

    system: str | None
    parts: tuple[str | ImagePart, ...]
    temperature: float | None = None
    json_reply: bool = False
    repeat: int = 0


@runtime_checkable
class Judge(Protocol):
    """Anything that answers requests.

    A judge may also have a coroutine `aclose()`, which `judge_all` awaits at its end.

    Attributes:
        name: the model and every setting that changes its answers. Answers in a journal are found by it, so it must
            be the same every time.
        concurrency: how many requests it works on at a time.
    """

    name: str
    concurrency: int

    async def ask(self, request: JudgeRequest) -> str:
        """The text of the reply.

        Raises:
            JudgeError: if there is no reply.
            ReplyError: if the reply cannot be used, for instance because a length limit cut it off.
        """
        ...


class JudgeError(RuntimeError):
    """There is no reply.

    Attributes:
        kind: `"connection"` (no connection, or it broke), `"timeout"`, `"busy"` (429, 408 or 409), `"server"` (5xx),
            `"malformed"` (the server's answer is no chat completion), `"refused"` (any other status; not retried),
            `"image"` (an image cannot be decoded) or `"generation"` (a local model failed).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
