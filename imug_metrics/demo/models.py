# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Three simulated models with known behaviour, so that a reader can see whether the metrics tell them apart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from imug_metrics.demo.dialogues import LETTERS, Ask, Dialogue, Draw
from imug_metrics.encoders.scene.render import render
from imug_metrics.encoders.scene.scenes import Scene, contradictions

SIDE = 128
_REPLIES = ("{0}", "{0}", "{0}", "{0}.", "**{0}**", "Answer: {0}", "The answer is {0}.", "({0})")
_MISSING_SHARE = 0.015
_BROKEN_BY = {
    "size": ("size", "colour", "shape"),
    "position": ("position", "colour", "shape"),
    "count": ("count", "colour", "shape"),
    "background": ("background", "colour", "shape"),
    "pair": ("binding", "colour", "shape"),
    "relation": ("relation", "colour", "shape"),
}


@dataclass(frozen=True)
class SimulatedModel:
    """A model that gets a share of ``error + growth * (turn - 1)`` of a turn's answers and of its images wrong.

    Args:
        name: name of its folder.
        error: share of errors at turn 1.
        growth: what each further turn adds to it.
        blur: what each further turn adds to the blur's radius, in pixels.
        noise: what each further turn adds to the noise, in grey levels.
        copies: whether it returns its first image at every turn.
    """

    name: str
    error: float = 0.06
    growth: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    copies: bool = False

    def error_at(self, turn: int) -> float:
        """The share of errors at a turn, at most 0.95."""
        return min(0.95, self.error + self.growth * (turn - 1))


MODELS = (
    SimulatedModel("steady"),
    SimulatedModel("fading", growth=0.16, blur=0.8, noise=6.0),
    SimulatedModel("copying", copies=True),
)


Slot = tuple[str, int]
"""A dialogue's name and a turn of it."""


@dataclass(frozen=True)
class Faults:
    """Where a model fails: the slots it gets wrong, and those it leaves empty."""

    wrong: frozenset[Slot]
    missing: frozenset[Slot]


def plan_faults(model: SimulatedModel, dialogues: Sequence[Dialogue], seed: int) -> Faults:
    """Choose a model's faults: at each turn exactly its share of errors, and a few empty slots at any turn.

    The share is met exactly and only the dialogues are drawn, so that no unlucky draw lets a steady model look as if
    it faded.
    """
    rng = random.Random(f"faults:{seed}:{model.name}")
    slots: dict[tuple[type, int], list[Slot]] = {}
    for dialogue in dialogues:
        for turn in dialogue.turns:
            slots.setdefault((type(turn), turn.turn), []).append((dialogue.name, turn.turn))
    wrong: set[Slot] = set()
    for (_, position), places in sorted(slots.items(), key=lambda entry: (entry[0][1], entry[0][0].__name__)):
        wrong.update(rng.sample(places, round(model.error_at(position) * len(places))))
    missing: set[Slot] = set()
    for kind in (Draw, Ask):
        places = [place for (of, _), found in slots.items() if of is kind for place in found]
        missing.update(rng.sample(places, min(len(places), max(1, round(_MISSING_SHARE * len(places))))))
    return Faults(frozenset(wrong), frozenset(missing))


def answer(question: Ask, wrong: bool, rng: random.Random) -> str:
    """A reply worded as models do, with the right letter or another one."""
    letter = question.key
    if wrong:
        letter = rng.choice([other for other in LETTERS[: len(question.options)] if other != letter])
    return rng.choice(_REPLIES).format(letter)


def draw_image(model: SimulatedModel, draw: Draw, wrong: bool, rng: random.Random) -> Image.Image:
    """An image of the scene that was asked for or of a mistaken one, blurred and noisy where the model fades."""
    scene = _mistaken(draw, rng) if wrong else draw.scene
    image = Image.fromarray(render(scene, rng, size=SIDE))
    if model.blur:
        image = image.filter(ImageFilter.GaussianBlur(model.blur * (draw.turn - 1)))
    return _grainy(image, model.noise * (draw.turn - 1), rng) if model.noise else image


def _mistaken(draw: Draw, rng: random.Random) -> Scene:
    """The scene with one property wrong: what this turn asked for, or the subject's colour or shape."""
    candidates = (contradictions(draw.scene, changed) for changed in _BROKEN_BY[draw.change])
    return rng.choice(rng.choice([scenes for scenes in candidates if scenes]))


def _grainy(image: Image.Image, deviation: float, rng: random.Random) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float64)
    grain = np.random.default_rng(rng.getrandbits(64)).normal(0.0, deviation, pixels.shape)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))
