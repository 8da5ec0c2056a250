# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which harnesses the command runs, and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integrations import __main__ as command
from tests.integrations.environments import HARNESSES

ALL = sorted(path.parent.name for path in HARNESSES.glob("*/run.py"))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, equal: bool = True) -> tuple[list[str], int]:
    """The harnesses that were run, and the exit code."""
    found: list[str] = []

    def seen(name: str, wheel: Path, folder: Path, status: bool) -> bool:
        found.append(name)
        return equal

    monkeypatch.setattr(command, "_run", seen)
    monkeypatch.setattr(sys, "argv", ["tests.integrations", "--wheel", "x.whl", *arguments])
    return found, command.main()


def test_no_name_means_all_or_the_quick_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch) == (ALL, 0)
    assert run(monkeypatch, "--quick") == (list(command.QUICK), 0)
    assert {*command.QUICK} < {*ALL}


def test_what_differs_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "lm_eval", equal=False) == (["lm_eval"], 1)


def test_a_name_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "nope")
    assert "got nope" in capsys.readouterr().err
