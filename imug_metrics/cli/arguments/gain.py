# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics gain`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    gain = Command(
        commands,
        "gain",
        "compare two folders of outputs of the same models, turn by turn",
        "How much better outputs A answer the text turns of the benchmark than outputs B: the mean of A - B over "
        "turns that both answered, overall, by class, domain and turn, with 95 % intervals by dialogue. Questions "
        "whose key depends on the model's own images are left out. With an encoder image turns are compared as well by "
        "their alignment with the prompt, with judgements by their points.",
        WITH_OUT,
    )
    gain.folder("--benchmark", BENCHMARK, required=True)
    gain.folder("--a", "outputs A, one folder a model", required=True)
    gain.folder("--b", "outputs B, one folder a model", required=True)
    gain.names("--model", "NAME", "models to compare (default: all that both folders hold)")
    gain.choice(
        "--protocol", ("strict", "imug"), "strict", "how answers are scored: for what they say, or by the official rule"
    )
    gain.text("--encoder", "SPEC", "compare images with prompts, as for score (default: image turns are left out)")
    gain.text("--device", "DEVICE", "where the encoder runs, for example cuda (default: cpu)")
    gain.folder("--judged-a", "recorded judgements of outputs A in the official layout: compares points of images")
    gain.folder("--judged-b", "the same of outputs B")
    gain.folder("--out", "where gain.json and problems.jsonl go (default: print only)")
