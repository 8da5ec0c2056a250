# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A function of the user's own, named by its file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.python_file import load_function


def written(folder: Path, code: str, name: str = "mine.py") -> str:
    (folder / name).write_text(code)
    return str(folder / name)


def test_the_function_of_a_file_is_called(tmp_path: Path) -> None:
    found = load_function(written(tmp_path, "def double(x):\n    return 2 * x\n") + ":double", "model")
    assert (found.call(4), found.name, len(found.digest)) == (8, "double", 64)


def test_a_file_is_run_once_for_each_content(tmp_path: Path) -> None:
    code = "class State:\n    pass\n\n\ndef first():\n    return State\n"
    file = written(tmp_path, code)
    first, again = load_function(f"{file}:first", "model"), load_function(f"{file}:State", "selector")
    assert first.call() is again.call
    written(tmp_path, code + "\n")
    changed = load_function(f"{file}:State", "model")
    assert changed.call is not again.call
    assert changed.digest != again.digest


def test_a_module_beside_the_file_is_found_and_the_path_is_left_as_it_was(tmp_path: Path) -> None:
    written(tmp_path, "factor = 3\n", "beside_the_file.py")
    before = list(sys.path)
    file = written(tmp_path, "from beside_the_file import factor\n\n\ndef times(x):\n    return factor * x\n")
    assert load_function(f"{file}:times", "model").call(2) == 6
    assert sys.path == before


def test_a_file_named_like_a_module_takes_nobodys_place(tmp_path: Path) -> None:
    import json

    load_function(written(tmp_path, "def f():\n    return 1\n", "json.py") + ":f", "model")
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        ("x = 1\n", "draw", "has nothing of the name 'draw'"),
        ("draw = 1\n", "draw", "has no function or class of the name 'draw'"),
        ("raise OSError('no weights')\n", "draw", "fails with OSError: no weights"),
        ("def draw(:\n", "draw", "fails with SyntaxError"),
        (None, "draw", "cannot be read: No such file"),
        ("", "not a name", "expected FILE.py:FUNCTION"),
    ],
)
def test_what_cannot_be_had_is_said(tmp_path: Path, code: str | None, name: str, message: str) -> None:
    file = str(tmp_path / "none.py") if code is None else written(tmp_path, code)
    with pytest.raises(ArgumentError, match=message) as raised:
        load_function(f"{file}:{name}", "model")
    assert raised.value.arguments == ("model",)


def test_a_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    with pytest.raises(ArgumentError, match="fails with SystemExit"):
        load_function(written(tmp_path, "raise SystemExit(1)\n") + ":draw", "model")
    assert set(sys.modules) == before
