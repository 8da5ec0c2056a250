# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import MERGE_CODES


def add(commands: Any) -> None:
    """Add the command and its options."""
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
