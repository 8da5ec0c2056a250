# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Slopes and differences on simulated dialogues whose truth is known: bias, coverage, the composition trap.

Every simulation has dialogues of 1 to 6 turns, long ones harder, a trend of its own in each dialogue, and noise that
grows with the turns: all that ordinary least squares assumes away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from imug_metrics import ContextDecay, DialogueMetric, TurnDecay, UnderstandingGenerationGap
from imug_metrics.stats import Interval
from tests.coverage.data import Records
from tests.coverage.estimates import by_run

DATA_SETS = 2000
DIALOGUES, LONGEST = 120, 6
SLOPE, DOUBLING, GAP, IMAGE_SLOPE = -0.03, -0.05, 0.15, -0.06

Data = dict[str, Tensor]


def simulate(generator: np.random.Generator) -> Data:
    """One data set; `scores` fall by SLOPE a turn, the other truths are added by the tests."""
    lengths = np.minimum(generator.geometric(0.3, DIALOGUES) + generator.integers(0, 2, DIALOGUES), LONGEST)
    dialogue = np.repeat(np.arange(DIALOGUES), lengths)
    begin = np.cumsum(lengths) - lengths
    turn = np.arange(len(dialogue)) - begin[dialogue] + 1
    level = 0.9 - 0.04 * lengths + 0.1 * generator.normal(size=DIALOGUES)
    trend = 0.02 * generator.normal(size=DIALOGUES)
    noise = (0.03 + 0.03 * turn) * generator.normal(size=len(turn))
    tokens = np.exp(7.5 + 0.5 * generator.normal(size=len(turn)))
    grown = np.cumsum(tokens)
    grown = grown - (grown - tokens)[begin][dialogue]
    image = generator.random(len(turn)) < 0.5
    scores = level[dialogue] + (SLOPE + trend[dialogue]) * turn + noise
    found = {"scores": scores, "dialogue": dialogue, "turn": turn, "image": image, "lengths": grown}
    return {name: torch.tensor(values) for name, values in found.items()} | {"level": torch.tensor(level)[dialogue]}


def by_turn(data: Data) -> Data:
    return {"scores": data["scores"]}


def by_length(data: Data) -> Data:
    """Scores that fall with the doublings of the context and not with the turns."""
    scores = data["scores"] - SLOPE * data["turn"] + DOUBLING * data["lengths"].log2()
    return {"scores": scores, "context_lengths": data["lengths"]}


def by_modality(data: Data) -> Data:
    """Image turns score GAP less than text turns and fall alike."""
    return {"scores": data["scores"] - GAP * data["image"], "modality": data["image"]}


def images_fall_faster(data: Data) -> Data:
    """Image turns fall by IMAGE_SLOPE a turn, text turns by SLOPE."""
    lost = (IMAGE_SLOPE - SLOPE) * data["turn"] * data["image"]
    return {"scores": data["scores"] + lost, "modality": data["image"]}


@pytest.fixture(scope="module")
def data_sets() -> list[Data]:
    generator = np.random.default_rng(20)
    return [simulate(generator) for _ in range(DATA_SETS)]


def joined(data_sets: list[Data]) -> tuple[Data, Records]:
    """All data sets in one, their dialogues numbered through."""
    data = {name: torch.cat([one[name] for one in data_sets]) for name in data_sets[0]}
    first = torch.arange(len(data_sets)) * DIALOGUES
    first = first.repeat_interleave(torch.tensor([len(one["turn"]) for one in data_sets]))
    return data, Records(first + data["dialogue"], data["turn"], len(data_sets), DIALOGUES)


def coverage(found: Interval, truth: float) -> float:
    return float(((found.lower <= truth) & (truth <= found.upper)).double().mean())


@dataclass(frozen=True)
class Simulation:
    """A metric, what it is fed, and the truth of its estimates."""

    make: Callable[..., DialogueMetric]
    view: Callable[[Data], Data]
    truth: dict[str, float]

    def intervals(self, data_sets: list[Data]) -> dict[str, Interval]:
        """Each estimate in every data set."""
        data, rows = joined(data_sets)
        found = by_run(self.make(max_turns=1, detail=True), rows, **self.view(data))
        return {name: found[name][0] for name in self.truth}


SIMULATIONS = {
    "turns": Simulation(TurnDecay, by_turn, {"slope": SLOPE}),
    "context": Simulation(lambda **k: ContextDecay(edges=(8192,), **k), by_length, {"within": DOUBLING}),
    "gap": Simulation(UnderstandingGenerationGap, by_modality, {"gap": GAP, "within": GAP}),
    "slopes": Simulation(
        UnderstandingGenerationGap,
        images_fall_faster,
        {"text_slope": SLOPE, "image_slope": IMAGE_SLOPE, "slope_difference": SLOPE - IMAGE_SLOPE},
    ),
}


@pytest.mark.parametrize("case", SIMULATIONS)
def test_estimates_are_unbiased_and_their_intervals_cover_the_truth_as_often_as_they_say(
    data_sets: list[Data], case: str
) -> None:
    simulation = SIMULATIONS[case]
    for name, found in simulation.intervals(data_sets).items():
        truth = simulation.truth[name]
        error = float(found.value.std()) / math.sqrt(DATA_SETS)
        assert abs(float(found.value.mean()) - truth) < 2 * error, f"bias of {name}"
        covered = coverage(found, truth)
        print(f"{case} {name}: coverage {covered:.4f}")
        assert 0.93 <= covered <= 0.97, f"coverage of {name}"


@pytest.mark.parametrize("case", SIMULATIONS)
def test_simulated_estimates_are_what_compute_gives(data_sets: list[Data], case: str) -> None:
    simulation = SIMULATIONS[case]
    together = simulation.intervals(data_sets[:3])
    for row, data in enumerate(data_sets[:3]):
        metric = simulation.make(detail=True)
        metric.update(**simulation.view(data), dialogue=data["dialogue"], turn=data["turn"])
        found = metric.compute()
        for name, interval in together.items():
            key = metric.name if name == metric.primary else f"{metric.name}_{name}"
            for part, bound in zip((interval.value, interval.lower, interval.upper), ("", "_lower", "_upper")):
                assert part[row].item() == pytest.approx(found[f"{key}{bound}"].item(), rel=1e-12)


def test_textbook_intervals_cover_far_less_often_than_they_say(data_sets: list[Data]) -> None:
    """The same data, to show that the simulation is no easy one."""
    pooled, within = [], []
    for data in data_sets[:200]:
        scores, dialogue, turn = (data[name].numpy() for name in ("scores", "dialogue", "turn"))
        lines = [(turn, scores), (centred(turn, dialogue), centred(scores, dialogue))]
        for (x, y), covered in zip(lines, (pooled, within)):
            fit = stats.linregress(x, y)
            covered.append(abs(fit.slope - SLOPE) <= stats.t.ppf(0.975, len(x) - 2) * fit.stderr)
    assert np.mean(pooled) < 0.6
    assert np.mean(within) < 0.9


def centred(values: np.ndarray, dialogue: np.ndarray) -> np.ndarray:
    return values - (np.bincount(dialogue, values) / np.bincount(dialogue))[dialogue]


def test_composition_trap_long_dialogues_that_are_merely_harder_are_no_decay(data_sets: list[Data]) -> None:
    data, rows = joined(data_sets[:200])
    level = data["scores"] - SLOPE * data["turn"]  # nothing falls
    found = by_run(TurnDecay(max_turns=1, detail=True), rows, level)
    assert (found["pooled"][0].upper < 0).double().mean() > 0.8
    assert coverage(found["slope"][0], 0) > 0.9
