# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `demo`: a small benchmark of rendered scenes, written and scored."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE
from imug_metrics.cli.messages import print_note
from imug_metrics.cli.score import score
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Settings


def run(options: Namespace) -> int:
    """`imug-metrics demo`: the outputs it scores lack some on purpose, so 0 when it has finished."""
    if options.dialogues < 1:
        raise ArgumentError("dialogues", f"expected a number from 1, got {options.dialogues}")
    if options.out.exists() and not options.out.is_dir():
        raise ArgumentError("out", f"expected a folder, {options.out} is a file")
    try:
        paths = write_demo_benchmark(options.out, dialogues=options.dialogues, seed=options.seed)
    except FileExistsError as error:
        raise ArgumentError("out", str(error)) from error
    settings = Settings(
        benchmark=paths.benchmark, outputs=paths.outputs, models=paths.models, encoder="scene", resume=options.out
    )
    problems = score(settings, options.out).problems
    print_note(f"{len(problems)} outputs are missing on purpose: {options.out / 'problems.jsonl'}")
    return EXIT_FINE
