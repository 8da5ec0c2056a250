# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Compile every kernel for GPUs that need not be there, print what came of it, and fail if anything is wrong with it.

sm_90 gets every configuration that the launchers can choose, sm_80 and sm_100 the typical ones. fp16 differs from bf16
in the name of an instruction only, so it is left out; --all compiles everything for all three. What is in flight is an
estimate: bytes of rows that a multiprocessor has asked for at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.offline.compiler import Launch, Report
from benchmarks.offline.gate import judge
from benchmarks.offline.launches import all_calls, distinct, typical_calls
from benchmarks.offline.occupancy import BYTES_NEEDED, KIB
from benchmarks.offline.table import markdown, summary

ARCHITECTURES = (80, 90, 100)
MAIN_ARCHITECTURE = 90


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    if os.environ.get("TRITON_INTERPRET") == "1":
        sys.exit("TRITON_INTERPRET=1 interprets; this command compiles. Unset it.")
    found = [(launch, architecture, *judge(launch, architecture)) for launch, architecture in _chosen(options)]
    reports = [report for _, _, report, _ in found if report]
    if options.table is None:
        print(*summary(reports), sep="\n")
        print(f"An H200 needs {BYTES_NEEDED / KIB:.0f} KiB in flight to reach its bandwidth.")
    else:
        for architecture in options.table or ARCHITECTURES:
            print(*markdown(reports, architecture), "", sep="\n")
    for launch, architecture, _, faults in found:
        for fault in faults:
            print(f"sm_{architecture} {' '.join(launch.configuration)}: {fault}")
    faulty = sum(bool(faults) for *_, faults in found)
    print(f"{len(found)} kernels compiled, {faulty} at fault")
    if options.json:
        rows = [_row(*entry) for entry in found]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    sys.exit(faulty > 0)


def _row(launch: Launch, architecture: int, report: Report | None, faults: list[str]) -> dict[str, object]:
    """What is kept of one launch: the whole report, or of one that did not compile its name."""
    name, *configuration = launch.configuration
    named = {"kernel": name, "configuration": configuration, "architecture": architecture}
    return {**named, **(asdict(report) if report else {}), "problems": faults}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--all", action="store_true", help="every configuration for every architecture (ten minutes)")
    extent.add_argument("--typical", action="store_true", help="typical configurations only (a minute)")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the names of kernels")
    parser.add_argument(
        "--table",
        nargs="*",
        type=int,
        choices=ARCHITECTURES,
        help="print a Markdown table of every configuration, for these architectures or for all",
    )
    parser.add_argument("--json", type=Path, help="also write what was found to this file")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> Iterator[tuple[Launch, int]]:
    """Yield the launches that the options ask for, each with every architecture that it is to be compiled for."""
    typical = distinct(typical_calls())
    for configuration, launch in (typical if options.typical else distinct(all_calls())).items():
        if options.only and not any(part in launch.name for part in options.only):
            continue
        if "float16" in configuration and not options.all:
            continue
        everywhere = options.all or configuration in typical
        for architecture in ARCHITECTURES if everywhere else (MAIN_ARCHITECTURE,):
            if architecture >= 90 or not launch.has_descriptors:
                yield launch, architecture


if __name__ == "__main__":
    main()
