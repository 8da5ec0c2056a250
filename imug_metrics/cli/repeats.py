# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `repeats`: how much of a score is the luck of a run."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE
from imug_metrics.cli.messages import named_as
from imug_metrics.cli.tables import print_tables
from imug_metrics.evaluation import repeated_runs
from imug_metrics.report.sanitize import plain

_FLAGS = {"metrics": "metric", "models": "model", "folder": "DIR", "runs": "DIR"}


def run(options: Namespace) -> int:
    """`imug-metrics repeats`: 0; what is no repeat of the same models is an error of the command line."""
    given = options.metric, options.model
    metrics, models = ([name for names in chosen or () for name in names] for chosen in given)
    with named_as(**_FLAGS):
        found = repeated_runs(*options.runs, metrics=metrics, models=models)
    print_tables(found.tables())
    if options.out is not None:
        print(f"Numbers: {plain(str(found.report(options.out)))}")
    return EXIT_FINE
