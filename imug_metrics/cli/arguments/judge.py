# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics judge`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    judge = Command(
        commands,
        "judge",
        "ask judges yes/no checklists of outputs, and hold judges against each other",
        "Ask one judge or several for all items of a checklist of each output in one request, or read judgements that "
        "were recorded; then say how far the judges can be believed: agreement, whether models keep their order, "
        "biases, failures, with 95 % intervals by dialogue.",
        WITH_OUT,
    )
    judge.group("what is judged", "one of the four")
    judge.files("FILE", "outputs in any format that `score` reads, with --checklist", "*")
    text = "recorded judgements, one a row: judge, model, dialogue, turn, item, answer or score"
    judge.names("--judgements", "FILE", text)
    judge.folder("--benchmark", "folder of IMUG-Bench, whose evaluation points are the items; with --outputs")
    judge.folder("--specv", "checkout of SpecV with model_outputs, whose checklists are asked")
    judge.group("outputs", "which, and how they are read")
    judge.folder("--outputs", "folder of outputs on --benchmark, one folder a model")
    judge.names("--model", "NAME", "models to judge (default: all)")
    judge.names("--track", "TRACK", "tracks of --specv (default: all)")
    judge.number("--limit", "N", "only the first N samples of --benchmark")
    judge.folder("--checklist", "table of items: question; id, dialogue, turn, expected, weight, category, persists",
                 metavar="FILE")  # fmt: skip
    judge.text("--format", "NAME", "format of FILE (default: found)")
    text = "which column of FILE, or of --judgements, holds what (default: found by usual names)"
    judge.options.add_argument("--columns", action="append", metavar="FIELD=COLUMN,...", help=text)
    judge.folder("--images", "folder that images of FILE are relative to")
    judge.choice("--ask", ("yes_no", "points", "both"), "yes_no", "points of --benchmark as yes/no items or 0 to 5")
    judge.group("judges", "whom to ask; several make a jury")
    judge.names("--judge-url", "URL", "server of the judges, as OpenAI's, or one for each; its key: OPENAI_API_KEY")
    judge.names("--judge-model", "NAME", "models that judge: name it again for another one")
    judge.number("--judge-concurrency", "N", "requests at a time", 16)
    judge.number("--repeats", "N", "times that each request is made", 1)
    judge.switch("--both-orders", "ask a second time with the output's images before those that the model was shown")
    judge.switch("--retry-errors", "ask again where an earlier reply cannot be used")
    judge.names("--people", "NAME", "judges of --judgements that are people: the others are held against them")
    judge.names("--family", "NAME=FAMILY", "family of a judge or model (default: the letters its name begins with)")
    judge.decimal("--best", "X", "highest score of --judgements of whole outputs", 1.0)
    judge.folder("--out", "where journals, report.html, jury.json, judgements.jsonl and problems.jsonl go")
