# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `imug-metrics check`: what it prints or writes, and how it ends."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def check(command):
    def run(*more: str) -> int:
        folders = ("--benchmark", command.benchmark, "--outputs", command.outputs)
        return command.run("check", *folders, *more)

    return run


def test_warnings_alone_end_with_0_and_errors_with_1(command, check):
    command.mend("steady", "fading", "copying")
    assert check() == 0, command.said
    image = next(command.outputs.glob("steady/*/*/*/turn_*_output.png"))
    image.unlink()
    assert check() == 1
    errors = [line for line in command.said.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert str(image.parent) in errors[0]
    assert "1 errors" in command.warned
    assert "3 models looked at" in command.warned
    assert check("--model", "fading") == 0


def test_the_list_is_also_to_be_had_as_json_and_as_a_file(command, check):
    check("--json")
    rows = [json.loads(line) for line in command.said.splitlines()]
    assert all(set(row) == {"file", "line", "field", "message", "level"} for row in rows)
    check("--out", str(command.out))
    assert command.said == ""
    assert command.rows("problems.jsonl") == rows
    check()
    assert len(command.said.splitlines()) == len(rows) > 0


def test_judgements_are_checked_with_and_without_outputs(command, golden):
    root = golden / "pipeline"
    folders = ("--benchmark", root, "--judged", root / "official_gaps")
    command.run("check", *folders)
    assert "2 models looked at" in command.warned
    assert "epsilon_sparse" in command.said
    command.run("check", *folders, "--model", "delta_gaps")
    assert "epsilon_sparse" not in command.said
    assert command.run("check", *folders, "--outputs", root / "model_outputs_gaps") == 1
    assert "has no point scores" in command.said
    assert "expected an image" in command.said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--benchmark", "nowhere"], "--benchmark"),
        (["--judged", "nowhere"], "--judged"),
        (["--model", "unknown"], "--model"),
        (["--out", "outputs/list"], "--out"),
    ],
)
def test_wrong_arguments_are_named(command, check, monkeypatch, arguments, message):
    monkeypatch.chdir(command.root)
    assert check(*arguments) == 2
    assert command.warned.startswith(f"imug-metrics: {message}: expected")


def test_a_model_needs_a_folder_to_be_looked_for_in(command):
    assert command.run("check", "--benchmark", command.benchmark, "--model", "steady") == 2
    assert "--model" in command.warned
    shutil.rmtree(command.outputs)
    assert command.run("check", "--benchmark", command.benchmark) == 0
