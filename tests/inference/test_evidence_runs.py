# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whole runs with chains of evidence: the file of traces, going on after an interruption, and images."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.inference import Message, Reply, SpendLimits, infer
from imug_metrics.inference.strategies.wording import ANSWER
from imug_metrics.protocols.imug.usage import read_usage
from imug_metrics.reading.files import Problems
from imug_metrics.traces import Trace, read_traces
from tests.inference.strategies.simulated_chain import ChainRates, faulty
from tests.inference.worlds import World, place, png

WORLD = World(8, 3, images=(2,))
RATES = ChainRates(right=0.4, kept=1.0)


@dataclass
class Roles:
    """All roles of a chain and the model itself, by their rates; counts what each was asked, and with which seed."""

    world: World
    rates: ChainRates
    asked: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def role(self, name: str) -> Any:
        def model(history: Sequence[Message], *, want: str, seed: int) -> Reply:
            self.asked[name, repr([message.parts for message in history]), seed] += 1
            if name == "captioner":
                return Reply("A square.")
            if name == "model":
                return self.answer(history, want)
            return Reply(getattr(self.rates, name)(history, random.Random(seed)), usage={"tokens": 3})

        model.__name__ = name
        return model

    @property
    def all(self) -> dict[str, Any]:
        return {name: self.role(name) for name in ("captioner", "reasoner", "checker", "judger")}

    def answer(self, history: Sequence[Message], want: str) -> Reply:
        assert history[-1].text == ANSWER[want]  # type: ignore[index]
        where = place(history[-3])
        right = self.world.key(*where) if faulty(history[-2].text) is None else self.world.wrong(*where)
        return Reply(image=png(right)) if want == "image" else Reply(right)  # type: ignore[arg-type]


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    return WORLD.write(tmp_path / "benchmark")


def _run(benchmark: Path, out: Path, roles: Roles, **given: Any) -> Any:
    given = {"strategy": "evidence:2", "roles": roles.all, **given}
    return infer(roles.role("model"), benchmark, out, name="m", **given)


def _traces(out: Path) -> list[Trace]:
    problems = Problems()
    found = read_traces(out / ".m/traces.jsonl", problems)
    assert problems == []
    return found


def test_every_attempt_of_every_turn_is_a_line(benchmark: Path, tmp_path: Path) -> None:
    roles = Roles(WORLD, RATES)
    _run(benchmark, tmp_path / "out", roles)
    traces = _traces(tmp_path / "out")
    turns = [(f"World/all/{dialogue}", turn) for dialogue in range(8) for turn in (1, 2, 3)]
    assert list(dict.fromkeys((trace.dialogue, trace.turn) for trace in traces)) == turns
    by_turn = {where: [each for each in traces if (each.dialogue, each.turn) == where] for where in turns}
    assert all([each.attempt for each in those] == [1, 2, 3][: len(those)] for those in by_turn.values())
    assert {len(those) for those in by_turn.values()} == {1, 2, 3}
    for (dialogue, turn), those in by_turn.items():
        result = json.loads(
            (tmp_path / "out/m" / dialogue.replace("/all/", "/all/question_") / "result.json").read_text()
        )
        said = result["tasks"][turn - 1]["model_response"]
        assert [each.output for each in those[:-1]] == [None] * (len(those) - 1)
        assert those[-1].output == (None if turn == 2 else said)


def test_costs_of_a_turn_are_those_of_its_traces_and_of_its_answer(benchmark: Path, tmp_path: Path) -> None:
    roles = Roles(WORLD, RATES)
    found = _run(benchmark, tmp_path / "out", roles)
    traces = _traces(tmp_path / "out")
    for dialogue in range(8):
        usage = read_usage(tmp_path / "out/m", ("World", "all", str(dialogue)), Problems())
        for turn, used in usage.items():
            those = [each for each in traces if (each.dialogue, each.turn) == (f"World/all/{dialogue}", turn)]
            assert used.costs["requests"] == sum(each.costs["requests"] for each in those) + 1
    assert found.spent["requests"] == sum(roles.asked.values())


def test_the_image_that_was_drawn_is_described_at_later_turns(benchmark: Path, tmp_path: Path) -> None:
    _run(benchmark, tmp_path / "out", Roles(WORLD, RATES))
    named = {trace.turn: set(trace.evidence) for trace in _traces(tmp_path / "out")}
    assert named == {1: {"prompt"}, 2: {"prompt", "dialogue"}, 3: {"prompt", "dialogue", "image1"}}


