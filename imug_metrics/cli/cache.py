# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `cache`: what a folder of kept embeddings holds, forgetting it, taking it elsewhere."""

from __future__ import annotations

from argparse import Namespace

from imug_metrics.cli.exit_codes import EXIT_FINE
from imug_metrics.cli.tables import print_tables
from imug_metrics.encoders.cache import CacheUsage, DiskCache
from imug_metrics.errors import ArgumentError
from imug_metrics.report.tables.table import Cell, Table


def run(options: Namespace) -> int:
    """`imug-metrics cache info`, `clear` and `export`."""
    if not DiskCache.is_at(options.folder):
        raise ArgumentError("folder", f"expected a folder of kept embeddings, {options.folder} is none")
    cache = DiskCache(options.folder)
    usage = cache.usage()
    if options.action == "info":
        print_tables([_table(usage)])
        return EXIT_FINE
    encoder = options.encoder
    if encoder is not None and encoder not in {part.fingerprint for part in usage}:
        raise ArgumentError("encoder", f"expected a fingerprint that `cache info` lists, got {encoder!r}")
    if options.action == "clear":
        print(f"{cache.clear(encoder)} rows forgotten")
    else:
        print(f"{cache.export(options.out, encoder)} rows written to {options.out}")
    return EXIT_FINE


def _table(usage: list[CacheUsage]) -> Table:
    rows = [
        [Cell(part.fingerprint), Cell(part.kind), Cell(f"{part.rows:,}"), Cell(f"{part.bytes / 1e6:,.1f}")]
        for part in usage
    ]
    return Table(("Encoder", "Kind", "Rows", "MB"), [rows])
