# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `plan`: how many dialogues a comparison of two models needs."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.plan import ComparisonPlan, plan_assumed, plan_comparison

_OF_RESULTS = ("metric", "model")
_ASSUMED = ("p", "correlation", "turns")
_COMMON = ("difference", "between", "power", "level", "comparisons", "repeats", "repeat_variance")
_FLAGS = {"results": "from", "models": "model"}


def run(options: Namespace) -> int:
    """`imug-metrics plan`: 0 if every pair can be planned, 1 if the results say too little of one."""
    with named_as(**_FLAGS):
        found = _plan(options)
    print_tables(found.tables())
    return EXIT_PROBLEMS if any(pair.needed is None for pair in found.pairs) else EXIT_FINE


def _plan(options: Namespace) -> ComparisonPlan:
    common: dict[str, Any] = {name: getattr(options, name) for name in _COMMON}
    if (options.results is None) == (options.p is None):
        raise ArgumentError(("from", "p"), "expected one of them")
    for name in _ASSUMED if options.results is not None else _OF_RESULTS:
        if getattr(options, name) is not None:
            raise ArgumentError(name, f"expected together with --{'from' if options.results is None else 'p'}")
    if options.results is not None:
        models = [name for names in options.model or () for name in names]
        metric = {} if options.metric is None else {"metric": options.metric}
        return plan_comparison(options.results, models=models, **metric, **common)
    for name in _ASSUMED:
        if getattr(options, name) is None:
            raise ArgumentError(name, "expected a number together with --p")
    return plan_assumed(**{name: getattr(options, name) for name in _ASSUMED}, **common)
