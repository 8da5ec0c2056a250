# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `cache`: what a folder of kept embeddings holds, forgetting it, taking it elsewhere."""

from __future__ import annotations

from argparse import Namespace

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from imug_metrics.cli.errors import EXIT_FINE, UsageError
from imug_metrics.encoders.cache import DiskCache, Holding


def run(options: Namespace) -> int:
    """`imug-metrics cache info`, `clear` and `export`."""
    if not DiskCache.is_at(options.folder):
        raise UsageError(f"expected a folder of kept embeddings, {options.folder} is none")
    cache = DiskCache(options.folder)
    holdings = cache.holdings()
    if options.action == "info":
        _table(holdings)
        return EXIT_FINE
    encoder = options.encoder
    if encoder is not None and encoder not in {held.fingerprint for held in holdings}:
        raise UsageError(f"--encoder: expected a fingerprint that `cache info` lists, got {encoder!r}")
    if options.action == "clear":
        print(f"{cache.clear(encoder)} rows forgotten")
    else:
        print(f"{cache.export(options.out, encoder)} rows written to {options.out}")
    return EXIT_FINE


def _table(holdings: list[Holding]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Encoder", overflow="fold")
    table.add_column("Kind")
    for heading in ("Rows", "MB"):
        table.add_column(heading, justify="right")
    for held in holdings:
        table.add_row(Text(held.fingerprint), Text(held.kind), f"{held.rows:,}", f"{held.bytes / 1e6:,.1f}")
    Console().print(table)