@pytest.mark.parametrize("requests", [1, 7, 40])
def test_a_run_that_stops_and_goes_on_asks_nothing_twice_and_ends_with_the_same_traces(
    benchmark: Path, tmp_path: Path, requests: int
) -> None:
    whole, parts = Roles(WORLD, RATES), Roles(WORLD, RATES)
    _run(benchmark, tmp_path / "whole", whole)
    limits = SpendLimits(requests=requests)
    stops = 0
    while _run(benchmark, tmp_path / "parts", parts, limits=limits).stopped is not None:
        stops += 1
    assert stops > 1
    assert set(parts.asked.values()) == {1}
    assert parts.asked == whole.asked

    def content(out: Path) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in (out / ".m/traces.jsonl").read_text().splitlines()]
        for row in rows:
            row["costs"].pop("seconds")  # of the clock
        return rows

    assert content(tmp_path / "parts") == content(tmp_path / "whole")
    before = (tmp_path / "parts/.m/traces.jsonl").read_bytes()
    _run(benchmark, tmp_path / "parts", parts)
    assert set(parts.asked.values()) == {1}
    assert (tmp_path / "parts/.m/traces.jsonl").read_bytes() == before


def test_a_kill_before_the_file_is_written_leaves_it_to_the_next_call(
    benchmark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = Roles(WORLD, RATES)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("imug_metrics.inference.arms.write_traces", killed)
        with pytest.raises(KeyboardInterrupt):
            _run(benchmark, tmp_path / "out", roles)
    assert not (tmp_path / "out/.m/traces.jsonl").exists()
    asked = roles.asked.total()
    _run(benchmark, tmp_path / "out", roles)
    assert roles.asked.total() == asked
    assert len({(trace.dialogue, trace.turn) for trace in _traces(tmp_path / "out")}) == 24


def test_traces_tell_of_the_dialogues_as_they_were_answered_last(benchmark: Path, tmp_path: Path) -> None:
    roles = Roles(WORLD, RATES)
    _run(benchmark, tmp_path / "out", roles)
    path = benchmark / "data/benchmark.jsonl"
    path.write_text(path.read_text().replace("Dialogue 3, turn 1: which?", "Dialogue 3, turn 1: which one?"))
    _run(benchmark, tmp_path / "out", roles, limits=SpendLimits(requests=1))
    assert not any(trace.dialogue == "World/all/3" for trace in _traces(tmp_path / "out"))
    _run(benchmark, tmp_path / "out", roles)
    again = [trace for trace in _traces(tmp_path / "out") if trace.dialogue == "World/all/3"]
    assert "which one?" in again[0].evidence["prompt"]
    assert [trace.attempt for trace in again if trace.turn == 1][:1] == [1]


def test_samples_have_traces_of_their_own(benchmark: Path, tmp_path: Path) -> None:
    _run(benchmark, tmp_path / "out", Roles(WORLD, RATES), samples=2)
    first, second = (_traces(tmp_path / "out" / f"sample_{sample}") for sample in (1, 2))
    assert first != second


def test_other_strategies_leave_no_file_of_traces(benchmark: Path, tmp_path: Path) -> None:
    infer(lambda history, *, want, seed: png("red") if want == "image" else "A", benchmark, tmp_path / "out", name="m")
    assert not (tmp_path / "out/.m/traces.jsonl").exists()


def test_overwriting_forgets_the_traces(benchmark: Path, tmp_path: Path) -> None:
    _run(benchmark, tmp_path / "out", Roles(WORLD, RATES))
    infer(
        lambda history, *, want, seed: png("red") if want == "image" else "A",
        benchmark,
        tmp_path / "out",
        name="m",
        overwrite=True,
    )
    assert not (tmp_path / "out/.m/traces.jsonl").exists()


def test_a_link_in_place_of_the_file_is_not_written_through(benchmark: Path, tmp_path: Path) -> None:
    (tmp_path / "out/.m").mkdir(parents=True)
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "out/.m/traces.jsonl").symlink_to(tmp_path / "mine.txt")
    with pytest.raises(ValueError, match="is a link"):
        _run(benchmark, tmp_path / "out", Roles(WORLD, RATES))
    assert (tmp_path / "mine.txt").read_text() == "mine"
