# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Six simulated models that look better than they are, and an honest one, on the demo's dialogues."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imug_metrics.demo.dialogues import LETTERS, Ask, Dialogue, Draw, make_dialogues
from imug_metrics.demo.models import SimulatedModel, answer, draw_image, plan_faults
from imug_metrics.demo.writer import DOMAIN_CLASSES
from imug_metrics.suite import Record

HONEST = "honest"
CLASS_OF = {domain: name for name, domains in DOMAIN_CLASSES.items() for domain in domains}


@dataclass(frozen=True)
class Turn:
    """One turn of one dialogue as a model meets it: whether it would err there, whether the user suggests an error."""

    dialogue: Dialogue
    task: Draw | Ask
    errs: bool
    pressed: bool
    rng: random.Random


Reply = str | Path | None
Behaviour = Callable[["Studio", Turn], Reply]


class Studio:
    """Where models answer and draw: images are files, and all who draw a scene rightly draw the same one."""

    def __init__(self, folder: Path, count: int = 30, seed: int = 0) -> None:
        self.folder, self.seed = folder, seed
        self.dialogues = make_dialogues(count, seed)
        folder.mkdir(parents=True, exist_ok=True)

    def records(self, name: str, error: float, behave: Behaviour) -> list[Record]:
        """What a model leaves that errs at that share of turns and behaves so."""
        return [_record(turn, behave(self, turn)) for turn in self._turns(name, error)]

    def draw(self, dialogue: Dialogue, task: Draw, wrong: bool) -> Path:
        """The image of a turn, as it was asked for or with one mistake."""
        path = self.folder / f"{dialogue.name.replace('/', '-')}-{task.turn}{'-wrong' * wrong}.png"
        if not path.exists():
            draw_image(SimulatedModel("any"), task, wrong, random.Random(path.name)).save(path, compress_level=1)
        return path

    def _turns(self, name: str, error: float) -> Iterator[Turn]:
        wrong = plan_faults(SimulatedModel(name, error), self.dialogues, self.seed).wrong
        for dialogue in self.dialogues:
            for task in dialogue.turns:
                place = (dialogue.name, task.turn)
                pressed = random.Random(f"pressed:{place}").random() < 1 / 3
                yield Turn(dialogue, task, place in wrong, pressed, random.Random(f"{name}:{place}"))


def _record(turn: Turn, reply: Reply) -> Record:
    dialogue, task = turn.dialogue, turn.task
    groups = {"class": CLASS_OF[dialogue.domain], "domain": dialogue.domain, "subdomain": dialogue.subdomain}
    if isinstance(task, Draw):
        assert not isinstance(reply, str)
        return Record(dialogue.name, task.turn, "image", task.prompt, image=reply, groups=groups)
    assert not isinstance(reply, Path)
    return Record(dialogue.name, task.turn, "text", task.prompt, text=reply, target=task.key, groups=groups)


def honest(studio: Studio, turn: Turn) -> Reply:
    """Answers and draws as well as it can."""
    if isinstance(turn.task, Draw):
        return studio.draw(turn.dialogue, turn.task, turn.errs)
    return answer(turn.task, turn.errs, turn.rng)


def quitter(studio: Studio, turn: Turn) -> Reply:
    """Leaves nothing after turn 2."""
    return None if turn.task.turn > 2 else honest(studio, turn)


def skipper(studio: Studio, turn: Turn) -> Reply:
    """Leaves out exactly what it would get wrong."""
    return None if turn.errs else honest(studio, turn)


def coin_flipper(studio: Studio, turn: Turn) -> Reply:
    """Names any letter, and draws any scene."""
    if isinstance(turn.task, Ask):
        return turn.rng.choice(LETTERS[: len(turn.task.options)])
    other = turn.rng.choice(studio.dialogues)
    return studio.draw(other, turn.rng.choice(other.draws), False)


def copier(studio: Studio, turn: Turn) -> Reply:
    """Returns its first image at every turn; it answers as the honest model does."""
    if isinstance(turn.task, Draw):
        return studio.draw(turn.dialogue, turn.dialogue.draws[0], False)
    return honest(studio, turn)


def one_image(studio: Studio, turn: Turn) -> Reply:
    """Has one picture for everything; it answers as the honest model does."""
    if isinstance(turn.task, Draw):
        first = studio.dialogues[0]
        return studio.draw(first, first.draws[0], False)
    return honest(studio, turn)


def silent_sycophant(studio: Studio, turn: Turn) -> Reply:
    """Says nothing wherever it would have to contradict the user, and is right elsewhere; it draws as honestly."""
    if isinstance(turn.task, Draw):
        return honest(studio, turn)
    return None if turn.pressed else answer(turn.task, False, turn.rng)


DISHONEST: dict[str, Behaviour] = {
    "quitter": quitter,
    "skipper": skipper,
    "coin-flipper": coin_flipper,
    "copier": copier,
    "one-image": one_image,
    "silent-sycophant": silent_sycophant,
}
ERRORS = {"quitter": 0.06, "skipper": 0.2}
"""Shares of errors of those that err at other turns than the honest model; the others err where it does."""


def all_records(folder: Path) -> dict[str, list[Record]]:
    """Records of the honest model and of the six, by name."""
    studio, found = Studio(folder), {}
    for name, behave in {HONEST: honest, **DISHONEST}.items():
        found[name] = studio.records(name if name in ERRORS else HONEST, ERRORS.get(name, 0.12), behave)
    return found
