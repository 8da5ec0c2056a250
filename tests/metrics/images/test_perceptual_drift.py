# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PerceptualDrift: distances to the first image, by turn distance, and what is undefined."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from imug_metrics import PerceptualDrift
from tests.metrics import cases

SIDE = 12


def near(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    """Embeddings with references, whose squared distances are about 1."""
    return {name: 0.2 * rows for name, rows in cases.images_and_references(dialogue, turn).items()}


def alone(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    return {"images": near(dialogue, turn)["images"]}


def pixels(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    """Small images that change from turn to turn, as rows of their pixels."""
    first = cases.noise(dialogue, turn * 0, 1, 3 * SIDE**2)
    return {"images": (first + 0.4 * cases.noise(dialogue, turn, 2, 3 * SIDE**2)).sigmoid()}


CASES = {
    "drift-squared": cases.Case(PerceptualDrift, alone, refuses=("missing",)),
    "drift-cosine": cases.Case(lambda **k: PerceptualDrift("cosine", **k), alone, refuses=("missing",)),
    "drift-references": cases.Case(PerceptualDrift, near, refuses=("missing",)),
    "drift-ssim": cases.Case(lambda **k: PerceptualDrift("ssim", **k), pixels, refuses=("missing",)),
}
