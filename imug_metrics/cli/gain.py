# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `gain`: two folders of outputs of the same models, or two logs of the same items, compared by turn."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.own_data import parse_columns, parse_ranges
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import GainEvaluation, GapEvaluation, evaluate_gain, evaluate_gap
from imug_metrics.evaluation.gain import NOTE
from imug_metrics.report.sanitize import plain

_OF_BENCHMARK = ("model", "encoder", "device", "judged_a", "judged_b")
_OF_LOGS = ("columns_a", "columns_b", "score", "score_b", "score_range")


def run(options: Namespace) -> int:
    """`imug-metrics gain`: 0 if all data were fine, 1 if some were missing or malformed."""
    found = _of_logs(options) if options.benchmark is None else _of_benchmark(options)
    print_tables(found.tables())
    print(NOTE)
    if options.out is not None:
        print(f"Numbers: {plain(str(found.report(options.out)))}")
    report_problems(found.problems, options.out)
    return EXIT_PROBLEMS if found.problems.errors else EXIT_FINE


def _of_benchmark(options: Namespace) -> GainEvaluation:
    _refuse(options, _OF_LOGS, "without --benchmark, of two logs")
    models = [name for names in options.model or () for name in names]
    return evaluate_gain(
        options.benchmark,
        options.a,
        options.b,
        models=models,
        protocol=options.protocol,
        encoder=options.encoder,
        device=options.device,
        judged_a=options.judged_a,
        judged_b=options.judged_b,
        out=options.out,
    )


def _of_logs(options: Namespace) -> GapEvaluation:
    _refuse(options, _OF_BENCHMARK, "together with --benchmark")
    ranges = parse_ranges([f"score={options.score_range}"]) if options.score_range else {}
    with named_as(interleaved="a", isolated="b", isolated_score="score_b", columns="columns_a"):
        return evaluate_gap(
            options.a,
            options.b,
            columns=parse_columns(options.columns_a or ()),
            isolated_columns=parse_columns(options.columns_b or ()),
            score=options.score,
            isolated_score=options.score_b,
            kind=options.kind,
            score_range=ranges.get("score"),
        )


def _refuse(options: Namespace, names: tuple[str, ...], expected: str) -> None:
    """Raise where an option of the other form of the command was given."""
    for name in names:
        if getattr(options, name) is not None:
            raise ArgumentError(name, f"expected {expected}")
