# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `check`: every problem of a benchmark, of outputs and of judgements, without scoring any of it."""

from __future__ import annotations

import json
from argparse import Namespace

from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.inputs import check_folders, chosen_models
from imug_metrics.cli.messages import describe, say, write_problems
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.check import check_benchmark, check_judged, check_outputs


def run(options: Namespace) -> int:
    """`imug-metrics check`: 0 if there is no error, 1 if there are some; warnings do not count."""
    check_folders(options, ("outputs", "judged"))
    models = _models(options)
    problems = imug.Problems()
    samples = check_benchmark(options.benchmark, problems)
    for model in models:
        if options.outputs is not None:
            check_outputs(samples, options.outputs / model, problems)
        if options.judged is not None:
            check_judged(samples, options.judged, model, problems)
    if options.out is None:
        for problem in problems:
            print(json.dumps(problem.as_row()) if options.json else f"{problem.level:7}  {describe(problem)}")
    else:
        options.out.mkdir(parents=True, exist_ok=True)
        write_problems(problems, options.out)
    turns = sum(len(sample.tasks) for sample in samples)
    say(f"{len(samples)} samples with {turns} turns, {len(models)} models looked at")
    listed = "" if options.out is None else f": {options.out / 'problems.jsonl'}"
    say(f"{problems.errors} errors and {len(problems) - problems.errors} warnings{listed}")
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def _models(options: Namespace) -> list[str]:
    """The models of the outputs, else those of the judgements."""
    if options.outputs is not None:
        return chosen_models(options, "outputs")
    if options.judged is not None:
        folder = options.judged
        judged = [
            name
            for name in imug.list_models(folder)
            if imug.key_file(folder, name).is_file() or imug.point_file(folder, name).is_file()
        ]
        chosen = [name for names in options.model or () for name in names]
        if absent := [name for name in chosen if name not in judged]:
            raise UsageError(f"--model: expected a model with judgements in {folder}, got {absent[0]!r}")
        return chosen or judged
    if options.model:
        raise UsageError("--model: expected together with --outputs or --judged")
    return []
