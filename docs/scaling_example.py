# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Best-of-n on rendered scenes, end to end: the numbers and the image of the guide to test-time scaling.

`python docs/scaling_example.py` prints the numbers and draws guides/best-of-n.svg anew.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics import BestOfN, Selection, TurnAlignment, VerifierCurve
from imug_metrics.demo.dialogues import make_dialogues
from imug_metrics.demo.models import SimulatedModel, draw_image
from imug_metrics.functional import best_of_n
from imug_metrics.report.estimates import curve, estimate
from imug_metrics.report.svg import Line, curves

FIGURE = Path(__file__).parent / "guides" / "best-of-n.svg"
CANDIDATES = 8
NOISY = SimulatedModel("noisy", error=0.5, growth=0.05, blur=2.0, noise=30.0)
"""Half of its first images show a scene that was not asked for, and more of the later ones, which also blur."""

STYLE = """
text{font:12px sans-serif;fill:#555}.grid{stroke:#ddd}.chance{stroke:#888;stroke-dasharray:4 4}
.line{fill:none;stroke-width:2}.band{opacity:.15}.dot{stroke:none}
.c0.line{stroke:#2563eb}.c0.band,.c0.dot,.c0.name{fill:#2563eb}
.c1.line{stroke:#d97706}.c1.band,.c1.dot,.c1.name{fill:#d97706}
"""


class Drawn(NamedTuple):
    """Candidates of every image turn: whether each is right, its alignment, and the turn's dialogue and number."""

    right: Tensor
    alignment: Tensor
    dialogue: list[str]
    turn: list[int]


def draw(dialogues: int = 40, seed: int = 0) -> Drawn:
    """Draw candidates of the demo's image turns with a noisy model, and let alignment score them."""
    scorer = TurnAlignment(encoder="scene")
    right, alignment, names, turns = [], [], [], []
    for dialogue in make_dialogues(dialogues, seed):
        wrong, images, prompts = [], [], []
        for turn in dialogue.draws:
            rng = random.Random(f"candidates:{seed}:{dialogue.name}:{turn.turn}")
            wrong.append([rng.random() < NOISY.error_at(turn.turn) for _ in range(CANDIDATES)])
            images.append([draw_image(NOISY, turn, bad, rng) for bad in wrong[-1]])
            prompts.append(turn.prompt)
            names.append(dialogue.name)
            turns.append(turn.turn)
        alignment.append(best_of_n(images, prompts, scorer).scores)
        right.append(1 - torch.tensor(wrong).double())
    return Drawn(torch.cat(right), torch.cat(alignment), names, turns)


def scores(drawn: Drawn) -> dict[str, float]:
    """What best-of-n, the quality of the selector and the verifier's prediction come to."""
    place = {"dialogue": drawn.dialogue, "turn": drawn.turn}
    found: dict[str, float] = {}
    low, high = 0.0, 2.5  # the range of alignment
    for metric, columns in (
        (BestOfN(CANDIDATES, score_range=(0.0, 1.0), detail=True), (drawn.right, drawn.alignment)),
        (Selection(low=low, high=high, bins=64, detail=True), (drawn.right, drawn.alignment)),
        (
            VerifierCurve(ns=(2, 4, 8), thresholds=(), low=low, high=high, bins=64, detail=True),
            (drawn.alignment, drawn.right),
        ),
    ):
        metric.update(*columns, **place)
        found |= {key: float(value) for key, value in metric.compute().items()}
    return found


def figure(found: dict[str, float]) -> str:
    """The two curves over k as an image that stands alone."""
    single = estimate(found, "best_of_n_single")
    lines = [
        Line(name, colour, {1: single, **curve(found, "best_of_n", name)}, {})
        for colour, name in enumerate(("oracle", "selected"))
    ]
    svg = curves(lines, "Right images among the best of k", is_share=True, reference=single.value,
                 axis="k")  # fmt: skip
    opening = re.match(r"<svg [^>]*>", svg)
    assert opening
    head = opening[0].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    return f"{head}<style>{STYLE}</style>{svg[opening.end() :]}\n"


if __name__ == "__main__":
    result = scores(draw())
    for key, value in result.items():
        print(f"{key:32} {value:.3f}")
    FIGURE.write_text(figure(result), encoding="utf-8")
