# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics check`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import CHECK_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
    check = Command(
        commands,
        "check",
        "list what is wrong with a benchmark, with outputs and with judgements",
        "List every problem with file, line and field, without scoring anything: what cannot be read, what "
        "is missing, repeated or of no use, images that do not decode, links that lead nowhere.",
        CHECK_CODES,
    )
    check.folder("--benchmark", BENCHMARK, required=True)
    check.folder("--outputs", "model outputs, one folder a model")
    check.folder("--judged", "recorded judgements in the official layout")
    check.names("--model", "NAME", "models to check (default: all)")
    check.switch("--json", "print one JSON object a problem")
    check.folder("--out", "write the list to DIR/problems.jsonl instead of printing it")
