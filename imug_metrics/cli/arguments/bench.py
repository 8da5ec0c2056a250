# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics bench`."""

from __future__ import annotations

from typing import Any


def add(commands: Any) -> None:
    """No option is known here: `imug_benchmarks` parses what follows, in a checkout and where only it is installed."""
    summary = "measure kernels and metrics on this machine: speed, correctness, what an update costs"
    commands.add_parser("bench", help=summary, add_help=False)
