# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `check`: every problem of a benchmark, of outputs and of judgements, without scoring any of it."""

from __future__ import annotations

import json
from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import describe, print_note
from imug_metrics.evaluation import check_data


def run(options: Namespace) -> int:
    """`imug-metrics check`: 0 if there is no error, 1 if there are some; warnings do not count."""
    models = [name for names in options.model or () for name in names]
    found = check_data(
        options.benchmark, outputs=options.outputs, judged=options.judged, models=models, out=options.out
    )
    problems, listed = found.problems, ""
    if options.out is not None:
        listed = f": {found.report(options.out)}"
    else:
        for problem in problems:
            print(json.dumps(problem.as_row()) if options.json else f"{problem.level:7}  {describe(problem)}")
    print_note(f"{found.samples} samples with {found.turns} turns, {len(found.models)} models looked at")
    print_note(f"{problems.errors} errors and {len(problems) - problems.errors} warnings{listed}")
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE
