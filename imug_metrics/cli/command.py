# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A command's parser, to which options are added by their kind."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imug_metrics.cli.epilogs import EXIT_CODES


class Command:
    """A command, whose options are added by their kind."""

    def __init__(self, commands: Any, name: str, summary: str, description: str, epilog: str = EXIT_CODES) -> None:
        style = RawDescriptionHelpFormatter
        texts = {"help": summary, "description": description, "epilog": epilog}
        self.parser = commands.add_parser(name, formatter_class=style, **texts)
        self.options: Any = self.parser

    def group(self, title: str, description: str) -> None:
        """Put the options that follow into a group of their own."""
        self.options = self.parser.add_argument_group(title, description)

    def folder(self, flag: str, text: str, *, required: bool = False, metavar: str = "DIR") -> None:
        """An option whose value is a path."""
        self.options.add_argument(flag, type=Path, required=required, metavar=metavar, help=text)

    def text(self, flag: str, metavar: str, text: str, default: str | None = None) -> None:
        """An option whose value is taken as it is."""
        self.options.add_argument(flag, metavar=metavar, default=default, help=_with_default(text, default))

    def number(self, flag: str, metavar: str, text: str, default: int | None = None) -> None:
        """An option whose value is a whole number."""
        self.options.add_argument(flag, type=int, metavar=metavar, default=default, help=_with_default(text, default))

    def decimal(
        self, flag: str, metavar: str, text: str, default: float | None = None, *, required: bool = False
    ) -> None:
        """An option whose value is a number."""
        text = _with_default(text, default)
        self.options.add_argument(flag, type=float, metavar=metavar, default=default, required=required, help=text)

    def choice(self, flag: str, choices: Sequence[str], default: str, text: str) -> None:
        """An option whose value is one of a few words."""
        self.options.add_argument(flag, choices=choices, default=default, help=_with_default(text, default))

    def switch(self, flag: str, text: str) -> None:
        """An option without a value."""
        self.options.add_argument(flag, action="store_true", help=text)

    def names(self, flag: str, metavar: str, text: str, *, required: bool = False, repeated: bool = True) -> None:
        """An option of one or more values, which may come again if it is `repeated`."""
        action = "append" if repeated else "store"
        self.options.add_argument(flag, action=action, nargs="+", required=required, metavar=metavar, help=text)

    def files(self, metavar: str, text: str, number: str | None) -> None:
        """Files without a flag: `files`, or `file` where there is one."""
        name = "file" if number is None else "files"
        self.options.add_argument(name, type=Path, nargs=number, metavar=metavar, help=text)

    def encoder(self, default: str | None, text: str, runs: str = "the encoder runs") -> None:
        """What compares images with prompts, and where it runs, with whatever else `runs` names."""
        self.text("--encoder", "SPEC", f"what compares images and prompts{text}", default)
        self.text("--device", "DEVICE", f"where {runs}, for example cuda (default: cpu)")


def _with_default(text: str, default: object) -> str:
    return text if default is None else f"{text} (default: %(default)s)"
