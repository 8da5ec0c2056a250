# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `specv`: judged answers to SpecV."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.own_data import chosen
from imug_metrics.cli.tables import print_tables
from imug_metrics.evaluation import evaluate_specv
from imug_metrics.report.sanitize import plain


def run(options: Namespace) -> int:
    """`imug-metrics specv`: 0 if all data were fine, 1 if some were missing or malformed."""
    with named_as(tracks="track", name="track"):
        found = evaluate_specv(
            options.checkout, results=options.results, tracks=chosen(options.track), models=chosen(options.model)
        )
    print_tables(found.tables())
    for note in found.notes:
        print(plain(note))
    if options.out is not None:
        print(f"Report: {plain(str(found.report(options.out)))}")
    report_problems(found.problems, options.out)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE
