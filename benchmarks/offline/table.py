# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What was compiled, as lines for a terminal and as a table for a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from benchmarks.offline.compiler import Report
from benchmarks.offline.occupancy import KIB

LINE = "{:24}{:>8}{:>9}{:>11}{:>9}{:>12}{:>13}{:>8}{:>15}"
COLUMNS = (
    "kernel | rows | form | tile | warps, stages | registers | stack B | shared KiB | tensor cores | TMA | cp.async "
    "| load B | blocks | in flight KiB"
)
TILE = ("BLOCK_M", "BLOCK_N", "BLOCK_R", "BLOCK_H", "BLOCK_W", "BLOCK_D", "BLOCK_K")
NOT_FORM = (*TILE, "num_warps", "num_stages", "PRECISION", "PADDED_BINS", "TAPS")


def summary(reports: Iterable[Report]) -> Iterator[str]:
    """Yield a line for each kernel and architecture: the least and the most that its configurations use."""
    yield LINE.format(
        "kernel", "", "configs", "registers", "stack B", "shared KiB", "tensor-core", "load B", "in flight KiB"
    )
    for (kernel, architecture), group in groupby(sorted(reports, key=_kernel), _kernel):
        rows = list(group)
        yield LINE.format(
            kernel,
            f"sm_{architecture}",
            len(rows),
            _range([row.registers for row in rows]),
            max(row.stack for row in rows),
            _kib(max(row.shared for row in rows)),
            _range([sum(row.products.values()) for row in rows]),
            _range([row.widest_load for row in rows]),
            _range([row.in_flight // KIB for row in rows]),
        )


def markdown(reports: Sequence[Report], architecture: int) -> Iterator[str]:
    """Yield the lines of a table of one architecture, a row for each kernel and configuration."""
    yield f"**sm_{architecture}**"
    yield ""
    yield f"| {COLUMNS} |"
    yield "|" + "---|" * 5 + "---:|" * 3 + "---|" + "---:|" * 5
    for report in sorted((row for row in reports if row.architecture == architecture), key=_kernel):
        yield "| " + " | ".join(_cells(report)) + " |"


def _cells(report: Report) -> Iterator[str]:
    settings = dict(part.split("=") for part in report.configuration if "=" in part)
    flags = {name: value for name, value in settings.items() if name not in NOT_FORM and value not in ("0", "None")}
    yield report.kernel.strip("_").removesuffix("_kernel")
    yield report.configuration[0]
    yield " ".join(name if value == "True" else f"{name}={value}" for name, value in flags.items())
    yield "x".join(settings[name] for name in TILE if name in settings)
    yield f"{report.warps}, {report.stages}"
    yield str(report.registers)
    yield str(report.stack)
    yield _kib(report.shared)
    repeated = f", each by {report.repeats} warps" if report.repeats > 1 else ""
    yield ", ".join(f"{count} {name}" for name, count in report.products.items()) + repeated
    yield str(report.tile_copies or "")
    yield str(report.asynchronous_copies or "")
    yield str(report.widest_load)
    yield str(report.blocks)
    yield _kib(report.in_flight)


def _kernel(report: Report) -> tuple[str, int]:
    return report.kernel, report.architecture


def _kib(size: int) -> str:
    return f"{size / KIB:.1f}".removesuffix(".0")


def _range(values: list[int]) -> str:
    least, most = min(values), max(values)
    return str(least) if least == most else f"{least}-{most}"
