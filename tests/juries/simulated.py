# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judges with planted biases, who answer checklists of outputs of known quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imug_metrics.juries import Judgement

MODELS = ("alpha-1", "beta-1", "gamma-1", "delta-1")
QUALITY = (0.6, 0.65, 0.7, 0.75)


@dataclass(frozen=True)
class Planted:
    """What is wrong with a judge, as differences of the probability of saying yes (or of finding an item met).

    Attributes:
        noise: how often it answers the opposite of what is true.
        leniency: added to the probability that an item is found met.
        drift: added for each turn after the middle one.
        family: added where the output is of its own family.
        length: added for each doubling of the output's text over the usual one.
        order: added where the output's images stand first, and taken off where they stand last.
        yes: added to the probability of yes, whatever is expected.
        first: added to the probability of yes to the item that is read first.
    """

    noise: float = 0.1
    leniency: float = 0.0
    drift: float = 0.0
    family: float = 0.0
    length: float = 0.0
    order: float = 0.0
    yes: float = 0.0
    first: float = 0.0


def simulated_jury(
    judges: dict[str, Planted],
    *,
    dialogues: int = 60,
    turns: int = 3,
    items: int = 6,
    expected_no: float = 0.3,
    seed: int = 0,
) -> tuple[list[Judgement], dict[tuple[str, str, int, str], float]]:
    """Judgements, and the truth: 1 or 0 by (model, dialogue, turn, item).

    Half of the outputs are shown with their images first. Texts have 100 to 1,600 characters, whatever their quality.
    """
    random = np.random.default_rng(seed)
    found: list[Judgement] = []
    truth: dict[tuple[str, str, int, str], float] = {}
    for dialogue in range(dialogues):
        ease = random.normal(0, 0.1)
        for model, quality in zip(MODELS, QUALITY, strict=True):
            for turn in range(1, turns + 1):
                share = np.clip(quality + ease + random.normal(0, 0.1), 0.05, 0.95)
                doublings = random.uniform(-2, 2)
                order = "first" if random.random() < 0.5 else "last"
                for item in range(items):
                    expected = float(random.random() >= expected_no)
                    met = float(random.random() < share)
                    answer = expected if met else 1 - expected
                    truth[model, str(dialogue), turn, str(item)] = answer
                    for judge, bias in judges.items():
                        chance = np.where(met, 1 - bias.noise, bias.noise) + bias.leniency
                        chance += bias.drift * (turn - (turns + 1) / 2)
                        chance += bias.family * (model.split("-")[0] == judge.split("-")[0])
                        chance += bias.length * doublings + bias.order * (0.5 if order == "first" else -0.5)
                        yes = chance if expected else 1 - chance
                        yes += bias.yes + bias.first * (item == 0)
                        said = float(random.random() < np.clip(yes, 0, 1))
                        found.append(
                            Judgement(
                                judge, model, str(dialogue), turn, str(item), value=said, expected=expected, place=item,
                                order=order, length=round(400 * 2**doublings),
                            )
                        )  # fmt: skip
    return found, truth
