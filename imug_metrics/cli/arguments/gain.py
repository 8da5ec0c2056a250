# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics gain`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK, KINDS
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    gain = Command(
        commands,
        "gain",
        "compare two folders of outputs, or two logs, turn by turn",
        "How much better outputs A answer the text turns of the benchmark than outputs B: the mean of A - B over "
        "turns that both answered, overall, by class, domain and turn, with 95 % intervals by dialogue. Questions "
        "whose key depends on the model's own images are left out. With an encoder image turns are compared as well by "
        "their alignment with the prompt, with judgements by their points. Without --benchmark A is a log of "
        "dialogues and B one of the same items asked alone: the gap between interleaved and isolated.",
        WITH_OUT,
    )
    gain.folder("--benchmark", f"{BENCHMARK}; without it A and B are logs")
    gain.folder("--a", "outputs A, one folder a model, or a log", required=True, metavar="PATH")
    gain.folder("--b", "outputs B, one folder a model, or a log", required=True, metavar="PATH")
    gain.names("--model", "NAME", "models to compare (default: all that both folders hold)")
    gain.choice(
        "--protocol", ("strict", "imug"), "strict", "how answers are scored: for what they say, or by the official rule"
    )
    gain.text("--encoder", "SPEC", "compare images with prompts, as for score (default: image turns are left out)")
    gain.text("--device", "DEVICE", "where the encoder runs, for example cuda (default: cpu)")
    gain.folder("--judged-a", "recorded judgements of outputs A in the official layout: compares points of images")
    gain.folder("--judged-b", "the same of outputs B")
    gain.folder("--out", "where gain.json, of logs gap.json, and problems.jsonl go (default: print only)")
    gain.group("logs", "of any known format; B may be a result file of MMMU, DPG-Bench or T2I-CompBench")
    for side, log in (("a", "A, such as group.item=question_id, which names the item of each turn"), ("b", "B")):
        text = f"which column holds what in log {log}"
        gain.options.add_argument(f"--columns-{side}", action="append", metavar="FIELD=COLUMN,...", help=text)
    gain.text("--score", "NAME", "the score of A that is compared (default: the only one, or answers by their keys)")
    gain.text("--score-b", "NAME", "the same of B (default: likewise)")
    gain.choice("--kind", KINDS, "choice", "how answers are compared with their keys: as options, words or numbers")
    gain.text("--score-range", "LOW:HIGH", "ends of both scores (default: 0:1 where all are within)")
