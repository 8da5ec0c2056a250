# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Exposure bias that was planted in a model is found by a run on its own history and one on the reference's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import evaluate
from imug_metrics.errors import ArgumentError
from imug_metrics.functional.decay.exposure_bias import own_history_share
from imug_metrics.inference import infer
from imug_metrics.inference.model import Message
from tests.inference.worlds import SimulatedModel, World, place

WORLD = World(100, 4)
HEARD = World(40, 4)


def exposure(model: SimulatedModel, root: Path) -> dict[str, Any]:
    """Exposure bias of a model by two runs and one evaluation."""
    benchmark = model.world.write(root / "benchmark")
    for history in ("own", "reference"):
        infer(model, benchmark, root / history, history=history)
    found = evaluate(benchmark=benchmark, outputs=root / "own", reference_history=root / "reference")
    assert not found.problems.errors
    return dict(found.scores[model.name])


def test_the_planted_bias_lies_in_the_interval(tmp_path):
    model = SimulatedModel(WORLD, 0.2, gain=0.7)
    scores = exposure(model, tmp_path)
    assert scores["exposure_bias_n"] == WORLD.dialogues * WORLD.turns
    assert 0 < scores["exposure_bias_lower"] < model.excess() < scores["exposure_bias_upper"]
    own, reference = (1 - scores[f"exposure_bias_{arm}"] for arm in ("scores", "baseline"))
    error = 4 * (0.25 / (WORLD.dialogues * WORLD.turns)) ** 0.5
    assert own == pytest.approx(sum(model.errors()) / WORLD.turns, abs=1.5 * error)  # turns of a dialogue go together
    assert reference == pytest.approx(0.2, abs=error)
    assert scores["exposure_bias_turn_1"] == 0, "before the first turn there is no history"


def test_a_model_that_tires_without_bias_has_an_interval_around_0(tmp_path):
    model = SimulatedModel(WORLD, 0.15, growth=0.1)
    scores = exposure(model, tmp_path)
    assert model.excess() == 0
    assert scores["exposure_bias_lower"] < 0 < scores["exposure_bias_upper"]
    assert scores["exposure_bias"] != 0, "two histories are two draws"


class Listener:
    """Answers with one word and keeps what it was sent."""

    name = "listener"

    def __init__(self, word: str) -> None:
        self.word = word
        self.sent: dict[tuple[int, int], Sequence[Message]] = {}

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> str:
        self.sent[place(history[-1])] = history
        return self.word

    def own(self) -> dict[tuple[int, int], bool]:
        """Which turns of the longest histories are the listener's own; the others are the reference's."""
        found = {}
        for (dialogue, last), history in self.sent.items():
            if last != HEARD.turns:
                continue
            for turn in range(1, last):
                question, answer = history[2 * turn - 2 : 2 * turn]
                assert place(question) == (dialogue, turn)
                assert answer.role == "assistant"
                assert answer.text in (self.word, "theirs", HEARD.key(dialogue, turn))
                found[dialogue, turn] = answer.text == self.word
        return found


def listen(root: Path, history: str, word: str = "mine", **arguments: Any) -> Listener:
    listener = Listener(word)
    benchmark = root / "benchmark"
    if not benchmark.exists():
        HEARD.write(benchmark)
    infer(listener, benchmark, root / "out", name=history.replace(":", "-"), history=history, **arguments)
    assert len(listener.sent) == HEARD.dialogues * HEARD.turns
    return listener


@pytest.mark.parametrize("schedule", [("linear", 3.0), ("exponential", 0.6), ("inverse_sigmoid", 2.0)])
def test_a_schedule_puts_its_share_of_turns_on_the_own_history(tmp_path, schedule):
    own = listen(tmp_path, "mixed:{}:{}".format(*schedule)).own()
    for turn in range(1, HEARD.turns):
        share = float(own_history_share(turn - 1, *schedule))
        found = sum(own[dialogue, turn] for dialogue in range(HEARD.dialogues)) / HEARD.dialogues
        assert found == pytest.approx(share, abs=4 * (share * (1 - share) / HEARD.dialogues) ** 0.5)


def test_a_turn_on_the_own_history_stays_so_at_larger_shares(tmp_path):
    drawn = [listen(tmp_path, f"mixed:{share}").own() for share in (1.0, 0.75, 0.5, 0.25, 0.0)]
    counts = [sum(own.values()) for own in drawn]
    assert counts[0] == 0
    assert counts[-1] == len(drawn[-1]) == HEARD.dialogues * (HEARD.turns - 1)
    assert counts == sorted(set(counts))
    for fewer, more in pairwise(drawn):
        assert all(more[turn] for turn, own in fewer.items() if own)
    again = listen(tmp_path / "again", "mixed:0.5").own()
    other = listen(tmp_path / "other", "mixed:0.5", seed=1).own()
    assert again == drawn[2]
    assert other != again


def test_one_history_stays_the_same_while_it_grows(tmp_path):
    """What was the reference's at one turn is so at the next: the history is one, and grows."""
    sent = listen(tmp_path, "mixed:0.5").sent
    for (dialogue, turn), history in sent.items():
        if turn > 1:
            assert tuple(history[:-2]) == tuple(sent[dialogue, turn - 1])


def test_keys_are_the_reference_history(tmp_path):
    assert not any(listen(tmp_path, "reference").own().values())


def test_isolated_turns_are_sent_alone(tmp_path):
    sent = listen(tmp_path, "own", isolated=True).sent
    assert {len(history) for history in sent.values()} == {1}
    assert {history[0].role for history in sent.values()} == {"user"}


def test_outputs_of_others_are_the_reference_history_where_they_are_given(tmp_path):
    listen(tmp_path, "own", "theirs")
    given = listen(tmp_path / "given", "reference", references=tmp_path / "out/own")
    said = {message.text for history in given.sent.values() for message in history if message.role == "assistant"}
    assert said == {"theirs"}
    with pytest.raises(ArgumentError, match="references"):
        listen(tmp_path / "none", "reference", references=tmp_path / "nowhere")
