# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Compile every kernel for GPUs that need not be there; print the registers and what is wrong, and fail if anything is.

sm_90 gets every configuration that the launchers can choose, sm_80 and sm_100 the typical ones. fp16 differs from bf16
in the name of an instruction only, so it is left out; --all compiles everything for all three.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from benchmarks.offline.compiler import Report, compile_launch
from benchmarks.offline.gate import problems
from benchmarks.offline.launches import all_calls, distinct, typical_calls

MAIN_ARCHITECTURE = 90
OTHER_ARCHITECTURES = (80, 100)
LINE = "{:24}{:>8}{:>9}{:>11}{:>9}{:>12}{:>13}{:>8}"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    if os.environ.get("TRITON_INTERPRET") == "1":
        sys.exit("TRITON_INTERPRET=1 interprets; this command compiles. Unset it.")
    found = [(report, problems(report)) for report in compile_all(options.all, options.only)]
    _print([report for report, _ in found])
    for report, faults in found:
        for fault in faults:
            print(f"sm_{report.architecture} {report.kernel} {' '.join(report.configuration)}: {fault}")
    faulty = sum(bool(faults) for _, faults in found)
    print(f"{len(found)} kernels compiled, {faulty} at fault")
    if options.json:
        rows = [{**asdict(report), "problems": faults} for report, faults in found]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    sys.exit(faulty > 0)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every configuration for every architecture (ten minutes)")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the names of kernels")
    parser.add_argument("--json", type=Path, help="also write what was found to this file")
    return parser.parse_args(arguments)


def compile_all(everywhere: bool, only: Sequence[str] = ()) -> list[Report]:
    """Compile every configuration of the kernels whose names hold one of ``only`` (empty: of all)."""
    reports = []
    typical = distinct(typical_calls())
    for configuration, launch in distinct(all_calls()).items():
        chosen = not only or any(part in launch.name for part in only)
        if not chosen or ("float16" in configuration and not everywhere):
            continue
        others = OTHER_ARCHITECTURES if everywhere or configuration in typical else ()
        reports += [compile_launch(launch, architecture) for architecture in (MAIN_ARCHITECTURE, *others)]
    return reports


def _kernel(report: Report) -> tuple[str, int]:
    return report.kernel, report.architecture


def _print(reports: Sequence[Report]) -> None:
    """Print a line for each kernel and architecture: the least and the most that its configurations use."""
    print(LINE.format("kernel", "", "configs", "registers", "stack B", "shared KiB", "tensor-core", "load B"))
    for (kernel, architecture), group in groupby(sorted(reports, key=_kernel), _kernel):
        rows = list(group)
        cells = [
            kernel,
            f"sm_{architecture}",
            len(rows),
            _range([row.registers for row in rows]),
            max(row.stack for row in rows),
            f"{max(row.shared for row in rows) / 1024:.1f}",
            _range([row.tensor_core for row in rows]),
            _range([row.widest_load for row in rows]),
        ]
        print(LINE.format(*cells))


def _range(values: list[int]) -> str:
    least, most = min(values), max(values)
    return str(least) if least == most else f"{least}-{most}"


if __name__ == "__main__":
    main()
