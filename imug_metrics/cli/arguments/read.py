# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics read`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import KINDS
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import READ_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
    read = Command(
        commands,
        "read",
        "show how one answer is read, and why",
        "Show what is read in one answer of a model and by which rule, or why nothing is read: before a run, to see "
        "what a prompt makes of answers, and after one, where a score surprises. A TEXT that begins with a dash "
        "stands behind --.",
        READ_CODES,
    )
    read.parser.add_argument("text", nargs="?", metavar="TEXT", help="the answer; - reads standard input")
    read.folder("--file", "a text file that holds the answer", metavar="FILE")
    read.folder("--prompt", "a text file with the question, whose options are read in it", metavar="FILE")
    read.text(
        "--options",
        "OPTIONS",
        'the options instead: letters such as ABCD or A,B,C, or a list such as "A) a cup B) a plate" (default: A to G)',
    )
    read.choice("--kind", KINDS, "choice", "what is read, as in answer_accuracy")
    read.choice("--decimal", (".", ","), ".", "decimal separator of numbers")
    read.text("--key", "KEY", "the right answer: gives the scores")
    read.switch("--json", "print one JSON object")
