# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Contexts of a chosen length: a history filled up with whole turns of other dialogues."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.fillers import FillerTurn
from imug_metrics.inference.model import History, Message
from imug_metrics.inference.tokens import TokenCounter

DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where a dialogue's own turns stand among the fillers: 0 before all of them, 1 behind."""


@dataclass(frozen=True)
class Padded:
    """A history that was filled up.

    Attributes:
        history: what is sent.
        tokens: of all of it.
        fillers: how many turns were put in.
        depth: where the dialogue's own earlier turns stand, one of `DEPTHS`; None without such turns or without
            fillers.
        budget: tokens that it was filled up to.
        counter: that counted them.
    """

    history: tuple[Message, ...]
    tokens: int
    fillers: int
    depth: float | None
    budget: int
    counter: TokenCounter

    def describe(self) -> dict[str, Any]:
        """What is recorded of it, by name."""
        return {
            "budget": self.budget,
            "tokens": self.tokens,
            "images": sum(not isinstance(part, str) for message in self.history for part in message.parts),
            "fillers": self.fillers,
            "depth": self.depth,
            "tokenizer": self.counter.name,
            "image_tokens": self.counter.image_tokens,
        }


class ContextPadding:
    """Fills histories up to a number of tokens.

    Fillers are drawn without repetition from the other dialogues, in an order that hangs on the seed, the dialogue and
    the turn, but not on the budget: a longer context begins its draw with what a shorter one was filled with. Each that
    still fits is taken, so that the budget is never exceeded, and missed by less than the smallest filler left. The
    dialogue's own earlier turns stay together; their depth goes through `DEPTHS` from turn to turn, from one that hangs
    on the seed and the dialogue.

    Args:
        budget: tokens of the whole history.
        counter: counts them.
        pool: the fillers, of the whole benchmark.
        seed: of the draws.

    Raises:
        ArgumentError: if the pool cannot fill the context of every dialogue.

    Example:
        >>> from pathlib import Path
        >>> from imug_metrics.inference import fillers, questions, tokens
        >>> task = {"turn": 1, "modality": "text", "input": [{"text": "Is 7 odd? A. yes B. no"}]}
        >>> task["output"] = {"answer": "A"}
        >>> asked = [questions.Question(("a", "b", name), {"tasks": [task]}, 1, Path()) for name in "123456"]
        >>> padding = ContextPadding(32, tokens.token_counter(), fillers.filler_pool(asked))
        >>> padded = padding.pad("a/b/1", 1, [Message("user", ("Is 8 odd? A. yes B. no",))])
        >>> padded.tokens, padded.fillers, [message.role for message in padded.history]
        (27, 3, ['user', 'assistant', 'user', 'assistant', 'user', 'assistant', 'user'])
    """

    def __init__(self, budget: int, counter: TokenCounter, pool: Sequence[FillerTurn], seed: int = 0) -> None:
        self.budget, self.counter, self.seed = budget, counter, seed
        self._pool = [_Sized.of(filler, counter) for filler in pool]
        self._smallest = min((sized.tokens for sized in self._pool), default=0)
        by_dialogue = Counter[str]()
        for sized in self._pool:
            by_dialogue[sized.dialogue] += sized.tokens
        most = by_dialogue.total() - max(by_dialogue.values(), default=0)
        if most < budget:
            given = "which is what the turns of other dialogues with a reference output give"
            raise ArgumentError("contexts", f"expected at most {most} tokens, {given}, got {budget}")

    def pad(self, dialogue: str, turn: int, history: History) -> Padded:
        """Put fillers before and behind the dialogue's own earlier turns.

        The system's message stays first and the user's last. A history that is longer than the budget stays as it is.

        Args:
            dialogue: its id.
            turn: its number, from 1.
            history: all that was said before, ending with the user's message of this turn.
        """
        history = tuple(history)
        first = int(history[0].role == "system")
        fillers, tokens = self._chosen(dialogue, turn, self.counter(history))
        depth = self._depth(dialogue, turn) if fillers and len(history) > first + 1 else None
        said = [message for filler in fillers for message in filler.messages()]
        cut = 2 * round((depth or 0.0) * len(fillers))
        history = (*history[:first], *said[:cut], *history[first:-1], *said[cut:], history[-1])
        return Padded(history, tokens, len(fillers), depth, self.budget, self.counter)

    def _chosen(self, dialogue: str, turn: int, tokens: int) -> tuple[list[FillerTurn], int]:
        """The fillers of a turn, and the tokens of its context with them."""
        key = _hash(self.seed, dialogue, turn)
        others = [sized for sized in self._pool if sized.dialogue != dialogue]
        others.sort(key=lambda sized: hashlib.blake2b(sized.name, key=key, digest_size=8).digest())
        chosen = []
        for sized in others:
            if tokens + self._smallest > self.budget:
                break
            if tokens + sized.tokens <= self.budget:
                chosen.append(sized.filler)
                tokens += sized.tokens
        return chosen, tokens

    def _depth(self, dialogue: str, turn: int) -> float:
        start = int.from_bytes(_hash(self.seed, dialogue), "big")
        return DEPTHS[(start + turn) % len(DEPTHS)]


def parse_contexts(text: str) -> tuple[int, ...]:
    """Numbers of tokens from a list such as `4k,16k`, rising, each once; k is 1024.

    Raises:
        ArgumentError: if an entry is no whole number from 1, with or without a k.

    Example:
        >>> parse_contexts("16k,4k,500")
        (500, 4096, 16384)
    """
    found = set()
    for entry in text.split(","):
        match = re.fullmatch(r"([1-9][0-9]{0,8})(k?)", entry.strip().lower())
        if match is None:
            raise ArgumentError("contexts", f"expected numbers of tokens such as 4k,16k, got {entry.strip()!r}")
        found.add(int(match[1]) * (1024 if match[2] else 1))
    return tuple(sorted(found))


class _Sized(NamedTuple):
    """A filler with what is looked at in every draw: whose it is, its tokens, and a name that no other filler has."""

    filler: FillerTurn
    dialogue: str
    tokens: int
    name: bytes

    @classmethod
    def of(cls, filler: FillerTurn, counter: TokenCounter) -> _Sized:
        """The filler with its tokens."""
        tokens = sum(map(counter.of_text, filler.texts)) + filler.images * counter.image_tokens
        dialogue = filler.question.dialogue
        return cls(filler, dialogue, tokens, _hash(dialogue, filler.task.turn))


def _hash(*names: str | int) -> bytes:
    return hashlib.blake2b(json.dumps(names).encode(), digest_size=8).digest()
