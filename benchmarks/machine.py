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

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ON_GPU = DEVICE.type == "cuda"

_LONG = 0.1  # seconds of one call beyond which the host's clock is as good as the device's


class Ceilings(NamedTuple):
    """What one run of the machine can do at best: bytes moved by a copy and operations of a matrix product, a second.

    The product is in float64 on a CPU, the working precision there, and in bfloat16 on a GPU.
    """

    bytes_per_second: float
    flops_per_second: float


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Processor time of one call: unlike the clock on the wall it leaves out other processes' turns."""
    start = time.process_time()
    run()
    return time.process_time() - start


def seconds(run: Callable[[], Any]) -> float:
    """Time of one call: processor time on a CPU; on a GPU a median with cold caches, or the clock if it takes long."""
    if not ON_GPU:
        return cpu_seconds(run)
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    whole = time.perf_counter() - start
    if whole > _LONG:
        return whole
    from triton.testing import do_bench  # installed with every build of PyTorch for CUDA

    milliseconds: float = do_bench(run, warmup=10, rep=50, return_mode="median")
    return milliseconds / 1000


def clock_seconds(run: Callable[[], Any]) -> float:
    """Time of one call by the clock, for what waits."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak_growth(run: Callable[[], Any]) -> int | None:
    """Bytes by which memory grew at most during one call: the GPU's, or the process's (None: nobody tells)."""
    gc.collect()
    if ON_GPU:
        torch.cuda.reset_peak_memory_stats()
        allocated = torch.cuda.memory_allocated()
        run()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - allocated
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
    """Copy a tensor far larger than the caches, and multiply matrices that keep the machine busy."""
    edge, dtype = (8192, torch.bfloat16) if ON_GPU and not quick else (512, torch.bfloat16 if ON_GPU else torch.float64)
    source = torch.rand((1 << 22) if quick else (1 << 28) if ON_GPU else (1 << 26), device=DEVICE)
    target = torch.empty_like(source)
    square = torch.rand(edge, edge, device=DEVICE).to(dtype)
    copying = _fastest(lambda: target.copy_(source))
    multiplying = _fastest(lambda: square @ square)
    return Ceilings(2 * source.nbytes / copying, 2 * edge**3 / multiplying)


def _fastest(run: Callable[[], Any], repeats: int = 9) -> float:
    run()
    return min(seconds(run) for _ in range(repeats))


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
        "gpu": _gpu_model(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "torchmetrics", "numpy", "pillow")},
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _gpu_model() -> str | None:
    """Return name, capability and memory of the GPU, and the version of CUDA that PyTorch brings."""
    if not ON_GPU:
        return None
    seen = torch.cuda.get_device_properties(DEVICE)
    return f"{seen.name}, sm_{seen.major}{seen.minor}, {seen.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
