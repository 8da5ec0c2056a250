# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Functions and classes of a file as models."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import Message
from imug_metrics.inference.models.python_function import PythonFunction

CODE = """\
def plain(history, *, want, seed):
    return f"{history[-1].text} {want} {seed}"


async def later(history, *, want, seed):
    return plain(history, want=want, seed=seed)


class Model:
    name, settings, concurrency, knows_turns, closed = "mine", "7B ", 8, True, False

    def __call__(self, history, *, want, seed, dialogue, turn):
        return f"{dialogue} {turn}"

    async def aclose(self):
        Model.closed = True


class Picky:
    def __init__(self):
        raise OSError("no weights")


class Thing:
    pass
"""
HISTORY = [Message("user", ("hello",))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(CODE)
    return path


def test_a_function_is_called_as_it_is(file: Path) -> None:
    model = PythonFunction(f"{file}:plain")
    assert model(HISTORY, want="text", seed=3) == "hello text 3"
    assert (model.name, model.concurrency, model.knows_turns) == ("plain", 1, False)
    assert asyncio.run(PythonFunction(f"{file}:later")(HISTORY, want="image", seed=1)) == "hello image 1"
    asyncio.run(model.aclose())


def test_a_class_is_made_an_instance_that_keeps_what_it_says_of_itself(file: Path) -> None:
    model = PythonFunction(f"{file}:Model")
    assert model(HISTORY, want="text", seed=3, dialogue="a/b/c", turn=2) == "a/b/c 2"
    assert (model.name, model.concurrency, model.knows_turns) == ("mine", 8, True)
    assert model.settings.startswith("7B Model ")
    asyncio.run(model.aclose())
    assert model._model.closed


def test_settings_change_with_the_code(file: Path) -> None:
    before, other = PythonFunction(f"{file}:plain").settings, PythonFunction(f"{file}:later").settings
    assert PythonFunction(f"{file}:plain").settings == before != other
    file.write_text(CODE + "\n")
    assert PythonFunction(f"{file}:plain").settings != before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Picky", r"Picky\(\) fails with OSError: no weights"),
        ("Thing", "to have a method __call__"),
        ("absent", "has nothing of the name 'absent'"),
    ],
)
def test_what_is_no_model_is_told(file: Path, name: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        PythonFunction(f"{file}:{name}")
    assert caught.value.arguments == ("model",)
