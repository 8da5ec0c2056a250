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
from imug_metrics.stats import unpack_moments

DATA_SETS = 2000
DIALOGUES, LONGEST = 120, 6
SLOPE, DOUBLING, GAP, IMAGE_SLOPE = -0.03, -0.05, 0.15, -0.06

Data = dict[str, Tensor]


def simulate(generator: np.random.Generator) -> Data:
    """One data set; `scores` fall by SLOPE a turn, the other truths are added by the tests."""
    lengths = np.minimum(generator.geometric(0.3, DIALOGUES) + generator.integers(0, 2, DIALOGUES), LONGEST)
    dialogue = np.repeat(np.arange(DIALOGUES), lengths)
    turn = np.concatenate([np.arange(1, n + 1) for n in lengths])
    level = 0.9 - 0.04 * lengths + 0.1 * generator.normal(size=DIALOGUES)
    trend = 0.02 * generator.normal(size=DIALOGUES)
    noise = (0.03 + 0.03 * turn) * generator.normal(size=len(turn))
    tokens = np.exp(7.5 + 0.5 * generator.normal(size=len(turn)))
    begin = np.cumsum(lengths) - lengths
    grown = np.cumsum(tokens)
    grown = grown - (grown - tokens)[begin][dialogue]
    image = generator.random(len(turn)) < 0.5
    scores = level[dialogue] + (SLOPE + trend[dialogue]) * turn + noise
    found = {"scores": scores, "dialogue": dialogue, "turn": turn, "image": image, "lengths": grown}
    return {name: torch.tensor(values) for name, values in found.items()} | {"level": torch.tensor(level)[dialogue]}


def by_turn(data: Data) -> Data:
    return {name: data[name] for name in ("scores", "dialogue", "turn")}


def by_length(data: Data) -> Data:
    """Scores that fall with the doublings of the context and not with the turns."""
    scores = data["scores"] - SLOPE * data["turn"] + DOUBLING * data["lengths"].log2()
    return {**by_turn(data), "scores": scores, "context_lengths": data["lengths"]}


def by_modality(data: Data) -> Data:
    """Image turns score GAP less than text turns and fall alike."""
    return {**by_turn(data), "scores": data["scores"] - GAP * data["image"], "modality": data["image"]}


def images_fall_faster(data: Data) -> Data:
    """Image turns fall by IMAGE_SLOPE a turn, text turns by SLOPE."""
    lost = (IMAGE_SLOPE - SLOPE) * data["turn"] * data["image"]
    return {**by_turn(data), "scores": data["scores"] + lost, "modality": data["image"]}


@pytest.fixture(scope="module")
def data_sets() -> list[Data]:
    generator = np.random.default_rng(20)
    return [simulate(generator) for _ in range(DATA_SETS)]


def estimates(metric: DialogueMetric, *names: str) -> list[list[float]]:
    """Value and bounds of some estimates, without the cost of a result's dict."""
    every, found = metric._intervals(unpack_moments(metric.moments))
    rows = [every.index(name) for name in names]
    return torch.stack([found.value[rows], found.lower[rows], found.upper[rows]], 1).tolist()


def coverage(found: Tensor, truth: float) -> float:
    return float(((found[:, 1] <= truth) & (truth <= found[:, 2])).double().mean())


@dataclass(frozen=True)
class Simulation:
    """A metric, what it is fed, and the truth of its estimates."""

    make: Callable[..., DialogueMetric]
    view: Callable[[Data], Data]
    truth: dict[str, float]

    def segment(self, data: Data) -> list[list[float]]:
        metric = self.make(max_turns=1, detail=True)
        metric.update(**self.view(data))
        return estimates(metric, *self.truth)


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
    found = torch.tensor([simulation.segment(data) for data in data_sets], dtype=torch.float64)
    for column, (name, truth) in enumerate(simulation.truth.items()):
        value = found[:, column, 0]
        error = float(value.std()) / math.sqrt(len(value))
        assert abs(float(value.mean()) - truth) < 2 * error, f"bias of {name}"
        covered = coverage(found[:, column], truth)
        print(f"{case} {name}: coverage {covered:.4f}")
        assert 0.93 <= covered <= 0.97, f"coverage of {name}"


@pytest.mark.parametrize("case", SIMULATIONS)
def test_simulated_estimates_are_what_compute_gives(data_sets: list[Data], case: str) -> None:
    simulation = SIMULATIONS[case]
    metric = simulation.make(detail=True)
    metric.update(**simulation.view(data_sets[0]))
    found = metric.compute()
    for name, bounds in zip(simulation.truth, simulation.segment(data_sets[0])):
        key = metric.name if name == metric.primary else f"{metric.name}_{name}"
        assert bounds == pytest.approx([found[f"{key}{bound}"].item() for bound in ("", "_lower", "_upper")], rel=1e-12)


def test_textbook_intervals_cover_far_less_often_than_they_say(data_sets: list[Data]) -> None:
    """The same data, to show that the simulation is no easy one."""
    pooled, within = [], []
    for data in data_sets[:400]:
        scores, dialogue, turn = (data[name].numpy() for name in ("scores", "dialogue", "turn"))
        lines = [(turn, scores), (centred(turn, dialogue), centred(scores, dialogue))]
        for (x, y), fits in zip(lines, (pooled, within)):
            fit = stats.linregress(x, y)
            half = stats.t.ppf(0.975, len(x) - 2) * fit.stderr
            fits.append([fit.slope, fit.slope - half, fit.slope + half])
    assert coverage(torch.tensor(pooled), SLOPE) < 0.6
    assert coverage(torch.tensor(within), SLOPE) < 0.9


def centred(values: np.ndarray, dialogue: np.ndarray) -> np.ndarray:
    return values - (np.bincount(dialogue, values) / np.bincount(dialogue))[dialogue]


def test_composition_trap_long_dialogues_that_are_merely_harder_are_no_decay(data_sets: list[Data]) -> None:
    falls, covers = [], []
    for data in data_sets[:200]:
        metric = TurnDecay(max_turns=1, detail=True)
        metric.update(
            data["scores"] - SLOPE * data["turn"], dialogue=data["dialogue"], turn=data["turn"]
        )  # nothing falls
        (_, _, pooled), (_, lower, upper) = estimates(metric, "pooled", "slope")
        falls.append(pooled < 0)
        covers.append(lower <= 0 <= upper)
    assert np.mean(falls) > 0.8
    assert np.mean(covers) > 0.9
