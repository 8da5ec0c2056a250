# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What NVIDIA's programs say of the kernels, where they are installed: wrong accesses, and the device's counters."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ..registry import Job, Record, Setup

LONGEST = 100.0  # seconds of one program
COUNTERS = {
    "gpu__time_duration.sum": "time",
    "dram__throughput.avg.pct_of_peak_sustained_elapsed": "memory",
    "sm__throughput.avg.pct_of_peak_sustained_elapsed": "arithmetic",
    "sm__warps_active.avg.pct_of_peak_sustained_active": "occupancy",
    "launch__registers_per_thread": "registers",
}


class Program(NamedTuple):
    """A program that watches a call: its name and arguments, the size of the call, and how to read what it prints."""

    name: str
    arguments: tuple[str, ...]
    size: tuple[int, int, str]
    read: Callable[[str], str]


def counters(setup: Setup) -> Iterator[Job]:
    for program in _programs(setup.quick):
        yield Job(" ".join((program.name, *program.arguments[:2])), partial(_watched, program))


def _programs(quick: bool) -> Iterator[Program]:
    size = (14, 16, "float32") if quick else (100_000, 768, "bfloat16")
    names = ",".join(COUNTERS)
    ncu = ("--csv", "--metrics", names, "--kernel-name", "regex:^_.*_kernel", "--target-processes", "all")
    yield Program("ncu", ncu, size, read_counters)
    for tool in ("memcheck", "racecheck", "initcheck"):
        found = ("--tool", tool, "--error-exitcode", "9")
        yield Program("compute-sanitizer", found, (14, 16, "float32") if quick else (140, 768, "bfloat16"), _end)
    stats = ("profile", "--trace=cuda", "--stats=true", "--force-overwrite=true", "--output=/tmp/imug-bench")
    yield Program("nsys", stats, size, partial(_end, lines=60))


def _watched(program: Program) -> list[Record]:
    record = {"kind": "counter", "program": program.name, "name": " ".join(program.arguments[:2])}
    place = shutil.which(program.name, path=None) or shutil.which(program.name, path="/usr/local/cuda/bin")
    if place is None:
        return [{**record, "said": "absent"}]
    package = __package__.rpartition(".")[0] if __package__ else ""
    call = [sys.executable, "-m", f"{package}.one_call", *map(str, program.size)]
    try:
        done = subprocess.run(
            [place, *program.arguments, *call], capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [{**record, "said": str(error)[-400:]}]
    said = program.read(done.stdout) or _end(done.stderr)
    return [{**record, "said": f"{said}\nended with {done.returncode}"}]


def _end(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def read_counters(text: str) -> str:
    """A line a kernel of ncu's table: what each counter says.

    Example:
        >>> print(read_counters('''==PROF== connected
        ... "ID","Kernel Name","Metric Name","Metric Unit","Metric Value"
        ... "0","_gram_kernel","gpu__time_duration.sum","us","41.5"
        ... "0","_gram_kernel","launch__registers_per_thread","register/thread","96"'''))
        _gram_kernel: time 41.5 us, registers 96 register/thread
    """
    lines = text.splitlines()
    start = next((row for row, line in enumerate(lines) if line.startswith('"ID"')), len(lines))
    found: dict[tuple[str, str], list[str]] = {}
    for row in csv.DictReader(lines[start:]):
        counter = COUNTERS.get(row["Metric Name"])
        if counter is not None:
            said = f"{counter} {row['Metric Value']} {row['Metric Unit']}".strip()
            found.setdefault((row["ID"], row["Kernel Name"]), []).append(said)
    return "\n".join(f"{kernel}: {', '.join(said)}" for (_, kernel), said in found.items())
