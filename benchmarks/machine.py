# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Clocks, memory and ceilings of the machine, and what the machine is."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch


class Ceilings(NamedTuple):
    """What one run of the machine can do at best: bytes moved by a copy and float64 matrix operations, a second."""

    bytes_per_second: float
    flops_per_second: float


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Processor time of one call: unlike the clock on the wall it leaves out other processes' turns."""
    start = time.process_time()
    run()
    return time.process_time() - start


def peak_growth(run: Callable[[], Any]) -> int | None:
    """Bytes by which the process's memory grew at most during one call; None where Linux does not tell."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # memory freed before must not hide memory used now
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError, TypeError):
        return None
    before = _status("VmRSS")
    run()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def measure_ceilings(quick: bool) -> Ceilings:
    """Copy a tensor far larger than the caches, and multiply matrices that fit."""
    source = torch.rand((1 << 22) if quick else (1 << 26))
    target = torch.empty_like(source)
    square = torch.rand(512, 512, dtype=torch.float64)
    copying = _fastest(lambda: target.copy_(source))
    multiplying = _fastest(lambda: square @ square)
    return Ceilings(2 * source.nbytes / copying, 2 * 512**3 / multiplying)


def _fastest(run: Callable[[], Any], repeats: int = 9) -> float:
    run()
    return min(cpu_seconds(run) for _ in range(repeats))


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Median, 20th and 80th percentile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    fifths = statistics.quantiles(values, n=5, method="inclusive")
    return statistics.median(values), fifths[0], fifths[3]


def describe_machine() -> dict[str, Any]:
    """Processor, threads, versions, and how busy the machine was with other work."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "torchmetrics", "numpy")},
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
