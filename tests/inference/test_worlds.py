# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated models are as they say, before anything is proven with them."""

from __future__ import annotations

import json

import pytest

from imug_metrics.inference.model import Message
from tests.inference.worlds import SimulatedModel, World, png


def errors_of(model: SimulatedModel, *, reference: bool = False) -> list[float]:
    """Share of errors by turn, with a history kept by hand."""
    wrong = [0] * model.world.turns
    for dialogue in range(model.world.dialogues):
        history: list[Message] = []
        for turn in range(1, model.world.turns + 1):
            history.append(Message("user", (f"Dialogue {dialogue}, turn {turn}: which?",)))
            key = model.world.key(dialogue, turn)
            answer = model(history, want="text", seed=1)
            wrong[turn - 1] += answer != key
            history.append(Message("assistant", (key if reference else str(answer),)))
    return [count / model.world.dialogues for count in wrong]


@pytest.mark.parametrize(("growth", "gain"), [(0.0, 0.0), (0.05, 0.0), (0.0, 0.6), (0.03, 0.5)])
def test_errors_by_turn_are_those_of_the_recursion(growth, gain):
    model = SimulatedModel(World(4000, 5), 0.15, growth, gain)
    assert errors_of(model) == pytest.approx(model.errors(), abs=4 * (0.25 / 4000) ** 0.5)


def test_keys_as_history_take_the_planted_bias_away():
    model = SimulatedModel(World(4000, 5), 0.15, gain=0.6)
    assert errors_of(model, reference=True) == pytest.approx([0.15] * 5, abs=4 * (0.25 / 4000) ** 0.5)
    own = [0.15, 0.24, 0.267, 0.2814, 0.29076]  # such as 0.15 + 0.6 * (0.15 + 0.24) / 2 at the third
    assert model.errors() == pytest.approx(own)
    assert model.excess() == pytest.approx(100 * (sum(own) / 0.75 - 1))
    assert SimulatedModel(World(1, 5), 0.15).excess() == 0


def test_a_written_world_is_a_benchmark_with_these_keys(tmp_path):
    world = World(3, 3, images=(2,))
    lines = (world.write(tmp_path) / "data/benchmark.jsonl").read_text().splitlines()
    tasks = [json.loads(line)["tasks"] for line in lines]
    assert [[task["modality"] for task in each] for each in tasks] == [["text", "image", "text"]] * 3
    assert [each[2]["output"]["answer"] for each in tasks] == [world.key(dialogue, 3) for dialogue in range(3)]
    assert world.key(1, 2) in tasks[1][1]["input"][0]["text"]
    assert png(world.key(1, 2)) != png(world.wrong(1, 2))
