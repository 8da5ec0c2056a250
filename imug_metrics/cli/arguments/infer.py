# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics infer`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.arguments.texts import BENCHMARK, SPECS
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import INFER_CODES

MODEL_SPECS = (
    "infer:URL (repeatable), python:FILE.py:FUNCTION, openai:MODEL, openai-images:MODEL, transformers:FOLDER-OR-NAME, "
    "command:PROGRAM ..., replay:DIR"
)
STRATEGY_FORMS = (
    "direct",
    "cot",
    "evidence[:ROUNDS]",
    "verify[:ROUNDS]",
    "best-of:N:SELECTOR[,SELECTOR]",
    "adaptive:POLICY.json",
)


def add(commands: Any) -> None:
    """Add the command and its options."""
    infer = Command(
        commands,
        "infer",
        "run a model over the dialogues of a benchmark",
        "Lead a model through the dialogues of a benchmark, turn by turn, and write what it answers in the layout that "
        "the other commands read. Every reply is recorded before it is used: the same command goes on where an earlier "
        "one stopped.",
        INFER_CODES,
    )
    infer.folder("--benchmark", BENCHMARK, required=True)
    infer.names("--model", "SPEC", f"the model: {MODEL_SPECS}", required=True)
    infer.text("--name", "NAME", "of its folder of outputs (default: from the model)")
    infer.folder("--out", "where outputs go, one folder a model", required=True)
    infer.number("--limit", "N", "only the first N dialogues")
    infer.number("--seed", "S", "of everything that is drawn", 0)
    infer.number("--concurrency", "N", "requests at a time (default: as many as the model takes)")
    infer.switch("--retry-errors", "ask again where an earlier run failed")
    infer.switch("--overwrite", "forget what an earlier run under this name has left")
    infer.group("model", "how the model is reached")
    infer.text("--model-url", "URL", "server of an openai model, up to and without /chat/completions")
    infer.decimal("--temperature", "T", "of sampling", 0.7)
    infer.group("history", "what the model is shown of earlier turns")
    text = "own outputs, the reference's, or a mixture: own, reference, mixed:E, mixed:SCHEDULE:K"
    infer.text("--history", "CHOICE", text, "own")
    infer.folder("--references", "outputs that are the reference, of one model (default: what the benchmark states)")
    infer.switch("--isolated", "ask each turn without the earlier ones")
    infer.text("--context", "LENGTHS", "fill histories with turns of other dialogues up to so many tokens: 4k,16k,128k")
    infer.text("--tokenizer", "NAME", "what counts these tokens: bytes/4, or hf:FOLDER-OR-NAME", "bytes/4")
    infer.number("--image-tokens", "N", "tokens that every image counts", 256)
    infer.group("strategy", "how a turn is answered")
    text = f"parts joined by +, from the inside out: {', '.join(STRATEGY_FORMS)}"
    infer.text("--strategy", "STRATEGY", text, "direct")
    text = "another model as captioner, reasoner, checker or judger of evidence, or checker of verify"
    infer.names("--role", "ROLE=SPEC", text)
    infer.number("--samples", "N", "runs with seeds of their own, each in a folder DIR/sample_1, ...", 1)
    infer.encoder(None, f", of the selector alignment: {SPECS}", "it and a transformers model run")
    infer.text("--judge-url", "URL", "server of the selector judge, as for score")
    infer.text("--judge-model", "NAME", "its model")
    infer.group("limits", "what this call may spend; recorded replies cost nothing")
    infer.decimal("--max-requests", "N", "requests to the model")
    infer.decimal("--max-tokens", "N", "tokens that it tells of")
    infer.decimal("--max-seconds", "N", "seconds")
