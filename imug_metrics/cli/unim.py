# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `unim`: a model's answers to UniM, scored for structure and, with a judge, for sense and coherence."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import report_problems
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import UnimSettings, evaluate_unim
from imug_metrics.judges import Judge, OpenAIJudge
from imug_metrics.report.sanitize import plain

_NAMED = (
    "references", "outputs", "repeated", "text", "need_files", "missing", "captions", "reference_captions",
    "retry_errors", "scale", "out",
)  # fmt: skip


def run(options: Namespace) -> int:
    """`imug-metrics unim`: 0 if all data were fine, 1 if some were missing or malformed."""
    for name in ("captions", "reference_captions", "retry_errors"):
        if getattr(options, name) and options.judge_model is None:
            raise ArgumentError(name, "expected together with --judge-model; structure needs none")
    settings = UnimSettings(
        supports=None if options.supports is None else tuple(options.supports),
        judge=_judge(options),
        journal=None if options.out is None else options.out / "judge.jsonl",
        **{name: getattr(options, name) for name in _NAMED},
    )
    found = evaluate_unim(settings)
    print_tables(found.tables())
    for note in found.notes:
        print(note)
    if options.out is not None:
        print(f"Report: {plain(str(found.report(options.out)))}")
    report_problems(found.problems, options.out)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE


def _judge(options: Namespace) -> Judge | None:
    if (options.judge_url is None) != (options.judge_model is None):
        raise ArgumentError(("judge_url", "judge_model"), "expected both or none")
    return None if options.judge_model is None else OpenAIJudge(options.judge_model, base_url=options.judge_url)
