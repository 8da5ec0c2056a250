# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of every command that reads own data."""

from __future__ import annotations

from imug_metrics.cli.command import Command


def add_reading(command: Command) -> None:
    """Add the options that say how own data are read."""
    command.group("files", "how your own data is read")
    command.text("--format", "FORMAT", "of the files (default: found by their content)")
    text = "which column holds what, such as dialogue=id,turn=t,text=reply,target=key,score=s"
    command.options.add_argument("--columns", action="append", metavar="FIELD=COLUMN,...", help=text)
    command.folder("--images", "folder that image paths of the files begin at (default: each file's own)")
