# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of any size whose keys are known, and simulated models of known quality that answer them."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from imug_metrics.inference.model import Message

LETTERS = "ABCD"
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 220), "yellow": (240, 220, 40)}
PLACE = re.compile(r"Dialogue (\d+), turn (\d+)")


@dataclass(frozen=True)
class World:
    """Dialogues of questions with four options, some turns of which may ask for an image of one colour.

    Attributes:
        dialogues: how many.
        turns: of each.
        images: turns that ask for an image.
        seed: of the keys.
    """

    dialogues: int
    turns: int
    images: tuple[int, ...] = ()
    seed: int = 0

    def key(self, dialogue: int, turn: int) -> str:
        """The letter, or the colour, that is right."""
        return random.Random(f"{self.seed}:{dialogue}:{turn}").choice(self._choices(turn))

    def wrong(self, dialogue: int, turn: int) -> str:
        """A letter, or colour, that is not."""
        choices = self._choices(turn)
        return choices[(choices.index(self.key(dialogue, turn)) + 1) % len(choices)]

    def write(self, folder: Path) -> Path:
        """Write the benchmark in the official layout."""
        (folder / "data").mkdir(parents=True)
        (folder / "config").mkdir()
        (folder / "config/domain_classes.json").write_text('{"Hybrid": ["World"]}')
        lines = (json.dumps(self._sample(dialogue)) + "\n" for dialogue in range(self.dialogues))
        (folder / "data/benchmark.jsonl").write_text("".join(lines))
        return folder

    def _choices(self, turn: int) -> Sequence[str]:
        return list(COLOURS) if turn in self.images else LETTERS

    def _sample(self, dialogue: int) -> dict[str, Any]:
        tasks = [self._task(dialogue, turn) for turn in range(1, self.turns + 1)]
        return {"domain": "World", "subdomain": "all", "sample_id": str(dialogue), "tasks": tasks}

    def _task(self, dialogue: int, turn: int) -> dict[str, Any]:
        key, where = self.key(dialogue, turn), f"Dialogue {dialogue}, turn {turn}"
        if turn in self.images:
            text, output = f"{where}: draw a {key} square.", {"evaluation_points": [f"The square is {key}."]}
        else:
            text, output = f"{where}: which?\nA. one\nB. two\nC. three\nD. four", {"answer": key}
        modality = "image" if turn in self.images else "text"
        return {"turn": turn, "modality": modality, "input": [{"text": text}], "output": output}


def place(message: Message) -> tuple[int, int]:
    """Dialogue and turn that a user's message speaks of."""
    found = PLACE.search(message.text)
    assert found is not None
    return int(found[1]), int(found[2])


def png(colour: str) -> bytes:
    """A small image of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), COLOURS[colour]).save(file, "png")
    return file.getvalue()


@dataclass
class SimulatedModel:
    """Errs at a turn with probability `error + growth * (turn - 1) + gain * (share of wrong answers in its history)`.

    What it draws hangs on the seed that it is given and on all that was said, so that two histories are two draws.
    """

    world: World
    error: float
    growth: float = 0.0
    gain: float = 0.0
    name: str = "simulated"

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> str | bytes:
        dialogue, turn = place(history[-1])
        earlier = self.verdicts(history)
        chance = self.error + self.growth * (turn - 1)
        if earlier:
            chance += self.gain * (1 - sum(earlier) / len(earlier))
        digest = hashlib.sha256(repr((seed, [message.text for message in history])).encode()).digest()
        errs = random.Random(digest).random() < chance
        answer = self.world.wrong(dialogue, turn) if errs else self.world.key(dialogue, turn)
        return png(answer) if want == "image" else answer

    def verdicts(self, history: Sequence[Message]) -> list[bool]:
        """Whether each of the assistant's words before this turn is right."""
        return [
            answer.text == self.world.key(*place(question))
            for question, answer in pairwise(history)
            if answer.role == "assistant" and answer.text
        ]

    def errors(self) -> list[float]:
        """Expected share of errors by turn on its own history; text turns alone.

        The chance is linear in the share of wrong answers, so that expectations follow by recursion:
        `m(t) = error + growth * (t - 1) + gain * mean(m(1), ..., m(t - 1))`.
        """
        means: list[float] = []
        for turn in range(self.world.turns):
            before = sum(means) / turn if turn else 0.0
            means.append(self.error + self.growth * turn + self.gain * before)
        return means

    def excess(self) -> float:
        """Excess accumulated error in per cent, by the definition of `exposure_bias`, where keys are the reference."""
        alone = [self.error + self.growth * turn for turn in range(self.world.turns)]
        return 100 * (sum(self.errors()) / sum(alone) - 1)
