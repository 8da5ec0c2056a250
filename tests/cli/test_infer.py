# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics infer`: what is refused is told by the flag that it came from."""

from __future__ import annotations

import json

import pytest

from imug_metrics.cli import main
from imug_metrics.cli.arguments.infer import MODEL_SPECS, STRATEGY_FORMS
from imug_metrics.inference.models.specs import KINDS
from imug_metrics.inference.strategies import Policy, TurnRule
from imug_metrics.inference.strategies.spec import FORMS
from tests.inference.worlds import World


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (["--context", "4m"], "--context"),
        (["--context", "1000k"], "--context"),
        (["--max-requests", "0"], "--max-requests"),
        (["--max-tokens", "-1"], "--max-tokens"),
        (["--max-seconds", "nan"], "--max-seconds"),
        (["--model-url", "http://localhost:1"], "--model, --model-url"),
        (["--strategy", "best-of:2:judge"], "--strategy, --judge-url"),
        (["--strategy", "best-of:1:own"], "--strategy"),
        (["--role", "checker=python:mine.py:draw"], "--role"),
        (["--strategy", "verify", "--role", "checker"], "--role"),
        (["--strategy", "verify", "--role", "checker=opnai:x"], "--role"),
        (["--strategy", "evidence", "--role", "chekcer=openai:x"], "--role"),
        (["--strategy", "evidence:0"], "--strategy"),
        (["--image-tokens", "-1"], "--image-tokens"),
        (["--tokenizer", "mine"], "--tokenizer"),
        (["--samples", "0"], "--samples"),
        (["--history", "mixed:2"], "--history"),
        (["--references", "."], "--references"),
        (["--judge-url", "http://localhost:1"], "--judge-url"),
        (["--temperature", "-1"], "--temperature"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused_is_told_by_its_flag(options, flags, tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text("def draw(history, *, want, seed):\n    return 'A'\n")
    benchmark = World(2, 1).write(tmp_path / "benchmark")
    folders = ["--benchmark", str(benchmark), "--out", str(tmp_path / "out")]
    assert main(["infer", *folders, "--model", f"python:{tmp_path}/mine.py:draw", *options]) == 2
    assert capsys.readouterr().err.startswith(f"imug-metrics: {flags}: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ([], "score --benchmark {benchmark} --outputs {out} --out SCORES"),
        (["--samples", "2"], "score --benchmark {benchmark} --outputs {out}/sample_1 --out SCORES, each sample"),
        (["--context", "8,16"], "context --benchmark {benchmark} --outputs {out}"),
        (["--context", "8"], "score --benchmark {benchmark} --outputs {out}/context_8 --out SCORES"),
    ],
    ids=["one", "samples", "contexts", "context"],
)
def test_the_command_that_comes_next_is_told(options, command, tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text(
        "def draw(history, *, want, seed):\n    return 'A' if want == 'text' else b'png'\n"
    )
    folders = {"benchmark": World(6, 1).write(tmp_path / "benchmark"), "out": tmp_path / "out"}
    arguments = ["--benchmark", folders["benchmark"], "--out", folders["out"], *options]
    assert main(["infer", *map(str, arguments), "--model", f"python:{tmp_path}/mine.py:draw"]) == 0
    assert f"\nNext: imug-metrics {command.format(**folders)}" in capsys.readouterr().out


def test_other_models_take_roles_of_a_strategy(tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text(
        "def draw(history, *, want, seed):\n    return 'A'\n\ndef check(history, *, want, seed):\n    return 'REJECT'\n"
    )
    benchmark = World(3, 1).write(tmp_path / "benchmark")
    arguments = ["--benchmark", benchmark, "--out", tmp_path / "out", "--model", f"python:{tmp_path}/mine.py:draw"]
    roles = ["--role", f"checker=python:{tmp_path}/mine.py:check"]
    assert main(["infer", *map(str, arguments), "--strategy", "verify", *roles]) == 0
    assert "Spent: 9 requests" in capsys.readouterr().out
    log = json.loads((tmp_path / "out/.draw/World/all/question_0.json").read_text())["turns"][0]["log"]
    assert log["verdicts"] == [False]


def test_where_the_traces_are_is_told(tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text("def draw(history, *, want, seed):\n    return 'A'\n")
    arguments = ["--benchmark", World(2, 1).write(tmp_path / "benchmark"), "--out", tmp_path / "out"]
    arguments += ["--model", f"python:{tmp_path}/mine.py:draw"]
    assert main(["infer", *map(str, arguments), "--strategy", "evidence"]) == 0
    assert f"\nTraces: {tmp_path}/out/.draw/traces.jsonl\n" in capsys.readouterr().out


def test_where_nothing_was_answered_nothing_comes_next(tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text(
        "def draw(history, *, want, seed):\n    return 'A' if want == 'text' else b'png'\n"
    )
    benchmark, references = World(2, 2).write(tmp_path / "benchmark"), tmp_path / "references"
    references.mkdir()
    arguments = ["--benchmark", benchmark, "--out", tmp_path / "out", "--model", f"python:{tmp_path}/mine.py:draw"]
    assert main(["infer", *map(str, arguments), "--history", "reference", "--references", str(references)]) == 1
    assert "Next: " not in capsys.readouterr().out


def test_failed_turns_are_listed_and_how_to_ask_them_again_is_told(tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text("def draw(history, *, want, seed):\n    raise MemoryError\n")
    benchmark = World(20, 2).write(tmp_path / "benchmark")
    command = ["infer", "--benchmark", str(benchmark), "--out", str(tmp_path / "out")]
    command += ["--model", f"python:{tmp_path}/mine.py:draw"]
    assert main(command) == 3
    printed = capsys.readouterr()
    assert "Next: " not in printed.out
    assert f"in the data: {tmp_path}/out/.draw/problems.jsonl\n" in printed.err
    assert printed.err.endswith("the same command with --retry-errors asks them again\n")
    main([*command, "--retry-errors"])
    assert "--retry-errors" not in capsys.readouterr().err


def test_a_policy_may_select_by_a_judge(tmp_path, capsys) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    (tmp_path / "mine.py").write_text("def draw(history, *, want, seed):\n    return 'A'\n")
    policy = Policy({"text": TurnRule({1: "direct"}, "best-of:2:judge")}).write(tmp_path / "policy.json")
    benchmark = World(2, 1).write(tmp_path / "benchmark")
    arguments = ["--benchmark", benchmark, "--out", tmp_path / "out", "--model", f"python:{tmp_path}/mine.py:draw"]
    chosen = ["--strategy", f"adaptive:{policy}"]
    assert main(["infer", *map(str, arguments), *chosen]) == 2
    assert "--judge-url: the selector judge needs a judge" in capsys.readouterr().err
    judge = ["--judge-url", "http://127.0.0.1:1/v1", "--judge-model", "nobody"]  # the first turn asks no judge
    assert main(["infer", *map(str, arguments), *chosen, *judge]) == 0


def test_the_help_tells_every_kind_of_model_and_every_strategy() -> None:
    told = [spec.removesuffix(" (repeatable)") for spec in MODEL_SPECS.split(", ")]
    assert told == [f"{prefix}:{kind.form}" for prefix, kind in KINDS.items()]
    assert STRATEGY_FORMS == FORMS
