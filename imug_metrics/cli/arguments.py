# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of every command, one function a command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from imug_metrics._version import __version__
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import (
    CHECK_CODES,
    COMPARE_CODES,
    CONVERT_CODES,
    EXIT_CODES,
    INFER_CODES,
    MERGE_CODES,
    PLAN_CODES,
    READ_CODES,
    WITH_OUT,
)

MODEL_SPECS = (
    "infer:URL (repeatable), python:FILE.py:FUNCTION, openai:MODEL, openai-images:MODEL, transformers:FOLDER-OR-NAME, "
    "command:PROGRAM ..., replay:DIR"
)
STRATEGY_FORMS = ("direct", "cot", "verify[:ROUNDS]", "best-of:N:SELECTOR[,SELECTOR]", "adaptive:POLICY.json")
SPECS = "open_clip:MODEL:WEIGHTS, hf:FOLDER-OR-NAME, timm:MODEL[:FILE], or scene, for rendered scenes alone"
BENCHMARK = "holds data/ and config/"
KINDS = ("choice", "numeric", "exact", "f1")


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command; `command` names the module that runs it."""
    whole = argparse.ArgumentParser(
        prog="imug-metrics",
        description="Metrics for multi-turn, interleaved text-image dialogues.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"imug-metrics {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _add_score,
        _add_infer,
        _add_convert,
        _add_gain,
        _add_context,
        _add_scaling,
        _add_policy,
        _add_compare,
        _add_repeats,
        _add_merge,
        _add_plan,
        _add_check,
        _add_read,
        _add_unim,
        _add_demo,
        _add_cache,
        _add_bench,
    ):
        add(commands)
    return whole


def _add_score(commands: Any) -> None:
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
    _add_reading(score)
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


def _add_infer(commands: Any) -> None:
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
    infer.number("--samples", "N", "runs with seeds of their own, each in a folder DIR/sample_1, ...", 1)
    infer.encoder(None, f", of the selector alignment: {SPECS}", "it and a transformers model run")
    infer.text("--judge-url", "URL", "server of the selector judge, as for score")
    infer.text("--judge-model", "NAME", "its model")
    infer.group("limits", "what this call may spend; recorded replies cost nothing")
    infer.decimal("--max-requests", "N", "requests to the model")
    infer.decimal("--max-tokens", "N", "tokens that it tells of")
    infer.decimal("--max-seconds", "N", "seconds")


def _add_reading(command: Command) -> None:
    command.group("files", "how your own data is read")
    command.text("--format", "FORMAT", "of the files (default: found by their content)")
    text = "which column holds what, such as dialogue=id,turn=t,text=reply,target=key,score=s"
    command.options.add_argument("--columns", action="append", metavar="FIELD=COLUMN,...", help=text)
    command.folder("--images", "folder that image paths of the files begin at (default: each file's own)")


def _add_convert(commands: Any) -> None:
    convert = Command(
        commands,
        "convert",
        "write your own data as chat JSON lines",
        "Write a file of any known format as chat JSON lines, one dialogue a line, with its images beside it.",
        CONVERT_CODES,
    )
    convert.files("FILE", "the file or folder that is read", None)
    convert.parser.add_argument("converted", type=Path, metavar="OUT", help="the file that is written")
    convert.names("--model", "NAME", "models to write (default: all); one name is that of a file that names none")
    convert.folder("--benchmark", "folder of the questions, for outputs in the layout of IMUG-Bench")
    _add_reading(convert)


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


def _add_gain(commands: Any) -> None:
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


def _add_context(commands: Any) -> None:
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


def _add_scaling(commands: Any) -> None:
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


def _add_policy(commands: Any) -> None:
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


def _add_compare(commands: Any) -> None:
    compare = Command(
        commands,
        "compare",
        "say which models differ from each other",
        "Compare every two models that were scored, paired by dialogue and turn: difference, interval and p-value that "
        "hold for all pairs at once, the smallest difference that would have been seen, and the ranks that each model "
        "can have.",
        COMPARE_CODES,
    )
    text = "folders that `imug-metrics score` or `demo` has written"
    compare.parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help=text)
    compare.names("--metric", "KEY", "metrics to compare, such as turn_alignment (default: all that were scored)")
    compare.names("--model", "NAME", "models to compare (default: all)")
    compare.switch("--slopes", "compare the changes per turn as well")
    compare.switch("--repeats", "the folders are repeated runs of the same models: compare their means over the runs")
    compare.decimal("--level", "L", "probability with which all intervals of a metric cover", 0.95)
    compare.decimal("--power", "P", "of the smallest difference that is told", 0.8)
    compare.folder("--out", "where comparison.json goes (default: print only)")


def _add_repeats(commands: Any) -> None:
    repeats = Command(
        commands,
        "repeats",
        "say how much of a score is the luck of a run",
        "From repeated runs of the same models on the same turns: means over the runs with intervals that hold the "
        "luck of the runs, how much of the variance is of dialogues, records and runs, and what more runs would bring.",
        COMPARE_CODES,
    )
    text = "folders that `imug-metrics score` has written, one a run"
    repeats.parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help=text)
    repeats.names("--metric", "KEY", "metrics to look at (default: all that were scored)")
    repeats.names("--model", "NAME", "models to look at (default: all that every run holds)")
    repeats.folder("--out", "where repeats.json goes (default: print only)")


def _add_merge(commands: Any) -> None:
    merge = Command(
        commands,
        "merge",
        "add up parts of an evaluation that were scored apart",
        "Add up files of states that `imug-metrics score --state` has written, such as one a machine: the scores are "
        "those of one evaluation of all dialogues. Nothing in the files is run.",
        MERGE_CODES,
    )
    merge.parser.add_argument("parts", type=Path, nargs="+", metavar="PART", help="files of states")
    merge.text("--model", "NAME", "name of the model of files that hold one suite and name none", "model")
    merge.folder("--out", "where the merged states go (default: print only)", metavar="FILE")
    merge.switch("--json", "print one JSON object")


def _add_plan(commands: Any) -> None:
    plan = Command(
        commands,
        "plan",
        "how many dialogues a comparison of two models needs",
        "How many dialogues, of which each model answers all, a comparison of two models needs to find a difference "
        "with the given power, and which difference the dialogues there are can show. From the results of a finished "
        "run, whose spread from dialogue to dialogue is known, or from assumptions.",
        PLAN_CODES,
    )
    plan.decimal("--difference", "D", "the true difference that is to be found", required=True)
    plan.decimal("--power", "P", "probability of finding it", 0.8)
    plan.decimal("--level", "L", "probability with which the intervals of all comparisons cover together", 0.95)
    plan.number("--comparisons", "K", "number of comparisons at once (default: the pairs of the models, or 1)")
    plan.number("--repeats", "K", "how often each dialogue will be repeated and averaged", 1)
    plan.decimal("--repeat-variance", "V", "variance of a model's mean of a dialogue from repeat to repeat", 0.0)
    plan.decimal("--between", "R", "correlation of two models' means of a dialogue, where it is assumed (default: 0.5)")
    plan.group("from results", "what `imug-metrics score` has written")
    plan.options.add_argument("--from", dest="results", type=Path, metavar="DIR", help="the folder of its --out")
    plan.text("--metric", "KEY", "such as point_score or turn_alignment (default: answer_accuracy)")
    plan.names("--model", "NAME", "models to compare (default: all)")
    plan.group("from assumptions", "of a metric that is a share")
    plan.decimal("--p", "P", "share of right answers")
    plan.decimal("--correlation", "R", "intra-cluster correlation (ICC) of the scores of one dialogue")
    plan.decimal("--turns", "M", "scored turns a dialogue")


def _add_check(commands: Any) -> None:
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


def _add_read(commands: Any) -> None:
    read = Command(
        commands,
        "read",
        "show how one answer is read, and why",
        "Show what is read in one answer of a model and by which rule, or why nothing is read: before a run, to see "
        "what a prompt makes of answers, and after one, where a score surprises. A TEXT that begins with a dash "
        "stands behind --.",
        READ_CODES,
    )
    read.parser.add_argument("text", nargs="?", metavar="TEXT", help="the answer; - reads standard input")
    read.folder("--file", "a text file that holds the answer", metavar="FILE")
    read.folder("--prompt", "a text file with the question, whose options are read in it", metavar="FILE")
    read.text(
        "--options",
        "OPTIONS",
        'the options instead: letters such as ABCD or A,B,C, or a list such as "A) a cup B) a plate" (default: A to G)',
    )
    read.choice("--kind", KINDS, "choice", "what is read, as in answer_accuracy")
    read.choice("--decimal", (".", ","), ".", "decimal separator of numbers")
    read.text("--key", "KEY", "the right answer: gives the scores")
    read.switch("--json", "print one JSON object")


def _add_unim(commands: Any) -> None:
    unim = Command(
        commands,
        "unim",
        "score answers to UniM, in seven modalities",
        "Score a model's interleaved answers to UniM: strict and lenient structure, and with a judge "
        "semantic quality and coherence, by field, domain and difficulty with 95 % intervals by instance.",
        WITH_OUT,
    )
    records = "file or folder of records, as JSON objects on one line or many, or in arrays"
    unim.folder("--references", records, required=True, metavar="F")
    unim.folder("--outputs", "the model's answers, likewise", required=True, metavar="F")
    unim.folder("--out", "where report, numbers and problems go")
    unim.choice(
        "--text",
        ("tags", "prose", "ignore"),
        "tags",
        "what counts as an item of text: <text1> tags, also prose, or nothing",
    )
    unim.choice("--repeated", ("once", "each"), "once", "a tag that comes twice is one item or two")
    unim.switch("--need-files", "a tag counts only if its file is below --outputs")
    unim.choice("--missing", ("skip", "zero"), "zero", "what an instance without an answer counts as")
    unim.names(
        "--supports",
        "MODALITY",
        "modalities that the model can read and write: adds relative scores",
        repeated=False,
    )
    unim.text("--judge-url", "URL", "server of the judge, as OpenAI's; its key: OPENAI_API_KEY")
    unim.text("--judge-model", "NAME", "model of the judge: adds SQCS and ICS")
    unim.switch("--retry-errors", "ask again where an earlier reply cannot be used")
    unim.folder("--captions", "descriptions of the answers' media for the judge", metavar="FILE")
    unim.folder("--reference-captions", "descriptions of the references' media", metavar="FILE")
    unim.choice("--scale", ("grade", "grade/5"), "grade", "how a judge's grade s becomes a share: (s - 1) / 4 or s / 5")


def _add_demo(commands: Any) -> None:
    demo = Command(
        commands,
        "demo",
        "write a small benchmark of rendered scenes and score three simulated models",
        "Write a small benchmark of rendered scenes with the outputs of three simulated models and score them.",
    )
    demo.folder("--out", "where everything goes (default: imug-demo)")
    demo.parser.set_defaults(out=Path("imug-demo"))
    demo.number("--dialogues", "N", "number of dialogues", 60)
    demo.number("--seed", "S", "of the scenes and of the simulated models", 0)


def _add_cache(commands: Any) -> None:
    cache = Command(
        commands,
        "cache",
        "look into a folder of kept embeddings, clear or export it",
        "Embeddings that a CachedEncoder keeps on disk.",
    )
    actions = cache.parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    info = actions.add_parser("info", help="rows and bytes by encoder")
    clear = actions.add_parser("clear", help="forget rows, and remove files that no row needs")
    export = actions.add_parser("export", help="write the rows into one safetensors file")
    for action in (info, clear, export):
        action.add_argument("folder", type=Path, metavar="DIR", help="folder of the cache")
    for action in (clear, export):
        action.add_argument("--encoder", metavar="FINGERPRINT", help="only rows of this encoder (default: all)")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file")


def _add_bench(commands: Any) -> None:
    """No option is known here: `imug_benchmarks` parses what follows, in a checkout and where only it is installed."""
    summary = "measure kernels and metrics on this machine: speed, correctness, what an update costs"
    commands.add_parser("bench", help=summary, add_help=False)
