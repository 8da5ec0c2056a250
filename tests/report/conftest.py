# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Made-up scores with a known course, so that the report is tested without any metric or encoder."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imug_metrics.report.metric_specs import COPY_RATE, METRICS
from imug_metrics.suite import ModelScores

MakeScores = Callable[..., ModelScores]


@pytest.fixture
def make_scores(tmp_path: Path) -> MakeScores:
    """Builds ``ModelScores`` of ``dialogues`` dialogues whose scores change by ``slope`` a turn from ``start``."""
    image = tmp_path / "image.png"
    Image.new("RGB", (300, 200), (200, 40, 40)).save(image)

    def make(model: str = "steady", **options: Any) -> ModelScores:
        return synthetic_scores(model, image, **options)

    return make


def synthetic_scores(
    model: str,
    image: Path | None,
    *,
    dialogues: int = 30,
    turns: int = 5,
    start: float = 0.8,
    slope: float = 0.0,
    slope_error: float = 0.01,
    copy_rate: float = 0.0,
    consistency: float = 0.8,
    seed: int = 0,
    judged: bool = False,
) -> ModelScores:
    rng = random.Random(f"{model}:{seed}")
    scores: dict[str, float] = {}
    for view in METRICS:
        if view.key.startswith("point_score") and not judged:
            continue
        level = {"turn_consistency": consistency, COPY_RATE: copy_rate}.get(view.key)
        first = start * (0.6 if view.key.endswith("imug") else 1.0) if level is None else level
        begins = 2 if view.key == COPY_RATE else 1  # the first image has nothing to be a copy of
        course = {turn: first + slope * (turn - 1) if level is None else level for turn in range(begins, turns + 1)}
        _put(scores, view.key, math.fsum(course.values()) / len(course) if course else math.nan, 0.03)
        known = math.nan if turns == 1 else slope if level is None else 0.0
        _put(scores, f"{view.key}_slope", known, math.nan if view.key == COPY_RATE else slope_error)
        for turn, value in course.items():
            _put(scores, f"{view.key}_turn_{turn}", value, 0.05)
        scores |= {f"{view.key}_coverage": 0.98, f"{view.key}_n": dialogues * turns / 2}
        scores[f"{view.key}_dialogues"] = dialogues
    scores["turn_retrieval_chance"] = 0.4
    rows = [
        _row(i, turn, rng, image, start + slope * (turn - 1), copy_rate, consistency)
        for i in range(dialogues)
        for turn in range(1, turns + 1)
    ]
    return ModelScores(model, scores, rows)


def _put(scores: dict[str, float], key: str, value: float, error: float) -> None:
    scores |= {key: value, f"{key}_lower": value - 2 * error, f"{key}_upper": value + 2 * error}


def _row(
    index: int, turn: int, rng: random.Random, image: Path | None, level: float, copy_rate: float, consistency: float
) -> dict[str, Any]:
    is_image = turn % 2 == 1
    right = float(rng.random() < level)
    return {
        "dialogue": f"Physics/rendered_positions/{index}",
        "turn": turn,
        "modality": "image" if is_image else "text",
        "prompt": "an image of a red star" if is_image else "What color is the star?\nA. red\nB. blue",
        "text": None if is_image else rng.choice(["A", "The answer is B."]),
        "image": str(image) if is_image and image else None,
        "class": "Temporal Causal",
        "domain": "Physics",
        "subdomain": "rendered_positions",
        "answer_strict": None if is_image else right,
        "answer_imug": None if is_image else right / 2,
        "alignment": level + rng.gauss(0, 0.05) if is_image else None,
        "retrieval": right if is_image else None,
        "consistency": consistency if is_image else None,
        "copy": float(rng.random() < copy_rate) if is_image and turn > 1 else None,
    }
