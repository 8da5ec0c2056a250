# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the commands tell on standard error."""

from __future__ import annotations

import sys
from pathlib import Path

from imug_metrics.reading.files import Problem, Problems
from imug_metrics.report.sanitize import plain


def print_note(message: str) -> None:
    """Print one message, on one line whatever the data put into it."""
    print(plain(message), file=sys.stderr)


def report_problems(problems: Problems, out: Path | None) -> None:
    """Print how many problems there are, where they are listed, and the first ones."""
    if not problems:
        return
    errors = [problem for problem in problems if problem.level == "error"]
    listed = "" if out is None else f": {out / 'problems.jsonl'}"
    print_note(f"{len(errors)} errors and {len(problems) - len(errors)} warnings in the data{listed}")
    for problem in errors[:3]:
        print_note("  " + describe(problem))


def describe(problem: Problem) -> str:
    """A problem on one line: file, line, field and message.

    Example:
        >>> describe(Problem("data.jsonl", 3, "tasks[0].turn", "expected a turn from 1, got 'x'"))
        "data.jsonl:3: tasks[0].turn: expected a turn from 1, got 'x'"
    """
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    return plain(": ".join(part for part in (place, problem.field, problem.message) if part))
