# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `imug-metrics`: one module a command, imported when it is run."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from imug_metrics.cli.arguments import parser
from imug_metrics.cli.exit_codes import EXIT_BUG, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.report.sanitize import plain


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments without the program's name; None: those of the process.

    Returns:
        The exit code.

    Example:
        >>> main(["score", "--benchmark", "no-such-folder", "--outputs", ".", "--out", "scores"])
        2
    """
    options = _options(argv)
    try:
        return _run(options)
    except ArgumentError as error:
        names = (name.replace("_", "-") for name in error.arguments)
        flags = ", ".join(name if name.isupper() else f"--{name}" for name in names)  # DIR has no flag
        return _stop(EXIT_USAGE, f"{flags}: {error.message}")
    except InputError as error:  # of what files hold: options are checked before
        return _stop(EXIT_FAILED, f"the data cannot be scored: {error}")
    except (ModuleNotFoundError, OSError) as error:
        return _stop(EXIT_FAILED, str(error))
    except KeyboardInterrupt:
        return _stop(EXIT_INTERRUPTED, "interrupted")
    except Exception:
        traceback.print_exc()
        return _stop(EXIT_BUG, "this is an error of the program itself; please report it with the lines above")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command and its options; those of `bench` are its own."""
    whole = parser()
    options, others = whole.parse_known_args(argv)
    if options.command == "bench":
        options.arguments = others
    elif options.command == "score" and not any(text.startswith("-") for text in others):
        options.files += map(Path, others)  # argparse takes those before an option alone
    elif others:
        whole.error(f"unrecognized arguments: {' '.join(others)}")
    return options


def _run(options: argparse.Namespace) -> int:
    code: int = import_module(f"imug_metrics.cli.{options.command}").run(options)
    return code


def _stop(code: int, message: str) -> int:
    print("imug-metrics:", plain(" ".join(message.split())), file=sys.stderr)
    return code
