# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics context`: the table in the terminal, files, and exit codes."""

from __future__ import annotations

import json
import shutil

import pytest

from imug_metrics.inference import infer
from imug_metrics.protocols.imug.usage import usage_folder
from tests.inference.worlds import World, place


@pytest.fixture
def folders(command, tmp_path) -> tuple[str, ...]:
    """Options of outputs at 64 and 128 tokens of a model that answers right up to 64, but for one dialogue."""
    world = World(12, 2)
    benchmark = world.write(tmp_path / "world")

    def short(history, *, want, seed):
        dialogue, turn = place(history[-1])
        return world.key(dialogue, turn) if dialogue and len(history) < 12 else world.wrong(dialogue, turn)

    infer(short, benchmark, tmp_path / "lengths", contexts=(64, 128))
    return ("--benchmark", str(benchmark), "--outputs", str(tmp_path / "lengths"))


def test_the_table_shows_change_and_lengths_and_the_file_holds_the_numbers(command, folders) -> None:
    assert command.run("context", *folders, "--out", command.out) == 0
    assert "short" in command.said
    assert "▼ −0.9" in command.said
    assert "depth 0.75" in command.said
    assert "per doubling of the tokens" in command.said
    found = json.loads((command.out / "context.json").read_text())
    overall = found["models"]["short"]["overall"]["all turns"]
    assert (overall["context_decay_length_64"], overall["context_decay_length_128"]) == (pytest.approx(11 / 12), 0)
    assert overall["context_decay_effective_length"] == 64
    assert found["lengths"] == [64, 128]
    assert (command.out / "problems.jsonl").read_text() == ""


def test_turns_of_unknown_length_are_told(command, folders, tmp_path) -> None:
    shutil.rmtree(usage_folder(tmp_path / "lengths" / "context_128" / "short") / "World")
    assert command.run("context", *folders) == 1
    assert "expected the tokens of the context" in command.warned


def test_outputs_without_lengths_are_refused(command) -> None:
    assert command.run("context", "--benchmark", command.benchmark, "--outputs", command.outputs) == 2
    assert "--outputs" in command.warned
    assert "context_4096" in command.warned
