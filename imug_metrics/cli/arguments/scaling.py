# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics scaling`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK
from imug_metrics.cli.command import Command


def add(commands: Any) -> None:
    """Add the command and its options."""
    scaling = Command(
        commands,
        "scaling",
        "compare strategies of test-time scaling on the same turns",
        "Compare outputs of one model under several strategies, such as plain, chain-of-thought and "
        "best-of-n: gains over the first, turn by turn, with bounds that hold for all of them at once, what they cost, "
        "and the score of the best of k where a strategy left several candidates a turn.",
    )
    scaling.folder("--benchmark", BENCHMARK, required=True)
    scaling.names(
        "--runs",
        "NAME=DIR[:n]",
        "strategies by name: the folder of one model's outputs, and how many candidates a turn to use (default: all)",
        required=True,
    )
    scaling.text("--baseline", "NAME", "what the others are compared with (default: the first)")
    scaling.folder("--out", "where the report goes", required=True)
    scaling.encoder("scene", ", as for score")
    scaling.number(
        "--bootstrap",
        "R",
        "bounds by a bootstrap over dialogues of R replicates instead of Holm's and Bonferroni's rules",
        0,
    )
