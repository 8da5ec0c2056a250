# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turns without a runner, and a model whose rates are known."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from imug_metrics.inference.model import ImageFile, Message, ModelError, Reply, Want
from imug_metrics.inference.strategies.wording import ANSWER, GRADE, REPAIR, THINK, VERIFY
from imug_metrics.inference.turn import Answer, Strategy, Turn

PROMPT = "Which?\nA. one\nB. two\nC. three\nD. four"
RIGHT, WRONG = "A", "B"


@dataclass
class Asked:
    """Records what is asked, and replies by a function of the request."""

    reply: Callable[[Sequence[Message], Want, tuple[Any, ...]], Any]
    requests: list[tuple[tuple[Message, ...], Want, tuple[Any, ...]]] = field(default_factory=list)

    async def __call__(self, history: Sequence[Message], want: Want, step: tuple[Any, ...]) -> Reply:
        self.requests.append((tuple(history), want, step))
        found = self.reply(history, want, step)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, bytes):
            return Reply(image=ImageFile(found))
        return found if isinstance(found, Reply) else Reply(found)

    def last_words(self) -> list[str]:
        """The last part of each request."""
        return [str(history[-1].parts[-1]) for history, _, _ in self.requests]


def turn_of(ask: Any, *, want: Want = "text", number: int = 1, prompt: str = PROMPT, dialogue: str = "d") -> Turn:
    """A turn that begins a dialogue."""
    return Turn(dialogue, number, want, (Message("user", (prompt,)),), prompt, ask)


def answered(strategy: Strategy, turn: Turn) -> Answer:
    """The answer to a turn."""
    return asyncio.run(strategy.answer(turn))


def replies(*found: Any) -> Asked:
    """Gives one reply after the other; a string "!reason" is a failure."""
    rest = list(found)

    def reply(history: Sequence[Message], want: Want, step: tuple[Any, ...]) -> Any:
        one = rest.pop(0)
        return ModelError(one[1:]) if isinstance(one, str) and one.startswith("!") else one

    return Asked(reply)


@dataclass
class KnownRates:
    """A model that is right, accepts and grades with given probabilities, independently of everything.

    Attributes:
        base: of a right answer.
        thoughtful: of one after thoughts.
        repaired: of one after a criticism.
        accept_right, accept_wrong: of accepting.
        grades: of a right and of a wrong answer, the chance of each grade.
        tokens: of thoughts and of every other reply.
    """

    base: float = 0.5
    thoughtful: float = 0.7
    repaired: float = 0.6
    accept_right: float = 0.9
    accept_wrong: float = 0.3
    grades: tuple[dict[int, float], dict[int, float]] = ({9: 1.0}, {1: 1.0})
    tokens: tuple[int, int] = (20, 3)
    by_turn: Callable[[int], float] | None = None

    def reply(self, dialogue: str, number: int, history: Sequence[Message], step: tuple[Any, ...]) -> Reply:
        draw = random.Random(f"{dialogue} {number} {step}")
        said = history[-1].parts[-1]
        if said == THINK["text"]:
            return Reply("Hm.", usage={"tokens": self.tokens[0]})
        text = self._text(draw, str(said), history, number)
        return Reply(text, usage={"tokens": self.tokens[1]})

    def _text(self, draw: random.Random, said: str, history: Sequence[Message], number: int) -> str:
        is_right = said in (VERIFY, GRADE) and history[-2].text == RIGHT
        if said == VERIFY:
            accepts = draw.random() < (self.accept_right if is_right else self.accept_wrong)
            return "ACCEPT." if accepts else "REJECT: not the right one."
        if said == GRADE:
            chances = self.grades[0 if is_right else 1]
            return str(draw.choices(list(chances), list(chances.values()))[0])
        base = self.base if self.by_turn is None else self.by_turn(number)
        chance = {REPAIR["text"]: self.repaired, ANSWER["text"]: self.thoughtful}.get(said, base)
        return RIGHT if draw.random() < chance else WRONG


@dataclass
class Simulation:
    """Many turns under one strategy.

    Attributes:
        dialogue, turn: of each.
        answers: what the strategy made of it.
        requests, tokens: what it cost.
    """

    dialogue: list[str]
    turn: list[int]
    answers: list[Answer]
    requests: list[int]
    tokens: list[float]

    def right(self) -> list[float]:
        """1 where an answer is right."""
        return [float(answer.output == RIGHT) for answer in self.answers]

    @property
    def places(self) -> dict[str, Any]:
        return {"dialogue": self.dialogue, "turn": self.turn}


def simulate(strategy: Strategy, model: KnownRates, *, dialogues: int = 1000, turns: int = 2) -> Simulation:
    """Answer every turn of every dialogue; the turns are independent of each other."""
    found = Simulation([], [], [], [], [])

    async def one(dialogue: str, number: int) -> tuple[Answer, int, float]:
        asked = Asked(lambda history, want, step: model.reply(dialogue, number, history, step))
        tokens = 0.0

        async def ask(history: Sequence[Message], want: Want, step: tuple[Any, ...]) -> Reply:
            nonlocal tokens
            reply = await asked(history, want, step)
            tokens += reply.usage["tokens"]
            return reply

        answer = await strategy.answer(turn_of(ask, number=number, dialogue=dialogue))
        return answer, len(asked.requests), tokens

    async def all_turns() -> None:
        for row in range(dialogues):
            for number in range(1, turns + 1):
                answer, requests, tokens = await one(f"d{row}", number)
                found.dialogue.append(f"d{row}")
                found.turn.append(number)
                found.answers.append(answer)
                found.requests.append(requests)
                found.tokens.append(tokens)

    asyncio.run(all_turns())
    return found


def holds(found: dict[str, Any], key: str, truth: float) -> bool:
    """Whether the interval of a metric's detail holds a value."""
    return float(found[f"{key}_lower"]) <= truth <= float(found[f"{key}_upper"])
