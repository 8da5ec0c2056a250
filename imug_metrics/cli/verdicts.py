# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `verdicts`: a log of verdicts, and whether permissiveness creeps in."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.own_data import parse_columns
from imug_metrics.cli.tables import print_tables
from imug_metrics.evaluation import evaluate_verdicts
from imug_metrics.report.sanitize import plain


def run(options: Namespace) -> int:
    """`imug-metrics verdicts`: 0 if all rows were read, 1 if some are missing or malformed."""
    with named_as(files="FILE"):
        found = evaluate_verdicts(
            options.files,
            columns=parse_columns(options.columns or ()),
            threshold=options.threshold,
            truth_threshold=options.truth_threshold,
        )
    print_tables(found.tables())
    for finding in found.findings:
        print(plain(f"{finding.model} {finding.text}"))
    if options.out is not None:
        print(f"Report: {plain(str(found.report(options.out)))}")
    report_problems(found.problems, options.out)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE
