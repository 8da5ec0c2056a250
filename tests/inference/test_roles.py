# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Other models in the roles of a strategy: recorded, counted and told of like the model itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference import Message, ModelError, Reply, SpendLimits, infer
from imug_metrics.inference.roles import load_roles, parse_roles
from imug_metrics.protocols.imug.usage import read_usage
from imug_metrics.reading.files import Problems
from tests.inference.worlds import World

WORLD = World(6, 2)


@dataclass
class Scripted:
    """Says the same to everything, and counts what it was asked."""

    says: str
    name: str = "scripted"
    settings: str = ""
    concurrency: int = 1
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> Reply:
        self.asked.append(history[-1].text)
        return Reply(self.says, usage={"tokens": 5})

    async def aclose(self) -> None:
        self.closed += 1


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    return WORLD.write(tmp_path / "benchmark")


def _usage(out: Path, name: str = "scripted") -> list[dict[str, float]]:
    found = []
    for dialogue in range(WORLD.dialogues):
        usage = read_usage(out / name, ("World", "all", str(dialogue)), Problems())
        found += [dict(usage[turn].costs) for turn in sorted(usage)]
    return found


def test_a_role_is_asked_in_place_of_the_model_and_counts_to_costs_and_limits(benchmark: Path, tmp_path: Path) -> None:
    model, checker = Scripted("A"), Scripted("ACCEPT", "other")
    found = infer(model, benchmark, tmp_path / "out", strategy="verify", roles={"checker": checker})
    assert (len(model.asked), len(checker.asked)) == (12, 12)
    assert found.spent["requests"] == 24
    assert [(costs["requests"], costs["tokens"]) for costs in _usage(tmp_path / "out")] == [(2, 10)] * 12
    assert model.closed == checker.closed == 1


def test_what_a_role_has_replied_is_not_asked_again(benchmark: Path, tmp_path: Path) -> None:
    model, checker = Scripted("A"), Scripted("REJECT", "other")
    given: dict[str, Any] = {"strategy": "verify", "roles": {"checker": checker}}
    for _ in range(20):
        if infer(model, benchmark, tmp_path / "out", limits=SpendLimits(requests=2), **given).stopped is None:
            break
    assert (len(model.asked), len(checker.asked)) == (24, 12)
    asked = len(model.asked), len(checker.asked)
    infer(model, benchmark, tmp_path / "out", **given)
    assert (len(model.asked), len(checker.asked)) == asked


@pytest.mark.parametrize("change", [{"name": "third"}, {"settings": "hotter"}, None], ids=["name", "settings", "none"])
def test_another_model_in_a_role_is_another_setting(
    benchmark: Path, tmp_path: Path, change: dict[str, str] | None
) -> None:
    roles = {"checker": Scripted("ACCEPT", "other")}
    infer(Scripted("A"), benchmark, tmp_path / "out", strategy="verify", roles=roles)
    assert json.loads((tmp_path / "out/.scripted/run.json").read_text())["roles"] == "checker=other"
    others = {} if change is None else {"checker": Scripted("ACCEPT", **{"name": "other", **change})}
    with pytest.raises(ArgumentError, match=r'tells of other settings \(roles "checker=other"'):
        infer(Scripted("A"), benchmark, tmp_path / "out", strategy="verify", roles=others)


def test_a_run_without_roles_goes_on_where_one_of_an_earlier_version_stopped(benchmark: Path, tmp_path: Path) -> None:
    infer(Scripted("A"), benchmark, tmp_path / "out", strategy="verify")
    path = tmp_path / "out/.scripted/run.json"
    settings = json.loads(path.read_text())
    assert settings.pop("roles") is None
    path.write_text(json.dumps(settings))
    infer(Scripted("A"), benchmark, tmp_path / "out", strategy="verify")


