# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics context`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    context = Command(
        commands,
        "context",
        "say what longer contexts cost",
        "What longer contexts cost, from outputs of the same turns that `imug-metrics infer --context` has asked at "
        "several lengths: the change of the score per doubling of the tokens, within each turn and with 95 % intervals "
        "by dialogue, the longest context that holds, and the means by length and by depth of the dialogue's own "
        "turns. Questions whose key depends on the model's own images are left out.",
        WITH_OUT,
    )
    context.folder("--benchmark", BENCHMARK, required=True)
    context.folder("--outputs", "holds context_<tokens>/, each with one folder a model", required=True)
    context.names("--model", "NAME", "models to score (default: all)")
    context.encoder(None, ", as for score (default: image turns are left out)")
    context.folder("--out", "where context.json and problems.jsonl go (default: print only)")
