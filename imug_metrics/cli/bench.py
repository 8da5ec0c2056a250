# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `bench`: benchmarks, whose options are their own."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module


def run(options: Namespace) -> int:
    """`imug-metrics bench`: hands its arguments on, as `python -m imug_benchmarks` takes them."""
    code: int = import_module("imug_benchmarks.command").main(options.arguments)
    return code
