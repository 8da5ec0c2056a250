# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Clocks, memory, random data and ceilings of the machine, and what the machine is."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ON_GPU = DEVICE.type == "cuda"

_LONG = 0.1  # seconds of one call beyond which the host's clock is as good as the device's
_PACKAGES = ("torch", "triton", "torchmetrics", "numpy", "pillow", "transformers", "imug-metrics")


class Ceilings(NamedTuple):
    """What one run of the machine can do at best.

    `bytes_per_second` are moved by a large copy; `flops_per_second` is the rate of a matrix product in float64 on a
    CPU, the working precision there, and in bfloat16 on a GPU; `by_dtype` has the rate of each dtype on a GPU, `tf32`
    among them; `launch_seconds` is one call of the smallest operation among many.
    """

    bytes_per_second: float
    flops_per_second: float
    by_dtype: dict[str, float] = {}  # noqa: RUF012  (never changed)
    launch_seconds: float = 0.0

    def flops(self, dtype: str) -> float:
        """Rate of products of rows of a dtype; float32 may be made of three TF32 products, as accurate as itself."""
        rate = self.by_dtype.get(dtype, self.flops_per_second)
        return max(rate, self.by_dtype.get("tf32", 0.0) / 3) if dtype == "float32" else rate


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Processor time of one call: unlike the clock on the wall it leaves out other processes' turns."""
    start = time.process_time()
    run()
    return time.process_time() - start


def seconds(run: Callable[[], Any]) -> float:
    """Time of one call: processor time on a CPU; on a GPU a median with cold caches, or the clock if it takes long."""
    if not ON_GPU:
        return cpu_seconds(run)
    whole = clock_seconds(run)
    if whole > _LONG:
        return whole
    from triton.testing import do_bench  # installed with every build of PyTorch for CUDA

    milliseconds: float = do_bench(run, warmup=5, rep=25, return_mode="median")
    return milliseconds / 1000


def clock_seconds(run: Callable[[], Any]) -> float:
    """Time of one call by the clock, until the device is idle again."""
    _settle()
    start = time.perf_counter()
    run()
    _settle()
    return time.perf_counter() - start


def call_seconds(run: Callable[[], Any], at_least: float = 0.01) -> float:
    """Time of one of many calls back to back, without CUDA graphs: what a small batch costs, launches and all.

    Processor time on a CPU; on a GPU the clock until the device has done them all.
    """

    def many() -> None:
        for _ in range(count):
            run()

    run()  # a warm-up, since the caches hold what another provider left there
    count, clock = 4, clock_seconds if ON_GPU else cpu_seconds
    while (took := clock(many)) < at_least:
        count = max(2 * count, min(100 * count, round(1.2 * count * at_least / max(took, 1e-9))))
    return took / count


def _settle() -> None:
    if ON_GPU:
        torch.cuda.synchronize()


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


def draw(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Normal numbers, drawn on the device: a device idles while a processor draws for it."""
    return torch.randn(shape, generator=_generator(seed), dtype=dtype, device=DEVICE)


def draw_integers(low: int, high: int, count: int, seed: int = 0) -> Tensor:
    """Integers from `low` to `high - 1`, drawn on the device."""
    return torch.randint(low, high, (count,), generator=_generator(seed), device=DEVICE)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator(DEVICE).manual_seed(seed)


def fitting(rows: int, bytes_per_row: float) -> int:
    """So many rows, or as many as fill a sixteenth of the GPU's memory: baselines keep many copies of them."""
    if not ON_GPU:
        return rows
    return min(rows, int(torch.cuda.get_device_properties(DEVICE).total_memory / 16 / bytes_per_row))


def measure_ceilings(quick: bool) -> Ceilings:
    """Copy a tensor far larger than the caches, and multiply matrices that keep the machine busy."""
    count = (1 << 22) if quick else fitting(1 << 30, 4) if ON_GPU else (1 << 26)
    bandwidth = _copy_rate(torch.rand(count, device=DEVICE))
    one = torch.zeros(1, device=DEVICE)
    launching = min(call_seconds(lambda: one.add_(0)) for _ in range(3))
    edge = 512 if quick or not ON_GPU else 8192
    rates = {name: _product_rate(edge, name) for name in (_DTYPES if ON_GPU else ("float64",))}
    working = rates["bfloat16" if ON_GPU else "float64"]
    return Ceilings(bandwidth, working, rates if ON_GPU else {}, launching)


def _copy_rate(source: Tensor) -> float:
    target = torch.empty_like(source)
    return 2 * source.nbytes / _fastest(lambda: target.copy_(source))


_DTYPES = ("bfloat16", "float16", "tf32", "float32", "float64")


def _product_rate(edge: int, name: str) -> float:
    """Operations a second of a square product by cuBLAS, or by the CPU's library."""
    dtype = torch.float32 if name == "tf32" else getattr(torch, name)
    square = torch.rand(edge, edge, device=DEVICE).to(dtype)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
    try:
        return 2 * edge**3 / _fastest(lambda: square @ square)
    finally:
        torch.set_float32_matmul_precision(before)


def _fastest(run: Callable[[], Any], repeats: int = 5) -> float:
    run()
    return min(seconds(run) for _ in range(repeats))


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Median, 20th and 80th percentile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    fifths = statistics.quantiles(values, n=5, method="inclusive")
    return statistics.median(values), fifths[0], fifths[3]


def describe_machine() -> dict[str, Any]:
    """Processor, device, threads, versions, and how busy the machine was with other work."""
    return {
        "cpu": _cpu_model(),
        "gpu": _gpu_model(),
        "driver": _driver(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _gpu_model() -> str | None:
    """Return name, capability and memory of the GPU, and the version of CUDA that PyTorch brings."""
    if not ON_GPU:
        return None
    seen = torch.cuda.get_device_properties(DEVICE)
    return f"{seen.name}, sm_{seen.major}{seen.minor}, {seen.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"


def _driver() -> str | None:
    """Version of the driver, largest clocks and limit of power, as nvidia-smi says them."""
    program = shutil.which("nvidia-smi")
    if not ON_GPU or program is None:
        return None
    fields = "driver_version,clocks.max.sm,clocks.max.mem,power.limit"
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader", "--id=0"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
