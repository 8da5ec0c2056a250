# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Command line: run the cases, print a table, write JSON and CSV."""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

import imug_metrics  # noqa: F401  (first: it makes a mixed torch and torchvision importable for torchmetrics)
from benchmarks import cases as _all_cases  # noqa: F401  (registers them)
from benchmarks.machine import describe_machine, measure_ceilings
from benchmarks.registry import REGISTRY
from benchmarks.runner import Row, run_case

SCHEMA = 2
RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(1)
    machine = describe_machine()
    ceilings = measure_ceilings(options.quick)
    rows: list[Row] = []
    for name in options.ops or REGISTRY:
        for case in REGISTRY[name](options.quick):
            rows += run_case(case, ceilings)
    machine["load_average_1min_at_end"] = describe_machine()["load_average_1min"]
    document = {
        "schema": SCHEMA,
        "date": date.today().isoformat(),
        "quick": options.quick,
        "machine": machine,
        "ceilings": ceilings._asdict(),
        "rows": [asdict(row) for row in rows],
    }
    path = options.out / _file_name(machine, options.quick)
    options.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_csv(document["rows"], path.with_suffix(".csv"))
    _print(rows)
    print(path)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--ops", nargs="+", choices=list(REGISTRY), help="groups of cases (default: all)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, metavar="DIR", help="folder of <machine>-<date>.json, .csv"
    )
    return parser.parse_args(arguments)


def _file_name(machine: dict[str, Any], quick: bool) -> str:
    where = machine["gpu"].split(",")[0] if machine["gpu"] else f"{machine['cpu']} {machine['cores']} cores"
    slug = re.sub(r"[^a-z0-9]+", "-", where.lower()).strip("-")
    return f"{slug}-{date.today().isoformat()}{'-quick' if quick else ''}.json"


def write_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """One line a row, with the sizes as one column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, fieldnames=[field.name for field in fields(Row)])
        lines.writeheader()
        for row in rows:
            lines.writerow(row | {"sizes": ";".join(f"{name}={value}" for name, value in row["sizes"].items())})


def _print(rows: list[Row]) -> None:
    """Print one table a case: a line a provider, a column a quantity."""
    by_case: dict[str, dict[str, dict[str, Row]]] = {}
    for row in rows:
        shown = {key: value for key, value in row.sizes.items() if key != "rows" or row.axis == "rows"}
        title = f"{row.name} ({', '.join(f'{key} {value}' for key, value in shown.items())})"
        by_case.setdefault(title, {}).setdefault(row.provider, {})[row.quantity] = row
    for title, providers in by_case.items():
        table = Table(title=title, title_justify="left")
        table.add_column("provider")
        for column in ("rows", "rows/s", "p20-p80", "ratio", "roofline", "peak MiB", "state bytes", "error"):
            table.add_column(column, justify="right")
        for name, found in providers.items():
            table.add_row(name, *_cells(found))
        Console(width=150).print(table)


def _cells(found: dict[str, Row]) -> list[str]:
    rate = found["throughput"]
    memory, state, error = (found.get(quantity) for quantity in ("peak memory", "state", "error"))
    return [
        f"{rate.sizes['rows']:,}",
        f"{rate.median:,.0f}",
        f"{rate.p20:,.0f}-{rate.p80:,.0f}",
        "baseline" if rate.baseline else f"{rate.ratio:.2f}x",
        f"{rate.roofline:.0%}",
        "" if memory is None else f"{memory.median / 2**20:,.1f}",
        "" if state is None else f"{state.median:,.0f}",
        "" if error is None else f"{error.median:.1e}",
    ]


if __name__ == "__main__":
    main()
