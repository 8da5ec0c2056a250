# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics cache`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.cli.command import Command


def add(commands: Any) -> None:
    """Add the command and its options."""
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