@pytest.mark.parametrize(
    ("strategy", "roles", "message"),
    [
        ("verify", {"chekcer": Scripted("")}, "verify:1 has the roles checker, got 'chekcer'; did you mean `checker`"),
        ("cot", {"checker": Scripted("")}, "cot has no roles, got 'checker'"),
        ("direct", {"checker": Scripted("")}, "direct has no roles"),
        ("verify", {"checker": 7}, "expected a model as checker, or a text that names one, got 7"),
        ("verify", {"checker": "opnai:x"}, "expected infer:URL"),
    ],
)
def test_roles_that_there_are_not_are_refused_before_anything_is_written(
    benchmark: Path, tmp_path: Path, strategy: str, roles: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        infer(Scripted("A"), benchmark, tmp_path / "out", strategy=strategy, roles=roles)
    assert raised.value.arguments == ("roles",)
    assert not (tmp_path / "out").exists()


def test_roles_are_those_of_all_parts_of_a_strategy(benchmark: Path, tmp_path: Path) -> None:
    checker = Scripted("ACCEPT", "other")
    infer(Scripted("A"), benchmark, tmp_path / "out", strategy="verify+best-of:2:majority", roles={"checker": checker})
    assert len(checker.asked) == 24


def test_a_role_that_fails_is_told_in_the_log_and_fails_no_turn(benchmark: Path, tmp_path: Path) -> None:
    def checker(history: Sequence[Message], *, want: str, seed: int) -> str:
        raise ModelError("busy", is_final=True)

    found = infer(Scripted("A"), benchmark, tmp_path / "out", strategy="verify", roles={"checker": checker})
    assert found.problems == ()
    usage = read_usage(tmp_path / "out/scripted", ("World", "all", "0"), Problems())
    assert usage[1].log["verdict_error"] == "busy"
    assert usage[1].costs["requests"] == 2


class Slow:
    """Says the same to everything, and counts how many requests it has at a time."""

    def __init__(self, name: str, says: str, concurrency: int) -> None:
        self.name, self.says, self.concurrency = name, says, concurrency
        self.running, self.most, self.lock = 0, 0, threading.Lock()

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.01)
        with self.lock:
            self.running -= 1
        return self.says


def test_each_model_is_asked_so_many_requests_at_a_time_as_it_takes(benchmark: Path, tmp_path: Path) -> None:
    model, checker = Slow("m", "A", 6), Slow("checker", "ACCEPT", 1)
    infer(model, benchmark, tmp_path / "out", strategy="verify", roles={"checker": checker})
    assert checker.most == 1
    assert model.most > 1


def test_one_model_in_several_roles_is_asked_no_more_at_a_time(benchmark: Path, tmp_path: Path) -> None:
    model, other = Slow("m", "ACCEPT", 1), Slow("other", "task", 1)
    roles = {"checker": model, "reasoner": other, "judger": other}
    infer(model, benchmark, tmp_path / "out", strategy="evidence", roles=roles, concurrency=1)
    assert (model.most, other.most) == (1, 1)


def test_a_text_that_is_there_twice_is_one_model() -> None:
    made: list[str] = []

    def load(spec: str) -> Any:
        made.append(spec)
        return Scripted(spec)

    own = Scripted("own")
    found: Any = load_roles({"checker": "a:b", "judger": "a:b", "reasoner": own, "captioner": "c:d"}, load)
    assert made == ["a:b", "c:d"]
    assert found["checker"] is found["judger"]
    assert found["reasoner"] is own


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["checker"], "expected ROLE=SPEC"),
        (["=openai:x"], "expected ROLE=SPEC"),
        (["checker="], "expected ROLE=SPEC"),
        (["checker=a:b", "checker=c:d"], "expected one model as checker, got a:b and c:d"),
    ],
)
def test_what_is_no_role_with_a_model_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        parse_roles(texts)
    assert raised.value.arguments == ("roles",)


def test_the_text_of_a_model_may_hold_an_equals_sign() -> None:
    assert parse_roles(["checker=command:prog --size=3"]) == {"checker": "command:prog --size=3"}
