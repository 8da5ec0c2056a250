# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Print a result file as Markdown, or renew the tables of a page: `python -m benchmarks.table FILE [--into PAGE]`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .plots import Lines, sweep_lines

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
| provider | rows | rows/s | spread | ratio | GB/s | GFLOP/s | roofline | peak memory | state | error |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("file", type=Path, help="JSON that `python -m benchmarks` wrote")
    parser.add_argument("--into", type=Path, help="page whose tables of this file are replaced, or added at its end")
    options = parser.parse_args(arguments)
    table = section(options.file)
    if options.into is None:
        print(table)
        return
    page = options.into.read_text(encoding="utf-8")
    old = re.search(rf"<!-- results/{re.escape(options.file.name)} -->\n.*?<!-- end of results -->", page, re.DOTALL)
    renewed = f"{page.rstrip()}\n\n{table}" if old is None else page[: old.start()] + table + page[old.end() :]
    options.into.write_text(renewed.rstrip() + "\n", encoding="utf-8")


def section(file: Path) -> str:
    """Return machine and tables of a result file as Markdown, between two comments that mark their place in a page."""
    document = json.loads(file.read_text(encoding="utf-8"))
    parts = [f"<!-- results/{file.name} -->", _machine(document)]
    cases: dict[str, list[Row]] = {}
    for row in document["rows"]:
        if row["axis"] is not None:
            continue
        sizes = {name: value for name, value in row["sizes"].items() if name != "rows"}
        title = f"**{row['name']}** ({', '.join(f'{name} {_plain(value)}' for name, value in sizes.items())})"
        cases.setdefault(title, []).append(row)
    for title, rows in cases.items():
        providers: dict[str, dict[str, Row]] = {}
        for row in rows:
            providers.setdefault(row["provider"], {})[row["quantity"]] = row
        lines = (_line(name, found) for name, found in providers.items())
        parts.append("\n".join((title, "", HEADER, *lines)))
    parts += [_sweep(*key, lines) for key, lines in sweep_lines(document).items()]
    return "\n\n".join((*parts, "<!-- end of results -->"))


def _sweep(name: str, axis: str, lines: Lines) -> str:
    """Time of the first provider and, for each other, how many times faster it is."""
    (baseline, points), *others = lines.items()
    sizes = [size for size, _ in points]
    times = dict(points)
    head = f"| {' | '.join((f'{name} over {axis}', *(f'{size:,}' for size in sizes)))} |\n|---|{'---:|' * len(sizes)}"
    rows = [f"| {baseline}, milliseconds | {' | '.join(_short(1e3 * times[size]) for size in sizes)} |"]
    for provider, found in others:
        ratios = [times[size] / time for size, time in found]
        cells = " | ".join(f"{ratio:.1f}" if ratio >= 0.1 else f"{ratio:.2g}" for ratio in ratios)
        rows.append(f"| {provider}, times faster | {cells} |")
    return "\n".join((head, *rows))


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _machine(document: dict[str, Any]) -> str:
    machine, ceilings = document["machine"], document["ceilings"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    where = machine.get("gpu") or f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} thread, no GPU"
    return (
        f"{where}; {versions}, Python {machine['python']}; {document['date']}. "
        f"Ceilings: {ceilings['bytes_per_second'] / 1e9:,.0f} GB/s of a copy, "
        f"{ceilings['flops_per_second'] / 1e9:,.0f} GFLOP/s of a matrix product. "
        f"Load average {machine['load_average_1min']} at the start, {machine['load_average_1min_at_end']} at the end."
    )


def _plain(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _line(name: str, found: dict[str, Row]) -> str:
    rate = found["throughput"]
    cells = [
        name,
        f"{rate['sizes']['rows']:,}",
        f"{_rounded(rate['median']):,}",
        f"{(rate['p80'] - rate['p20']) / 2 / rate['median']:.0%}",
        "baseline" if rate["baseline"] else f"**{rate['ratio']:.1f}**" if "imug" in name else f"{rate['ratio']:.1f}",
        _cell(found.get("bandwidth"), 1),
        _cell(found.get("arithmetic"), 1e3),
        "" if rate["roofline"] is None else f"{rate['roofline']:.0%}",
        _bytes(found.get("peak memory")),
        _bytes(found.get("state")),
        f"{found['error']['median']:.0e}" if "error" in found else "",
    ]
    return f"| {' | '.join(cells)} |"


def _cell(row: Row | None, factor: float) -> str:
    return "" if row is None else f"{row['median'] * factor:,.1f}"


def _rounded(value: float) -> int:
    """Three digits: more would be noise."""
    return int(float(f"{value:.3g}"))


def _bytes(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{row['median'] / 2**20:,.1f} MiB" if row["median"] >= 1e5 else f"{row['median'] / 1e3:,.1f} kB"


if __name__ == "__main__":
    main()
