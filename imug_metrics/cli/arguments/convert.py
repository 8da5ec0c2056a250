# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.arguments.reading import add_reading
from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import CONVERT_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
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
    add_reading(convert)
