# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Operations, waits and copies of one update of every metric, counted without a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest import mock

from imug_metrics.dialogues import batch

from ..dispatch_counts import count
from ..metric_inputs import METRICS, Entry, baselines
from ..registry import Job, Record, Setup


def update_counts(setup: Setup) -> Iterator[Job]:
    yield Job("torchmetrics", _torchmetrics)
    for name, entry in METRICS.items():
        yield Job(name, partial(counts_of, name, entry))


def _torchmetrics() -> Iterator[Record]:
    for name, update in baselines().items():
        yield _counted(name, "flat", update)


def counts_of(name: str, entry: Entry) -> Iterator[Record]:
    """Counts of a second `update`, a `forward` and a `compute`: the first update makes what later ones find ready."""
    inputs = entry.inputs()
    for form, columns in inputs.items():
        for validate in (True, False):
            metric = entry.metric(validate=validate)
            metric.update(**columns)
            label = form if validate else f"{form}, unchecked"
            yield _counted(name, label, partial(metric.update, **columns))
        with _as_on_a_device():
            metric = entry.metric(validate=False, in_order=True)
            metric.update(**columns)
            yield _counted(name, f"{form}, in order on a device", partial(metric.update, **columns))
    metric = entry.metric()
    form, columns = next(iter(inputs.items()))
    metric(**columns)
    yield _counted(name, f"{form}, forward", partial(metric, **columns))
    metric.reset()
    metric.update(**columns)  # once, so that no dialogue comes back
    yield _counted(name, "compute", metric.compute)


def _as_on_a_device() -> AbstractContextManager[Any]:
    """Let updates compute in the form of devices, of few and large operations."""
    return mock.patch.object(batch, "on_cpu", return_value=False)


def _counted(name: str, form: str, run: Callable[[], Any]) -> Record:
    return {"kind": "count", "name": name, "input": form, "counts": count(run)._asdict()}
