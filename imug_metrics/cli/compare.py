# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `compare`: which of the models that were scored differ from each other."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE
from imug_metrics.cli.messages import named_as
from imug_metrics.cli.tables import print_tables
from imug_metrics.evaluation import compare
from imug_metrics.report.sanitize import plain

_FLAGS = {"metrics": "metric", "models": "model", "folder": "DIR", "runs": "DIR"}


def run(options: Namespace) -> int:
    """`imug-metrics compare`: 0; what cannot be compared is an error of the command line."""
    metrics, models = (
        [entry for entries in given or () for entry in entries] for given in (options.metric, options.model)
    )
    with named_as(**_FLAGS):
        found = compare(
            *options.runs,
            metrics=metrics,
            models=models,
            slopes=options.slopes,
            repeats=options.repeats,
            level=options.level,
            power=options.power,
        )
    print_tables(found.tables())
    if options.out is not None:
        print(f"Numbers: {plain(str(found.report(options.out)))}")
    return EXIT_FINE
