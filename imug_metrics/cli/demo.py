# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `demo`: a small benchmark of rendered scenes, written and scored."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.errors import EXIT_FINE, UsageError
from imug_metrics.cli.messages import say
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.evaluation.score import Job, score


def run(options: Namespace) -> int:
    """`imug-metrics demo`: the outputs it scores lack some on purpose, so 0 when it has finished."""
    if options.dialogues < 1:
        raise UsageError(f"--dialogues: expected a number from 1, got {options.dialogues}")
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out: expected a folder, {options.out} is a file")
    try:
        paths = write_demo_benchmark(options.out, dialogues=options.dialogues, seed=options.seed)
    except FileExistsError as error:
        raise UsageError(f"--out: {error}") from error
    _, problems = score(Job(paths.benchmark, paths.outputs, paths.models, options.out))
    say(f"{len(problems)} outputs are missing on purpose: {options.out / 'problems.jsonl'}")
    return EXIT_FINE
