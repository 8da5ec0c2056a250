# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `scaling`: one model under several strategies of test-time scaling, on the same turns."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import print_note, report_problems
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Strategy, evaluate_scaling
from imug_metrics.report.sanitize import plain


def run(options: Namespace) -> int:
    """`imug-metrics scaling`: 0 if all data were fine, 1 if some were missing or malformed."""
    strategies = [_parse(text) for texts in options.runs for text in texts]
    if options.encoder == "scene":
        print_note("note: the scene encoder knows only rendered scenes of coloured shapes; name another with --encoder")
    found = evaluate_scaling(
        options.benchmark,
        strategies,
        baseline=options.baseline,
        encoder=options.encoder,
        device=options.device,
        bootstrap=options.bootstrap,
        out=options.out,
    )
    page = found.report(options.out)
    print_tables(found.tables())
    for note in found.notes:
        print_note(note)
    print(f"Report: {plain(str(page))}")
    report_problems(found.problems, options.out)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE


def _parse(text: str) -> Strategy:
    """A strategy from NAME=DIR or NAME=DIR:n."""
    name, equals, place = text.partition("=")
    if not equals or not name or not place:
        raise ArgumentError("runs", f"expected NAME=DIR or NAME=DIR:n, got {text!r}")
    folder, colon, count = place.rpartition(":")
    if not colon or not count.isdecimal() or Path(place).is_dir():
        return Strategy(name, Path(place))
    if int(count) < 1:
        raise ArgumentError("runs", f"expected a number of candidates from 1, got {text!r}")
    return Strategy(name, Path(folder), int(count))
