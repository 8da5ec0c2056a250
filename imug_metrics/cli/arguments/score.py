# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics score`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.reading import add_reading
from imug_metrics.cli.arguments.texts import BENCHMARK, KINDS, SPECS
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    score = Command(
        commands,
        "score",
        "score your own data, or a folder of model outputs",
        "Score files of your own, whose format is found by their content: chats, tables, logs of other tools. Or score "
        "model outputs in the IMUG-Bench layout, where a second run with the same arguments goes on where the first "
        "stopped. The scores are printed, and with --out written with a report.",
        WITH_OUT,
    )
    score.files("FILE", "your own data, one model a file unless it says more: chat JSONL, CSV, parquet, ...", "*")
    score.names("--model", "NAME", "models to score (default: all); one name is that of files that name none")
    score.folder("--out", "where scores and report go")
    score.folder("--state", "write the states of all metrics, which `merge` adds up; of FILE alone", metavar="FILE")
    score.switch("--figures", "write every figure as SVG and PDF into DIR/figures as well; needs the extra report")
    score.encoder(None, f": {SPECS} (default: none for files, whose images are then left out; scene for a benchmark)")
    score.folder("--cache", "keep embeddings in this folder for other runs")
    score.choice("--missing", ("skip", "zero"), "skip", "what an absent output counts as")
    add_reading(score)
    score.choice("--kind", KINDS, "choice", "how answers are compared with their keys: as options, words or numbers")
    text = "ends of scores that the files hold, such as judge=1:5 correct=0:1 (default: any number)"
    score.names("--score-range", "NAME=LOW:HIGH", text)
    score.group("benchmark", "model outputs in the layout of IMUG-Bench, in place of files")
    score.folder("--benchmark", BENCHMARK)
    score.folder("--outputs", "holds one folder a model")
    score.folder(
        "--judged",
        "recorded judgements in the official layout: resolved dynamic answers and point scores of images",
    )
    score.folder(
        "--reference-history",
        "outputs of the same models on the reference history, one folder a model: adds exposure bias",
    )
    score.number("--limit", "N", "only the first N samples")
    score.switch("--overwrite", "score again what an earlier run has finished")
    _add_judge(score)


def _add_judge(score: Command) -> None:
    score.group("judge", "a model that resolves dynamic answers and scores images")
    score.text(
        "--judge-url",
        "URL",
        "an OpenAI-compatible server, up to and without /chat/completions (default: OPENAI_BASE_URL); its key is "
        "read from OPENAI_API_KEY and from nowhere else",
    )
    score.text("--judge-model", "NAME", "name of the model there (default: OPENAI_MODEL)")
    score.text("--judge-local", "MODEL", "a local image-text-to-text model instead of a server")
    score.number("--judge-concurrency", "N", "requests at a time", 16)
    score.choice(
        "--judge-protocol",
        ("imug", "strict", "both"),
        "imug",
        "requests of the released tools, whose replies are read both ways; corrected ones; or both, which asks twice",
    )
    score.folder(
        "--official-prompts", "a checkout of IMUG-Bench, whose instructions the judge is given (default: our own)"
    )
    score.number("--repeats", "K", "ask K times, score the mean, and report how far the judge agrees with itself", 1)
    score.switch("--retry-errors", "ask again where an earlier reply cannot be used")
    score.folder("--human", "points by people of some images, as JSON lines or CSV, beside the judge's", metavar="FILE")
