# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics policy`: from runs to a policy that `infer` follows."""

from __future__ import annotations

import json
import random

import pytest

from imug_metrics import infer
from imug_metrics.cli import main
from imug_metrics.inference.strategies.wording import ANSWER
from tests.inference.worlds import PLACE, World

WORLD = World(dialogues=40, turns=2)


def model(history, *, want, seed):
    """Right at turn 1; at turn 2 by chance without thoughts, and right with them."""
    dialogue, turn = map(int, PLACE.search("\n".join(message.text for message in history)).groups())
    thought = ANSWER["text"] in history[-1].text
    right = turn == 1 or thought or random.Random(seed).random() < 0.3
    return WORLD.key(dialogue, turn) if right else WORLD.wrong(dialogue, turn)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("policy")
    WORLD.write(root / "benchmark")
    for name in ("direct", "cot"):
        infer(model, root / "benchmark", root / name, strategy=name, name="m", isolated=True)
    return root


def learn(root, *more: str) -> int:
    pairs = ("--runs", f"direct={root}/direct/m", f"cot={root}/cot/m")
    return main(["policy", "--benchmark", str(root / "benchmark"), *pairs, "--out", str(root / "policy.json"), *more])


def test_thoughts_are_spent_where_they_help(runs, capsys):
    assert learn(runs, "--budget", "text=1.5") == 0
    rule = json.loads((runs / "policy.json").read_text())["rules"]["text"]
    assert rule["turns"] == {"1": "direct", "2": "cot"}
    assert rule["evidence"]["tested"]["score"] == 1
    assert rule["evidence"]["tested"]["cost"] == 1.5
    said = capsys.readouterr().out
    assert "always cot" in said
    assert f"--strategy adaptive:{runs}/policy.json" in said
    found = infer(model, runs / "benchmark", runs / "adaptive", strategy=f"adaptive:{runs}/policy.json", name="m")
    assert found.spent["requests"] == 3 * WORLD.dialogues


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--budget", "text=0.5"), "--budget"),
        (("--budget", "text"), "expected text=N or image=N"),
        (("--budget", "video=2"), "expected text=N or image=N"),
        (("--budget", "text=x"), "a number above 0"),
        (("--budget", "image=2"), "--runs"),
        (("--budget", "text=2", "--cost", "money"), "--runs"),
        (("--budget", "text=2", "--runs", "verify"), "expected STRATEGY=DIR"),
    ],
)
def test_what_cannot_be_learned_is_told(runs, capsys, more, why):
    assert learn(runs, *more) == 2
    assert why in capsys.readouterr().err
