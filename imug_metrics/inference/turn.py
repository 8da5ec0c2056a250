# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One turn to be answered, and what a strategy made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, TypeVar

from imug_metrics.inference.limits import StoppedError
from imug_metrics.inference.model import History, Message, Part, Reply, Want

T = TypeVar("T")

Step: TypeAlias = tuple["str | int", ...]
"""Where in a strategy a request is made: names and numbers, from the outside in; part of what a reply is found by."""


class Ask(Protocol):
    """Asks the model once: recorded, counted, and with a seed that hangs on the step."""

    def __call__(self, history: History, want: Want, step: Step) -> Awaitable[Reply]:
        """The reply; raises ModelError if there is none."""
        ...


@dataclass(frozen=True)
class Turn:
    """A turn as a strategy sees it.

    Attributes:
        dialogue: id of the dialogue.
        number: of the turn, from 1.
        want: what has to come, "text" or "image".
        history: all that was said before, ending with the user's message.
        prompt: texts of this turn, joined by line breaks.
        ask: asks the model; use `Turn.reply` unless the history is to be another.
        step: where in the strategy this is.
        roles: ask other models, by the role that each was given; see `Turn.asking`.
    """

    dialogue: str
    number: int
    want: Want
    history: tuple[Message, ...]
    prompt: str
    ask: Ask
    step: Step = ()
    roles: Mapping[str, Ask] = field(default_factory=dict)

    def within(self, *step: str | int) -> Turn:
        """The same turn further inside of a strategy: other seeds, and replies of its own."""
        return replace(self, step=(*self.step, *step))

    def asking(self, role: str) -> Turn:
        """The same turn, asking the model that was given this role, where one was."""
        return replace(self, ask=self.roles.get(role, self.ask))

    def saying(self, *messages: Message) -> Turn:
        """The same turn after further messages, of which the last is the user's."""
        return replace(self, history=(*self.history, *messages))

    async def reply(self, want: Want | None = None) -> Reply:
        """One reply of the model to the history; the same one wherever history, kind and step are the same.

        Raises:
            ModelError: if there is none of the kind that is wanted.
        """
        return await self.ask(self.history, want or self.want, self.step)


@dataclass(frozen=True)
class Candidate:
    """One of several outputs of a turn.

    Attributes:
        output: text, or image.
        score: by which the strategy selects, higher is better; None: it has none.
    """

    output: Part
    score: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a strategy made of a turn.

    Attributes:
        output: text, or image.
        candidates: all outputs of the turn that could have been it, each made like the others; empty where there was
            but one.
        attempts: outputs that were replaced, in their order: later ones are made from what was wrong with earlier ones,
            so that they are no candidates.
        log: what else is worth keeping, by name: values that JSON can hold.
    """

    output: Part
    candidates: tuple[Candidate, ...] = ()
    attempts: tuple[Part, ...] = ()
    log: Mapping[str, Any] = field(default_factory=dict)


class Strategy(Protocol):
    """How a turn is answered.

    It may also have `settings`, a text that changes with what the name does not tell and the outputs hang on; `roles`,
    the names of those in which it asks other models, see `Turn.asking`; and a coroutine `aclose()`, which is awaited
    at the end.

    Attributes:
        name: how it is written on the command line.
    """

    name: str

    async def answer(self, turn: Turn) -> Answer:
        """Answer a turn.

        Raises:
            ModelError: if there is no answer: the turn has failed.
        """
        ...


async def all_of(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Await several at once; where one fails, the others are cancelled before its error is raised.

    Where nothing more may be asked they come to an end by themselves: what is under way is paid for.
    """
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException as error:
        for task in tasks if not isinstance(error, StoppedError) else ():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
