# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `gain`: two folders of outputs of the same models, or two logs of the same items, compared by turn."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.own_data import parse_columns, parse_ranges
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import GainEvaluation, GapEvaluation, evaluate_gain, evaluate_gap
from imug_metrics.evaluation.gain import NOTE
from imug_metrics.evaluation.layouts import kinds
from imug_metrics.report.sanitize import plain

_OF_BENCHMARK = {
    "model": None,
    "protocol": "strict",
    "encoder": None,
    "device": None,
    "judged_a": None,
    "judged_b": None,
}
_OF_LOGS = {"columns_a": None, "columns_b": None, "score": None, "score_b": None, "kind": "choice", "score_range": None}
"""Options of one form of the command, and what they are where they are not given."""


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
    for side in ("a", "b"):
        if not {"outputs", "model"}.isdisjoint(kinds(getattr(options, side))):
            raise ArgumentError(side, "expected a log; folders of outputs are compared with --benchmark DIR")
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


def _refuse(options: Namespace, defaults: Mapping[str, str | None], expected: str) -> None:
    """Raise where an option of the other form of the command was given."""
    for name, default in defaults.items():
        if getattr(options, name) != default:
            raise ArgumentError(name, f"expected {expected}")
