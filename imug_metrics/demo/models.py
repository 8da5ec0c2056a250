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
    """A model that errs with a chance of ``error + growth * (turn - 1)`` in answers and pictures alike.

    Args:
        name: name of its folder.
        error: chance of an error at turn 1.
        growth: what each further turn adds to it.
        blur: what each further turn adds to the blur's radius, in pixels.
        noise: what each further turn adds to the noise, in grey levels.
        copies: whether it returns its first picture at every turn.
    """

    name: str
    error: float = 0.06
    growth: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    copies: bool = False

    def errs(self, turn: int, rng: random.Random) -> bool:
        """Whether it errs at this turn."""
        return rng.random() < min(0.95, self.error + self.growth * (turn - 1))


MODELS = (
    SimulatedModel("steady"),
    SimulatedModel("fading", growth=0.11, blur=0.35, noise=4.0),
    SimulatedModel("copying", copies=True),
)


def missing_turns(model: SimulatedModel, dialogues: Sequence[Dialogue], seed: int) -> set[tuple[str, int]]:
    """The turns at which a model fails outright: a few pictures and a few answers, any turn alike.

    Returns:
        Pairs of the dialogue's name and the turn.
    """
    rng = random.Random(f"missing:{seed}:{model.name}")
    slots: dict[type, list[tuple[str, int]]] = {Draw: [], Ask: []}
    for dialogue in dialogues:
        for turn in dialogue.turns:
            slots[type(turn)].append((dialogue.name, turn.turn))
    return {slot for kind in slots.values() for slot in rng.sample(kind, max(1, round(_MISSING_SHARE * len(kind))))}


def answer(model: SimulatedModel, question: Ask, rng: random.Random) -> str:
    """A model's reply: mostly the right letter, worded as models do."""
    letter = question.key
    if model.errs(question.turn, rng):
        letter = rng.choice([other for other in LETTERS[: len(question.options)] if other != letter])
    return rng.choice(_REPLIES).format(letter)


def picture(model: SimulatedModel, draw: Draw, rng: random.Random) -> Image.Image:
    """A model's picture: mostly the scene that was asked for, blurred and noisy where the model fades."""
    scene = _mistaken(draw, rng) if model.errs(draw.turn, rng) else draw.scene
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
