# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of the command line, one module a command."""

from __future__ import annotations

import argparse
from importlib import import_module

from imug_metrics._version import __version__
from imug_metrics.cli.epilogs import EXIT_CODES

COMMANDS = (
    "score",
    "infer",
    "convert",
    "gain",
    "context",
    "scaling",
    "policy",
    "compare",
    "repeats",
    "merge",
    "plan",
    "judge",
    "verdicts",
    "check",
    "read",
    "unim",
    "specv",
    "demo",
    "cache",
    "bench",
)
"""In the order of the help; each names its module here, and the one of `imug_metrics.cli` that runs it."""


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
    for command in COMMANDS:
        import_module(f"imug_metrics.cli.arguments.{command}").add(commands)
    return whole
