# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the commands tell on standard error, and what they call the arguments in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imug_metrics.errors import ArgumentError
from imug_metrics.reading.files import Problem, Problems
from imug_metrics.report.sanitize import plain


def print_note(message: str) -> None:
    """Print one message, on one line whatever the data put into it."""
    print(plain(message), file=sys.stderr)


def report_problems(problems: Problems, out: Path | None, shown: int = 3) -> None:
    """Print how many problems there are, where they are listed, and the first ones, errors before warnings."""
    if not problems:
        return
    errors = [problem for problem in problems if problem.level == "error"]
    listed = "" if out is None else f": {out / 'problems.jsonl'}"
    print_note(f"{len(errors)} errors and {len(problems) - len(errors)} warnings in the data{listed}")
    for problem in errors[:shown]:
        print_note("  " + describe(problem))
    for problem in [problem for problem in problems if problem.level != "error"][: max(0, shown - len(errors))]:
        print_note("  warning: " + describe(problem))
    if out is None and len(problems) > shown:
        print_note(f"  and {len(problems) - shown} more")


def describe(problem: Problem) -> str:
    """A problem on one line: file, line, field and message.

    Example:
        >>> describe(Problem("data.jsonl", 3, "tasks[0].turn", "expected a turn from 1, got 'x'"))
        "data.jsonl:3: tasks[0].turn: expected a turn from 1, got 'x'"
    """
    return plain(str(problem))


@contextmanager
def named_as(**flags: str) -> Iterator[None]:
    """Errors about arguments of a call name the flags that they came from.

    Args:
        flags: by argument; "DIR", in capitals, has no dashes.
    """
    try:
        yield
    except ArgumentError as error:
        raise ArgumentError(tuple(flags.get(name, name) for name in error.arguments), error.message) from error
