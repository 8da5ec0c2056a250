# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A question to a judge, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from imug_metrics.judges.protocol import JudgeRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """A request that is made when its turn comes, and how its reply is read.

    Attributes:
        key: names the question, for instance (model, sample, turn, kind); no two questions of a call share it.
        build: makes the request. Images are read here, just before the request is sent, and forgotten after it. May
            raise OSError or ValueError where the request cannot be made.
        parse: reads the reply; raises `ReplyError` where it is malformed.
    """

    key: tuple[str | int, ...]
    build: Callable[[], JudgeRequest]
    parse: Callable[[str], T]


@dataclass(frozen=True)
class Verdict(Generic[T]):
    """The answer to a question, or why there is none.

    Attributes:
        key: the question's.
        repeat: which of the repeats, from 0.
        value: what `parse` returned; None where there is an error.
        reply: the last reply as text; None where there was none.
        error: why there is no value, as "kind: message"; None where there is one.
        asked: how many times the judge was asked for it, in this call or an earlier one: 2 after a malformed first
            reply, 0 where the request could not be made or the judge was given up before.
    """

    key: tuple[str | int, ...]
    repeat: int
    value: T | None
    reply: str | None
    error: str | None
    asked: int
