# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Made-up scores of many dialogues, whose estimates come from their rows, for tests and measurements of size."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageDraw

from imug_metrics.report.metric_specs import METRICS
from imug_metrics.suite import ModelScores
from imug_metrics.suite.named_scores import NamedScore
from imug_metrics.suite.scores import metric_scores

IMAGES = 32
"""Different images; each stands under many names."""

_CLASSES = ("Static Spatial", "Temporal Causal", "Rule Following")
_COLOURS = ("red", "green", "blue", "yellow", "purple", "black")
_SHAPES = ("star", "circle", "ring", "heart", "square")
_COLUMNS = {"answer_accuracy": "answer_strict", "turn_alignment": "alignment"}
_COLUMNS |= {"turn_retrieval": "retrieval", "turn_consistency": "consistency"}


def large_scores(models: int, dialogues: int, turns: int, seed: int = 0) -> list[ModelScores]:
    """Models that lose from turn to turn, the first the least; 1 in 50 outputs is absent, 1 in 50 answers unread."""
    images = [_image(place) for place in range(IMAGES)]
    return [_scores(place, dialogues, turns, seed, images) for place in range(models)]


def _scores(place: int, dialogues: int, turns: int, seed: int, images: list[bytes]) -> ModelScores:
    rng = random.Random(f"{place}:{seed}")
    rows = [row for dialogue in range(dialogues) for row in _dialogue(place, dialogue, turns, rng)]
    names = [row["image"] for row in rows if row["image"]]
    scores: dict[str, float] = {}
    for view in METRICS:
        if (column := _COLUMNS.get(view.key)) is None:
            continue
        asked = [row for row in rows if row["modality"] == view.modality]
        metric = NamedScore(view.key, max_turns=turns)
        metric.update(
            [math.nan if row[column] is None else row[column] for row in asked],
            dialogue=[row["dialogue"] for row in asked],
            turn=[row["turn"] for row in asked],
        )
        scores |= metric_scores(metric)
    embedded = {name: images[rng.randrange(IMAGES)] for name in names}
    return ModelScores(f"model {place}", scores, rows, embedded=embedded)


def _dialogue(place: int, dialogue: int, turns: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    colour, shape = _COLOURS[dialogue % len(_COLOURS)], _SHAPES[dialogue % len(_SHAPES)]
    skill = rng.gauss(0, 0.3)
    for turn in range(1, turns + 1):
        level = 1 / (1 + math.exp(-(2 - 0.3 * place - 0.25 * turn + skill)))
        there = rng.random() >= 0.02
        right = float(rng.random() < level)
        is_image = turn % 2 == 1
        unread = not is_image and there and rng.random() < 0.02
        reply = "That is hard to say." if unread else f"The answer is {'A' if right else 'B'}."
        yield {
            "dialogue": f"Rendered/{shape}/{dialogue}",
            "turn": turn,
            "modality": "image" if is_image else "text",
            "prompt": f"Draw a {colour} {shape}, now a little larger, in the upper left corner of a white room."
            if is_image
            else f"Which colour does the {shape} of turn {turn - 1} have?\nA. {colour}\nB. grey\nC. none of these",
            "target": None if is_image else "A",
            "text": None if is_image or not there else reply,
            "image": f"embedded:{place}/{dialogue}/{turn}" if is_image and there else None,
            "class": _CLASSES[dialogue % len(_CLASSES)],
            "domain": "Rendered",
            "subdomain": shape,
            "read": None if is_image or unread or not there else "A" if right else "B",
            "reading": None if is_image or not there else "unclear" if unread else "answer",
            "answer_strict": None if is_image or not there else 0.0 if unread else right,
            "alignment": level + rng.gauss(0, 0.1) if is_image and there else None,
            "retrieval": right if is_image and there else None,
            "consistency": min(1.0, level + 0.1 * rng.random()) if is_image and there else None,
            "copy": 0.0 if is_image and there and turn > 1 else None,
        }


def _image(place: int) -> bytes:
    image = Image.new("RGB", (256, 192), "white")
    draw = ImageDraw.Draw(image)
    rng = random.Random(place)
    for _ in range(12):
        left, top = rng.randrange(200), rng.randrange(150)
        draw.ellipse((left, top, left + 56, top + 42), fill=rng.choice(_COLOURS), outline="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
