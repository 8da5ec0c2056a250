# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From two servers to the report by the two commands: what was planted in the models is what the scores say."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.cli import main
from imug_metrics.evaluation import inputs
from imug_metrics.inference import Message
from tests.cli.conftest import TinyEncoder
from tests.inference.server import Answer, InferServer
from tests.inference.worlds import World, place, png

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

WORLD = World(20, 4, images=(2,))
TEXT_TURNS = (1, 3, 4)


@dataclass(frozen=True)
class Served:
    """A model that gets exactly `errors` of a turn's dialogues wrong and tells `tokens` of each reply."""

    name: str
    errors: dict[int, int]
    first: int
    each: int

    def tokens(self, turn: int) -> int:
        return self.first + self.each * (turn - 1)

    def accuracy(self, turn: int) -> float:
        return 1 - self.errors.get(turn, 0) / WORLD.dialogues

    def answer(self, body: dict[str, Any]) -> Answer:
        texts = [part["text"] for part in body["history"][-1]["content"] if part["type"] == "text"]
        dialogue, turn = place(Message("user", tuple(texts)))
        wrong = random.Random(f"{self.name}:{turn}").sample(range(WORLD.dialogues), self.errors.get(turn, 0))
        said = WORLD.wrong(dialogue, turn) if dialogue in wrong else WORLD.key(dialogue, turn)
        if body["output_mode"] == "image_only":
            response = {"image": base64.b64encode(png(said)).decode()}
        else:
            response = {"text": f"The answer is {said}."}
        return 200, {"response": response, "usage": {"tokens": self.tokens(turn)}}


STEADY = Served("steady", {1: 2, 3: 2, 4: 2}, 30, 0)
FADING = Served("fading", {1: 2, 3: 8, 4: 11}, 20, 15)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the scores of both models."""
    root = tmp_path_factory.mktemp("end_to_end")
    WORLD.write(root / "benchmark")
    for model in (STEADY, FADING):
        with InferServer(model.answer) as server:
            folders = ["--benchmark", root / "benchmark", "--out", root / "out"]
            chosen = ["--model", f"infer:{server.url}", "--name", model.name]
            assert main(["infer", *map(str, folders + chosen)]) == 0
            assert len(server.bodies) == WORLD.dialogues * WORLD.turns
    folders = ["--benchmark", root / "benchmark", "--outputs", root / "out", "--out", root / "scores"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "load_encoder", lambda spec, device=None: TinyEncoder())
        assert main(["score", *map(str, folders), "--encoder", "tiny"]) == 0
    return root / "scores"


@pytest.fixture(params=[STEADY, FADING], ids=["steady", "fading"])
def scored(request: pytest.FixtureRequest, scores: Path) -> tuple[Served, dict[str, float]]:
    model: Served = request.param
    return model, json.loads((scores / "summary.json").read_text())["models"][model.name]


def test_accuracy_by_turn_is_what_was_planted(scored):
    model, found = scored
    for turn in TEXT_TURNS:
        assert found[f"answer_accuracy_turn_{turn}"] == pytest.approx(model.accuracy(turn))
    means = [model.accuracy(turn) for turn in TEXT_TURNS]
    assert found["answer_accuracy"] == pytest.approx(sum(means) / 3)
    centred = [turn - sum(TEXT_TURNS) / 3 for turn in TEXT_TURNS]
    slope = sum(x * mean for x, mean in zip(centred, means)) / sum(x * x for x in centred)
    assert found["answer_accuracy_slope"] == pytest.approx(slope)
    assert found["answer_accuracy_coverage"] == 1


def test_the_fading_model_is_told_from_the_steady_one(scored):
    model, found = scored
    lower, upper = found["answer_accuracy_slope_lower"], found["answer_accuracy_slope_upper"]
    assert upper < 0 if model is FADING else lower < 0 < upper


def test_tokens_by_turn_and_their_slope_are_what_the_servers_told(scored):
    model, found = scored
    for turn in range(1, WORLD.turns + 1):
        assert found[f"cost_tokens_turn_{turn}"] == model.tokens(turn)
        assert found[f"cost_requests_turn_{turn}"] == 1
    assert found["cost_tokens_slope"] == pytest.approx(model.each)
    assert found["cost_tokens_per_dialogue"] == sum(map(model.tokens, range(1, WORLD.turns + 1)))
    assert found["cost_seconds"] > 0
    assert found["cost_images_sum"] == WORLD.dialogues


def test_the_page_shows_the_costs_of_both_models(scores):
    page = (scores / "report.html").read_text(encoding="utf-8")
    section = page.partition("What it cost</h")[2].partition("</section>")[0]
    assert "tokens" in section
    sums = [WORLD.dialogues * sum(map(model.tokens, range(1, WORLD.turns + 1))) for model in (STEADY, FADING)]
    assert [f"{total:,}" in section for total in sums] == [True, True]
