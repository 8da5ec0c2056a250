# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `context`: outputs of the same turns, asked at several lengths of context."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.tables import print_tables
from imug_metrics.evaluation import evaluate_contexts
from imug_metrics.evaluation.contexts import NOTE
from imug_metrics.report.sanitize import plain


def run(options: Namespace) -> int:
    """`imug-metrics context`: 0 if all data were fine, 1 if some were missing or malformed."""
    models = [name for names in options.model or () for name in names]
    with named_as(models="model"):
        found = evaluate_contexts(
            options.benchmark,
            options.outputs,
            models=models,
            encoder=options.encoder,
            device=options.device,
            out=options.out,
        )
    print_tables(found.tables())
    print(NOTE)
    if options.out is not None:
        print(f"Numbers: {plain(str(found.report(options.out)))}")
    report_problems(found.problems, options.out)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE
