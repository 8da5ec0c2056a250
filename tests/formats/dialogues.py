# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The dialogues that every format's file holds: what their reader gives must be these records."""

from __future__ import annotations

import io
import random
from functools import lru_cache

from PIL import Image

from imug_metrics import Record
from imug_metrics.encoders.scene.render import render
from imug_metrics.encoders.scene.scenes import Scene, Thing

MODEL = "mödel-4.1"
"""The model of the files that name one."""

_STAR = Thing("red", "star")
_RING = Thing("blue", "ring")


def source_records() -> list[Record]:
    """Three dialogues of 2 to 4 turns: images with scores, questions with options and keys, ids in three scripts."""
    return [
        _draw("Physics/küche/1", 1, Scene(_STAR, "white"), "a picture of a red star on a white background", 0.75),
        _ask("Physics/küche/1", 2, "What color is the star?", ("red", "blue", "green"), "A", "The answer is (A).", 1.0),
        _draw("Physics/küche/1", 3, Scene(_STAR, "black"), "a picture of a red star on a black background", 0.5),
        _ask("Physics/küche/1", 4, "Which shape is red?", ("ring", "star"), "B", "A", 0.0),
        _ask("Weather/красный/2", 1, "Как вы думаете, какого цвета кольцо?", ("синее", "красное"), "A", "**A**", 1.0),
        _draw("Weather/красный/2", 2, Scene(_RING, "gray"), "a picture of a blue ring on a gray background", 0.25),
        _ask("Weather/красный/2", 3, "How many rings are there?", ("one", "two", "three"), "A", "B\nand no more", 0.0),
        _draw("Color_Reasoning/猫/3", 1, Scene(_RING, "white", size="small"), "a picture of a small blue ring", 0.125),
        _draw("Color_Reasoning/猫/3", 2, Scene(_RING, "white", other=_STAR), "a blue ring and a red star", 1.0),
    ]


def _draw(dialogue: str, turn: int, scene: Scene, prompt: str, score: float) -> Record:
    scores, image = {"clip": score, "judge": 4.0 + turn}, png(scene, turn)
    return Record(dialogue, turn, "image", prompt, image=image, groups=_groups(dialogue), scores=scores)


def _ask(
    dialogue: str, turn: int, question: str, texts: tuple[str, ...], key: str, answer: str, score: float
) -> Record:
    options = dict(zip("ABC", texts))
    prompt = "\n".join((question, *(f"{letter}. {text}" for letter, text in options.items())))
    scores = {"clip": score, "judge": 5.0 - turn}
    return Record(
        *(dialogue, turn, "text", prompt, answer),
        target=key,
        groups=_groups(dialogue),
        options=options,
        scores=scores,
    )


def _groups(dialogue: str) -> dict[str, str]:
    domain, subdomain, _ = dialogue.split("/")
    return {"domain": domain, "subdomain": subdomain, "difficulty": f"{len(subdomain)}"}


@lru_cache
def png(scene: Scene, seed: int) -> bytes:
    """A scene as the content of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(render(scene, random.Random(seed), 64)).save(buffer, "PNG")
    return buffer.getvalue()
