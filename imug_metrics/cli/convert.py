# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `convert`: a file of any known format as chat JSON lines, with the images beside it."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.own_data import FLAGS, chosen, reading
from imug_metrics.evaluation.files import convert_file
from imug_metrics.report.sanitize import plain

_SHOWN = 20


def run(options: Namespace) -> int:
    """`imug-metrics convert`: 0 if all was read, 1 if something was not."""
    with named_as(**{**FLAGS, "out": "OUT"}):
        found = convert_file(
            options.file,
            options.converted,
            benchmark=options.benchmark,
            models=chosen(options.model),
            **reading(options),
        )
    count = sum(map(len, found.values()))
    dialogues = len({(model, record.dialogue) for model, records in found.items() for record in records})
    written = f"{count} turns of {dialogues} dialogues, models: {', '.join(found)}; read as {found.format}"
    print(plain(f"{options.converted}: {written}"))
    report_problems(found.problems, None, _SHOWN)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE
