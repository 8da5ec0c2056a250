# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of every command, one function a command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from imug_metrics._version import __version__

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT_CODES = """exit codes:
  0    finished
  1    finished, but data were missing or malformed: OUT/problems.jsonl lists them
  2    the command line is not as expected; nothing was written
  3    could not finish: a package is missing, an encoder does not load, a file cannot be written
  70   an error of this program; please report it
  130  interrupted; models that were finished are kept, and the same command goes on from there
"""

CHECK_CODES = """exit codes:
  0    nothing is wrong, or nothing worse than warnings
  1    there are errors: something cannot be scored on its merits
  2    the command line is not as expected
"""


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
    _add_score(commands)
    _add_gain(commands)
    _add_scaling(commands)
    _add_check(commands)
    _add_unim(commands)
    _add_demo(commands)
    _add_cache(commands)
    return whole


def _add_score(commands: Commands) -> None:
    score = commands.add_parser(
        "score",
        help="score a folder of model outputs",
        description="Score model outputs in the IMUG-Bench layout with every metric. A second run with the same "
        "arguments goes on where the first stopped.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument("--benchmark", type=Path, required=True, metavar="DIR", help="holds data/ and config/")
    score.add_argument("--outputs", type=Path, required=True, metavar="DIR", help="holds one folder a model")
    score.add_argument("--model", action="append", nargs="+", metavar="NAME", help="models to score (default: all)")
    score.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the scores go")
    score.add_argument(
        "--encoder",
        default="scene",
        metavar="SPEC",
        help="what compares images and prompts: "
        "open_clip:MODEL[:WEIGHTS], hf:NAME, timm:MODEL[:FILE] or scene, for rendered scenes "
        "(default: %(default)s)",
    )
    score.add_argument("--device", metavar="DEVICE", help="where the encoder runs, for example cuda (default: cpu)")
    score.add_argument("--cache", type=Path, metavar="DIR", help="keep embeddings in this folder for other runs")
    score.add_argument(
        "--judged",
        type=Path,
        metavar="DIR",
        help="recorded judgements in the official layout: resolved dynamic answers and point scores of images",
    )
    _add_judge(score)
    score.add_argument(
        "--reference-history",
        type=Path,
        metavar="DIR",
        help="outputs of the same models on the reference history, one folder a model: adds exposure bias",
    )
    score.add_argument(
        "--missing",
        choices=("skip", "zero"),
        default="skip",
        help="what an absent output counts as (default: %(default)s)",
    )
    score.add_argument("--limit", type=int, metavar="N", help="only the first N samples")
    score.add_argument("--overwrite", action="store_true", help="score again what an earlier run has finished")


def _add_judge(score: argparse.ArgumentParser) -> None:
    judge = score.add_argument_group("judge", "a model that resolves dynamic answers and scores images")
    judge.add_argument(
        "--judge-url",
        metavar="URL",
        help="an OpenAI-compatible server, up to and without /chat/completions (default: OPENAI_BASE_URL); its key is "
        "read from OPENAI_API_KEY and from nowhere else",
    )
    judge.add_argument("--judge-model", metavar="NAME", help="name of the model there (default: OPENAI_MODEL)")
    judge.add_argument("--judge-local", metavar="MODEL", help="a local image-text-to-text model instead of a server")
    judge.add_argument(
        "--judge-concurrency", type=int, default=16, metavar="N", help="requests at a time (default: %(default)s)"
    )
    judge.add_argument(
        "--judge-protocol",
        choices=("imug", "strict", "both"),
        default="imug",
        help="requests of the released tools, whose replies are read both ways; corrected ones; or both, which asks "
        "twice (default: %(default)s)",
    )
    judge.add_argument(
        "--official-prompts",
        type=Path,
        metavar="DIR",
        help="a checkout of IMUG-Bench, whose instructions the judge is given (default: our own)",
    )
    judge.add_argument(
        "--repeats",
        type=int,
        default=1,
        metavar="K",
        help="ask K times and report how far the judge agrees with itself",
    )
    judge.add_argument("--retry-errors", action="store_true", help="ask again where an earlier reply cannot be used")
    judge.add_argument(
        "--human", type=Path, metavar="FILE", help="points by people, as JSON lines or CSV, to compare the judge with"
    )


def _add_gain(commands: Commands) -> None:
    gain = commands.add_parser(
        "gain",
        help="compare two folders of outputs of the same models, turn by turn",
        description="How much better run A answers the text turns of the benchmark than run B: the mean of A - B over "
        "turns that both answered, overall, by class, domain and turn, with 95 % intervals by dialogue. Questions "
        "whose key depends on the model's own images are left out.",
        epilog=EXIT_CODES.replace("OUT/problems.jsonl lists them", "with --out problems.jsonl lists them"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gain.add_argument("--benchmark", type=Path, required=True, metavar="DIR", help="holds data/ and config/")
    gain.add_argument("--a", type=Path, required=True, metavar="DIR", help="outputs of run A, one folder a model")
    gain.add_argument("--b", type=Path, required=True, metavar="DIR", help="outputs of run B, one folder a model")
    gain.add_argument(
        "--model",
        action="append",
        nargs="+",
        metavar="NAME",
        help="models to compare (default: all that both folders hold)",
    )
    gain.add_argument(
        "--protocol",
        choices=("strict", "imug"),
        default="strict",
        help="how answers are scored: for what they say, or by the official rule (default: %(default)s)",
    )
    gain.add_argument(
        "--out", type=Path, metavar="DIR", help="where gain.json and problems.jsonl go (default: print only)"
    )


def _add_scaling(commands: Commands) -> None:
    scaling = commands.add_parser(
        "scaling",
        help="compare strategies of test-time scaling on the same turns",
        description="Compare runs of one model under several strategies, such as plain, chain-of-thought and "
        "best-of-n: gains over the first, turn by turn, with bounds that hold for all of them at once, what they cost, "
        "and the score of the best of k where a run left several candidates a turn.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scaling.add_argument("--benchmark", type=Path, required=True, metavar="DIR", help="holds data/ and config/")
    scaling.add_argument(
        "--runs",
        action="append",
        nargs="+",
        required=True,
        metavar="NAME=DIR[:n]",
        help="runs by name: the folder of one model's outputs, and how many candidates of a turn to use (default: all)",
    )
    scaling.add_argument("--baseline", metavar="NAME", help="what the others are compared with (default: first run)")
    scaling.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the report goes")
    scaling.add_argument(
        "--encoder",
        default="scene",
        metavar="SPEC",
        help="what compares images and prompts, as for score (default: %(default)s)",
    )
    scaling.add_argument("--device", metavar="DEVICE", help="where the encoder runs, for example cuda (default: cpu)")
    scaling.add_argument(
        "--bootstrap",
        type=int,
        default=0,
        metavar="R",
        help="bounds by a bootstrap over dialogues of R replicates instead of Holm's and Bonferroni's rules",
    )


def _add_check(commands: Commands) -> None:
    check = commands.add_parser(
        "check",
        help="list what is wrong with a benchmark, with outputs and with judgements",
        description="List every problem with file, line and field, without scoring anything: what cannot be read, what "
        "is missing, repeated or of no use, images that do not decode, links that lead nowhere.",
        epilog=CHECK_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("--benchmark", type=Path, required=True, metavar="DIR", help="holds data/ and config/")
    check.add_argument("--outputs", type=Path, metavar="DIR", help="model outputs, one folder a model")
    check.add_argument("--judged", type=Path, metavar="DIR", help="recorded judgements in the official layout")
    check.add_argument("--model", action="append", nargs="+", metavar="NAME", help="models to check (default: all)")
    check.add_argument("--json", action="store_true", help="print one JSON object a problem")
    check.add_argument(
        "--out", type=Path, metavar="DIR", help="write the list to DIR/problems.jsonl instead of printing it"
    )


def _add_unim(commands: Commands) -> None:
    unim = commands.add_parser(
        "unim",
        help="score answers to UniM, in seven modalities",
        description="Score a model's interleaved answers to UniM: strict and lenient structure, and with a judge "
        "semantic quality and coherence, by field, domain and difficulty with 95 % intervals by instance.",
        epilog=EXIT_CODES.replace("OUT/problems.jsonl lists them", "with --out problems.jsonl lists them"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    path = "file or folder of records, as JSON objects on one line or many, or in arrays"
    unim.add_argument("--references", type=Path, required=True, metavar="F", help=path)
    unim.add_argument("--outputs", type=Path, required=True, metavar="F", help="the model's answers, likewise")
    unim.add_argument("--out", type=Path, metavar="DIR", help="where report, numbers and problems go")
    unim.add_argument(
        "--text",
        choices=("tags", "prose", "ignore"),
        default="tags",
        help="what counts as an item of text: <text1> tags, also prose, or nothing (default: %(default)s)",
    )
    unim.add_argument(
        "--repeated",
        choices=("once", "each"),
        default="once",
        help="a tag that comes twice is one item or two (default: %(default)s)",
    )
    unim.add_argument("--need-files", action="store_true", help="a tag counts only if its file is below --outputs")
    unim.add_argument(
        "--missing",
        choices=("skip", "zero"),
        default="zero",
        help="what an instance without an answer counts as (default: %(default)s)",
    )
    unim.add_argument(
        "--supports",
        nargs="+",
        metavar="MODALITY",
        help="modalities that the model can read and write: adds relative scores",
    )
    unim.add_argument("--judge-url", metavar="URL", help="server of the judge, as OpenAI's; its key: OPENAI_API_KEY")
    unim.add_argument("--judge-model", metavar="NAME", help="model of the judge: adds SQCS and ICS")
    unim.add_argument("--retry-errors", action="store_true", help="ask again where an earlier reply cannot be used")
    unim.add_argument("--captions", type=Path, metavar="FILE", help="descriptions of the answers' media for the judge")
    unim.add_argument("--reference-captions", type=Path, metavar="FILE", help="descriptions of the references' media")
    unim.add_argument(
        "--scale",
        choices=("grade", "grade/5"),
        default="grade",
        help="how a judge's grade s becomes a share: (s - 1) / 4 or s / 5 (default: %(default)s)",
    )


def _add_demo(commands: Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="write a small benchmark of rendered scenes and score three simulated models",
        description="Write a small benchmark of rendered scenes with the outputs of three simulated models and score "
        "them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--out", type=Path, default=Path("imug-demo"), metavar="DIR", help="where everything goes")
    demo.add_argument("--dialogues", type=int, default=60, metavar="N", help="number of dialogues")
    demo.add_argument("--seed", type=int, default=0, metavar="S", help="of the scenes and of the simulated models")


def _add_cache(commands: Commands) -> None:
    cache = commands.add_parser(
        "cache",
        help="look into a folder of kept embeddings, clear or export it",
        description="Embeddings that a CachedEncoder keeps on disk.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = cache.add_subparsers(dest="action", required=True, metavar="ACTION")
    info = actions.add_parser("info", help="rows and bytes by encoder")
    clear = actions.add_parser("clear", help="forget rows, and remove files that no row needs")
    export = actions.add_parser("export", help="write the rows into one safetensors file")
    for action in (info, clear, export):
        action.add_argument("folder", type=Path, metavar="DIR", help="folder of the cache")
    for action in (clear, export):
        action.add_argument("--encoder", metavar="FINGERPRINT", help="only rows of this encoder (default: all)")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file")
