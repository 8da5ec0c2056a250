# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs that were written before say again what they said, and nothing else is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.inference.model import ModelError, Reply, Want
from imug_metrics.inference.models.replay import RecordedOutputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    question = tmp_path / "model/Botany/growth/question_1"
    question.mkdir(parents=True)
    said = ["turn_1_output.png", "B", "ERROR: blocked", "../../../../secret.png", "ERROR: no image"]
    tasks = [{"turn": turn, "model_response": text} for turn, text in enumerate(said, 1)]
    (question / "result.json").write_text(json.dumps({"tasks": tasks}))
    (question / "turn_1_output.png").write_bytes(b"\x89PNG whatever")
    (question / "turn_5_output.png").write_bytes(b"of an earlier run")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (question / "turn_7_output.png").symlink_to(tmp_path / "secret.png")
    return tmp_path / "model"


def ask(folder: Path, turn: int, want: Want, dialogue: str = "Botany/growth/1") -> Any:
    try:
        return RecordedOutputs(folder)([], want=want, seed=0, dialogue=dialogue, turn=turn)
    except ModelError as error:
        return error.reason if error.is_final else error


def test_texts_and_images_are_those_that_are_recorded(folder: Path) -> None:
    assert ask(folder, 2, "text") == Reply("B")
    assert ask(folder, 1, "image").image.data == b"\x89PNG whatever"


def test_what_failed_fails_for_the_same_reason(folder: Path) -> None:
    assert (ask(folder, 3, "text"), ask(folder, 5, "image")) == ("blocked", "no image")


@pytest.mark.parametrize(
    ("turn", "want", "dialogue"),
    [
        (6, "text", "Botany/growth/1"),
        (2, "image", "Botany/growth/1"),
        (4, "image", "Botany/growth/1"),  # names a file outside
        (7, "image", "Botany/growth/1"),  # links to one
        (1, "text", "Botany/growth/2"),
        (1, "text", "../growth/1"),
        (1, "text", "Botany/growth"),
    ],
)
def test_what_is_not_recorded_is_not_made_up(folder: Path, turn: int, want: Want, dialogue: str) -> None:
    reason = ask(folder, turn, want, dialogue)
    assert reason.startswith(("no ", "expected domain/subdomain/sample_id"))


def test_settings_change_with_the_files(folder: Path) -> None:
    model = RecordedOutputs(folder)
    assert (model.name, model.settings) == ("model", RecordedOutputs(folder).settings)
    (folder / "more.txt").write_text("x")
    assert RecordedOutputs(folder).settings != model.settings
