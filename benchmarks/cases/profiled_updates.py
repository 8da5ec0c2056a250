# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What one `update` really launches and waits for, as PyTorch's profiler sees it, and how long one takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

from torch.profiler import ProfilerActivity, profile

from ..machine import ON_GPU, call_seconds
from ..metric_inputs import METRICS, QUICK, Entry, baselines
from ..operations import backend
from ..registry import Job, Record, Setup

# Names of calls by what they are to the host; Triton launches through the driver, PyTorch through the runtime.
EVENTS = {
    "launches": ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx"),
    "copies": ("cudaMemcpyAsync", "cudaMemcpy", "cudaMemcpy2DAsync"),
    "waits": ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize"),
    "items": ("aten::_local_scalar_dense",),
}


def profiled_updates(setup: Setup) -> Iterator[Job]:
    yield Job("torchmetrics", partial(_torchmetrics, setup.quick))
    dearest_first = sorted(METRICS, key=lambda name: METRICS[name].reads != "embeddings")
    for name in QUICK if setup.quick else dearest_first:
        yield Job(name, partial(_of_one, name, METRICS[name], setup.quick))


def _torchmetrics(quick: bool) -> Iterator[Record]:
    for name, update in baselines().items():
        yield _profiled(name, "flat", update, quick)


def _of_one(name: str, entry: Entry, quick: bool) -> Iterator[Record]:
    for form, columns in entry.inputs().items():
        for validate in (True, False):
            update = partial(entry.metric(validate=validate).update, **columns)
            with backend("torch") if quick else nullcontext():  # the interpreter would take minutes
                yield _profiled(name, form if validate else f"{form}, unchecked", update, quick)


def _profiled(name: str, form: str, update: Callable[[], Any], quick: bool) -> Record:
    for _ in range(3):  # kernels are compiled, and a profiler's first look costs more than what it looks at
        update()
    once = call_seconds(update, at_least=0.0 if quick else 0.01)
    counts = {**_events(update), "microseconds": round(1e6 * once, 1)}
    return {"kind": "count", "name": name, "input": form, "counts": counts}


def _events(run: Callable[[], Any]) -> dict[str, int]:
    """Launches, copies and waits of one call. The profiler itself waits once before and once after."""
    device = [ProfilerActivity.CUDA] if ON_GPU else []
    with profile(activities=[ProfilerActivity.CPU, *device]) as nothing:
        pass
    with profile(activities=[ProfilerActivity.CPU, *device]) as seen:
        run()
    own, found = (Counter({row.key: row.count for row in kept.key_averages()}) for kept in (nothing, seen))
    return {
        kind: max(0, sum(found[name] - own[name] for name in names))
        for kind, names in EVENTS.items()
        if ON_GPU or kind == "items"
    }
