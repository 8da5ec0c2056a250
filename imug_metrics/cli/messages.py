# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the commands say on standard error, and their list of problems."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from imug_metrics.protocols.imug import Problem, Problems
from imug_metrics.report.files import write_whole
from imug_metrics.report.sanitize import plain


def say(message: str) -> None:
    """One message, on one line whatever the data put into it."""
    print(plain(message), file=sys.stderr)


def some(names: Sequence[str]) -> str:
    """The first names."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def write_problems(problems: Problems, out: Path) -> None:
    """One problem a line, in problems.jsonl."""
    write_whole(out / "problems.jsonl", "".join(json.dumps(problem.as_row()) + "\n" for problem in problems))


def say_problems(problems: Problems, out: Path | None) -> None:
    """How many problems there are, where they are listed, and the first ones."""
    if not problems:
        return
    errors = [problem for problem in problems if problem.level == "error"]
    listed = "" if out is None else f": {out / 'problems.jsonl'}"
    say(f"{len(errors)} errors and {len(problems) - len(errors)} warnings in the data{listed}")
    for problem in errors[:3]:
        say("  " + describe(problem))


def describe(problem: Problem) -> str:
    """A problem on one line: file, line, field and message.

    Example:
        >>> describe(Problem("data.jsonl", 3, "tasks[0].turn", "expected a turn from 1, got 'x'"))
        "data.jsonl:3: tasks[0].turn: expected a turn from 1, got 'x'"
    """
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    return plain(": ".join(part for part in (place, problem.field, problem.message) if part))
