# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics compare`: one screen for a demo, one message for what cannot be compared."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from imug_metrics.cli import main
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.evaluation import evaluate


@pytest.fixture(scope="module")
def scored_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `imug-metrics demo` leaves, of fewer dialogues."""
    root = tmp_path_factory.mktemp("demo")
    paths = write_demo_benchmark(root, dialogues=24)
    evaluate(benchmark=paths.benchmark, outputs=paths.outputs, encoder="scene").save(root)
    return root


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_a_demo_fits_one_screen_and_is_written_as_strict_json(scored_demo, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["compare", str(scored_demo), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) <= 50
    assert re.search(r"fading +steady +−0\.", said)
    assert "copying = " in said, "a mark stands by the name"
    assert "Ranks" in said
    found = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert set(found["models"]) == {"steady", "fading", "copying"}
    assert len(found["differences"]) == 3 * len(found["ranks"]) == 18


def test_runs_metrics_and_models_are_chosen(command) -> None:
    command.score("--model", "steady")
    other = command.root / "later"
    shutil.copytree(command.out, other)
    assert (
        command.run("compare", command.out, other, "--out", command.root, "--metric", "answer_accuracy", "--slopes")
        == 0
    )
    assert json.loads((command.root / "comparison.json").read_text())["models"] == ["scores/steady", "later/steady"]
    assert "scores/steady" in command.said
    assert "Answers, change per turn" in command.said
    assert "Alignment" not in command.said


def test_what_cannot_be_compared_is_an_error_of_the_command_line(command) -> None:
    command.score("--model", "steady")
    broken = command.root / "broken"
    other = command.root / "later"
    shutil.copytree(command.out, other)
    broken.mkdir()
    (broken / "evaluation.json").write_text("{")
    for arguments, message in (
        ((command.out,), "two models or more"),
        ((command.out, other, "--metric", "beauty"), "--metric"),
        ((command.out, other, "--model", "nobody"), "--model"),
        ((command.out, broken), "expected a saved evaluation"),
        ((command.out, command.root / "nowhere"), "expected a saved evaluation"),
        ((command.out, command.out), "comes twice"),
        ((command.out, other, "--level", "1"), "level"),
        ((), "DIR"),
    ):
        assert command.run("compare", *arguments) == 2, arguments
        assert message in command.warned, arguments
        assert "Traceback" not in command.warned
