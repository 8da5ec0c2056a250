# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `policy`: from runs under several strategies to one that chooses among them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import report_problems
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import Want
from imug_metrics.inference.strategies import learn_policy, read_outcomes
from imug_metrics.inference.strategies.policy_table import policy_tables
from imug_metrics.reading.files import Problems
from imug_metrics.report.sanitize import plain


def run(options: Namespace) -> int:
    """`imug-metrics policy`: 0 if all data were fine, 1 if some were missing or malformed."""
    runs = dict(_pair("runs", text, "STRATEGY=DIR") for texts in options.runs for text in texts)
    budget = dict(_budget(text) for texts in options.budget for text in texts)
    problems = Problems()
    outcomes = read_outcomes(
        options.benchmark,
        {name: Path(folder) for name, folder in runs.items()},
        options.cost,
        problems,
        encoder=options.encoder,
        device=options.device,
    )
    wanted = {want: found for want, found in outcomes.items() if want in budget}
    policy = learn_policy(wanted, list(runs), budget, seed=options.seed)
    written = policy.write(options.out)
    print_tables(policy_tables(policy))
    print(f"Policy: {plain(str(written))}; use it with --strategy adaptive:{plain(str(written))}")
    report_problems(problems, None)
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def _budget(text: str) -> tuple[Want, float]:
    want, amount = _pair("budget", text, "text=N or image=N")
    try:
        number = float(amount)
    except ValueError:
        number = -1.0
    if want not in ("text", "image") or not 0 < number < float("inf"):
        raise ArgumentError("budget", f"expected text=N or image=N with a number above 0, got {text!r}")
    return ("text" if want == "text" else "image"), number


def _pair(argument: str, text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise ArgumentError(argument, f"expected {form}, got {text!r}")
    return name, value
