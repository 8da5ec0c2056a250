# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts and grades as models write them."""

from __future__ import annotations

import pytest

from imug_metrics.inference.strategies.verdicts import read_grade, read_step_names, read_verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("ACCEPT", True),
        ("Accept: it shows a red cup.", True),
        ("**REJECT** - the cup is blue", False),
        ("<think>ACCEPT? No.</think>\nREJECT, it is blue", False),
        ("ACCEPTED", None),
        ("ACCEPT/REJECT", None),
        ("ACCEPT or REJECT: I cannot tell", None),
        ("I would ACCEPT it", None),
        ("", None),
        ("é" * 100_000, None),
    ],
)
def test_the_first_word_is_the_verdict(text: str, verdict: bool | None) -> None:
    assert read_verdict(text) is verdict


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("10", 10),
        ("0", 0),
        (" 7.\n", 7),
        ("Score: 8 out of 10", 8),
        ("**6**\nThe cup is right.", 6),
        ("<think>10?</think>4", 4),
        ("11", None),
        ("7/5", None),
        ("7 or 8", None),
        ("7.5", None),
        ("I give it a 7", None),
        ("", None),
        ("٧", 7),
    ],
)
def test_the_number_alone_is_the_grade(text: str, grade: int | None) -> None:
    assert read_grade(text, 0, 10) == grade


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("inference", ("inference",)),
        ("Inference, Task", ("inference", "task")),
        ("**inference**, `task`.", ("inference", "task")),
        ("step inference, Step: task", ()),
        ("step inference, step task", ("inference", "task")),
        ("task, task,task", ("task",)),
        ("task\nbecause of the inference", ("task",)),
        ("<think>task</think>inference", ("inference",)),
        ("NONE", ()),
        ("none, task", ()),
        ("task,", ()),
        ("task and inference", ()),
        ("The task.", ()),
        ("conclusion", ()),
        ("", ()),
        ("task," * 2**16 + "x", ("task",)),
        ("*" * 2**18 + "task", ()),
    ],
)
def test_names_of_steps_are_read_where_nothing_else_is_there(text: str, names: tuple[str, ...]) -> None:
    assert read_step_names(text, ("task", "inference")) == names


def test_a_verdict_behind_long_thoughts_is_read() -> None:
    thoughts = f"<think>{'ACCEPT or REJECT? ' * 10_000}</think>"
    assert read_verdict(f"{thoughts}REJECT: it is blue") is False
    assert read_grade(f"{thoughts}7", 0, 10) == 7
    assert read_step_names(f"{thoughts}task", ("task",)) == ("task",)
