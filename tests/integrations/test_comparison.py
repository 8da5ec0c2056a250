# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of a harness with the library: it must see what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrations.comparison import COMPARED, Outcome, differences
from tests.integrations.environments import HARNESSES, ROOT
from tests.integrations.recorded import expected
from tests.integrations.status import record, shown

WHOLE = {name: expected()[name] for name in COMPARED}


@pytest.mark.parametrize("digits", [17, 6, 4])
def test_all_digits_that_are_there_count(digits: int) -> None:
    rounded = {name: round(value, digits) for name, value in WHOLE.items()}
    assert differences(rounded) == []
    for name, value in rounded.items():
        assert len(differences({**rounded, name: value + 10**-4})) == 1


@pytest.mark.parametrize("value", [None, "0.65", float("nan"), True, 0.65])
def test_what_is_no_number_or_has_too_few_digits_differs(value: object) -> None:
    assert len(differences({**WHOLE, "answer_accuracy": value})) == 1
    assert len(differences({})) == len(COMPARED)


def test_the_status_keeps_the_rows_of_others(tmp_path: Path) -> None:
    page = tmp_path / "status.md"
    record("lm_eval", Outcome("lm-eval 1", WHOLE, (), "by the harness"), 60, page)
    record("evaluate", Outcome("evaluate 1", WHOLE, ("answer_accuracy is 1 | 2",), ""), 50, page)
    record("lm_eval", Outcome("lm-eval 2", WHOLE, (), ""), 61, page)
    lines = [line for line in page.read_text().splitlines() if line.startswith("| [")]
    assert len(lines) == 2
    assert lines[0].startswith("| [evaluate](evaluate.md) | evaluate 1 |")
    assert "**differs**: answer_accuracy is 1 / 2" in lines[0]
    assert "lm-eval 2" in lines[1]
    assert "equal" in lines[1]


def test_an_outcome_is_told_in_one_line() -> None:
    assert "answer_accuracy 0.65" in shown(Outcome("x 1", WHOLE, (), ""))
    assert shown(Outcome("", {}, ("run.py ended with 1: no",), "")) == "run.py ended with 1: no"


def test_every_harness_has_pins_a_run_and_a_page() -> None:
    folders = [folder for folder in HARNESSES.iterdir() if folder.is_dir() and folder.name != "__pycache__"]
    for folder in folders:
        for name in ("requirements.txt", "constraints.txt", "run.py"):
            assert (folder / name).is_file(), f"{folder.name} has no {name}"
        pins = [line for line in (folder / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
        assert all("==" in pin and "/" not in pin.partition(";")[0] for pin in pins), folder.name
        assert (ROOT / "docs" / "integrations" / f"{folder.name}.md").is_file(), folder.name
