# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics policy`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    policy = Command(
        commands,
        "policy",
        "learn which strategy should answer which turn",
        "From runs of one model under several strategies, learn on half of the dialogues which strategy answers which "
        "turn best for a mean cost of a turn, and try it on the other half. `imug-metrics infer --strategy "
        "adaptive:FILE` follows it.",
        WITH_OUT,
    )
    policy.folder("--benchmark", BENCHMARK, required=True)
    text = "folders of one model's outputs, by the strategy that made them, as infer takes it"
    policy.names("--runs", "STRATEGY=DIR", text, required=True)
    text = "mean cost of a turn, such as text=1.5 image=3; images need an encoder"
    policy.names("--budget", "MODALITY=N", text, required=True)
    policy.text("--cost", "KIND", "kind of cost: outputs, requests, tokens, seconds, images", "requests")
    policy.number("--seed", "S", "of the halves", 0)
    policy.encoder(None, ", as for score (default: image turns are left out)")
    policy.folder("--out", "where the policy goes", required=True, metavar="FILE")
