# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From a simulated model through the runner to gains, curves and a policy."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import infer
from imug_metrics.evaluation.scaling import evaluate_scaling
from imug_metrics.inference.model import Message, Reply
from imug_metrics.inference.strategies.policy_learning import learn_policy, read_outcomes
from imug_metrics.inference.strategies.spec import parse_strategy
from imug_metrics.inference.strategies.wording import ANSWER, GRADE, REPAIR, THINK, VERIFY
from imug_metrics.protocols.imug.candidates import read_candidates
from imug_metrics.protocols.imug.samples import read_samples
from imug_metrics.reading.files import Problems
from tests.inference.worlds import COLOURS, PLACE, World, png

WORLD = World(dialogues=80, turns=2)
BASE, THOUGHTFUL, Q, T, F = 0.45, 0.7, 0.6, 0.85, 0.4
SPECS = ("direct", "cot", "verify:1", "best-of:3:own")


class Model:
    """Right, accepting and grading by known rates, which do not hang on what was said before."""

    name, settings = "simulated", ""

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> Reply:
        draw = random.Random(seed)
        said = history[-1].parts[-1]
        if said == THINK["text"]:
            return Reply("Hm.", usage={"tokens": 20})
        return Reply(self._text(draw, said, history), usage={"tokens": 3})

    def _text(self, draw: random.Random, said: Any, history: Sequence[Message]) -> str:
        asked = [message for message in history if message.role == "user" and PLACE.search(message.text)][-1]
        found = PLACE.search(asked.text)
        assert found is not None
        dialogue, turn = int(found[1]), int(found[2])
        is_right = history[-2].text == WORLD.key(dialogue, turn) if len(history) > 1 else False
        if said == VERIFY:
            return "ACCEPT" if draw.random() < (T if is_right else F) else "REJECT"
        if said == GRADE:
            return "8" if is_right else "2"
        chance = {ANSWER["text"]: THOUGHTFUL, REPAIR["text"]: Q}.get(said, BASE)
        return WORLD.key(dialogue, turn) if draw.random() < chance else WORLD.wrong(dialogue, turn)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The benchmark, and a folder of outputs by strategy."""
    root = tmp_path_factory.mktemp("strategies")
    found = {"benchmark": WORLD.write(root / "benchmark")}
    for place, spec in enumerate(SPECS):
        infer(Model(), found["benchmark"], root / str(place), strategy=parse_strategy(spec))
        found[spec] = root / str(place) / "simulated"
    return found


def test_gains_and_costs_of_runs_are_those_of_the_closed_form(folders: dict[str, Path]) -> None:
    names = {"plain": "direct", "cot": "cot", "verify": "verify:1", "best": "best-of:3:own"}
    evaluation = evaluate_scaling(folders["benchmark"], {name: folders[spec] for name, spec in names.items()})
    assert not evaluation.problems
    (part,) = evaluation.scaling.parts
    found = part.groups["overall"]["all"]
    rejected = 1 - (BASE * T + (1 - BASE) * F)
    accuracy = {"cot": THOUGHTFUL, "verify": BASE * T + rejected * Q, "best": 1 - (1 - BASE) ** 3}
    for name, truth in accuracy.items():
        key = f"strategy_comparison_gain_{name}"
        assert found[f"{key}_lower"] <= truth - BASE <= found[f"{key}_upper"], name
    costs = {"plain": (1, 3), "cot": (2, 23), "best": (6, 18)}
    for name, (requests, tokens) in costs.items():
        assert found[f"strategy_comparison_cost_requests_{name}"] == requests
        assert found[f"strategy_comparison_cost_tokens_{name}"] == tokens
    key = "strategy_comparison_cost_requests_verify"
    assert found[f"{key}_lower"] <= 2 + rejected <= found[f"{key}_upper"]
    curve = part.curves["best"]
    for k, truth in ((2, 1 - (1 - BASE) ** 2), (3, 1 - (1 - BASE) ** 3)):
        assert curve[f"best_of_n_selected_{k}_lower"] <= truth <= curve[f"best_of_n_selected_{k}_upper"]


def test_a_policy_is_learned_from_the_runs_and_followed(folders: dict[str, Path], tmp_path: Path) -> None:
    problems = Problems()
    runs = {spec: folders[spec] for spec in ("direct", "cot")}
    outcomes = read_outcomes(folders["benchmark"], runs, "requests", problems)
    policy = learn_policy(outcomes, list(runs), {"text": 2.0})
    assert policy.choose("text", 1) == "cot"
    path = policy.write(tmp_path / "policy.json")
    infer(Model(), folders["benchmark"], tmp_path / "out", strategy=parse_strategy(f"adaptive:{path}"), limit=3)
    for result in (tmp_path / "out/simulated").rglob("result.json"):
        again = folders["cot"] / result.relative_to(tmp_path / "out/simulated")
        assert json.loads(result.read_text()) == json.loads(again.read_text())
    assert not problems


def test_candidates_of_images_lie_beside_the_answer_with_their_scores_and_costs(tmp_path: Path) -> None:
    world = World(dialogues=2, turns=2, images=(2,))
    benchmark = world.write(tmp_path / "benchmark")

    def model(history: Sequence[Message], *, want: str, seed: int) -> str | bytes:
        drawn = random.Random(seed).choice(sorted(COLOURS))
        return png(drawn) if want == "image" else "Hm."

    strategy = parse_strategy("cot+best-of:3:majority,alignment", encoder="scene")
    infer(model, benchmark, tmp_path, name="m", strategy=strategy)
    for folder in (tmp_path / "m/World/all").iterdir():
        entry = json.loads((folder / "result.json").read_text())["tasks"][1]
        names = [each["model_response"] for each in entry["candidates"]]
        scores = [each["score"] for each in entry["candidates"]]
        best = folder / names[scores.index(max(scores))]
        assert (folder / "turn_2_output.png").read_bytes() == best.read_bytes()
        usage = json.loads((tmp_path / ".m/World/all" / f"{folder.name}.json").read_text())
        costs = [turn["costs"] for turn in usage["turns"]]
        assert [(each["requests"], each.get("images", 0)) for each in costs] == [(6, 0), (6, 3)]
        assert usage["turns"][1]["log"]["selector"] == "alignment"


def test_what_is_recorded_is_selected_again_without_a_request(tmp_path: Path) -> None:
    benchmark = World(dialogues=3, turns=2).write(tmp_path / "benchmark")
    strategy = parse_strategy("verify:2+best-of:2:own")
    infer(Model(), benchmark, tmp_path, strategy=strategy)
    results = sorted((tmp_path / "simulated").rglob("result.json"))
    before = [path.read_bytes() for path in results]
    for path in results:
        path.unlink()
    again = infer(Model(), benchmark, tmp_path, strategy=strategy)
    assert [path.read_bytes() for path in results] == before
    assert again.spent["requests"] == 0


def test_what_was_rejected_is_kept_and_counted_but_is_no_candidate(tmp_path: Path) -> None:
    def model(history, *, want, seed):
        if "Check your last reply" in history[-1].text:
            return "REJECT: too small" if len(history) == 3 else "ACCEPT"
        return f"{len(history)}" if want == "text" else f"image {len(history)}".encode()

    benchmark = World(dialogues=1, turns=2, images=(2,)).write(tmp_path / "benchmark")
    infer(model, benchmark, tmp_path, name="m", strategy=parse_strategy("verify:2"), isolated=True)
    (folder,) = (tmp_path / "m/World/all").iterdir()
    tasks = json.loads((folder / "result.json").read_text())["tasks"]
    assert [(task["model_response"], task["attempts"]) for task in tasks] == [
        ("5", ["1"]),
        ("turn_2_output.png", ["turn_2_attempt_1.png"]),
    ]
    assert (folder / "turn_2_attempt_1.png").read_bytes() == b"image 1"
    assert (folder / "turn_2_output.png").read_bytes() == b"image 5"
    problems = Problems()
    entries = list(read_candidates(read_samples(benchmark, problems), tmp_path / "m", problems))
    assert [(entry.outputs, entry.attempts) for entry in entries] == [((), 1), ((), 1)]
