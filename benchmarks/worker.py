# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Run the jobs of some groups in a process of its own and print what comes of each, one JSON object a line.

A process that computes on a device can be lost: after an illegal access nothing more is computed in it, and a crash
takes all with it. So `session` starts this program, reads its lines and starts it again behind the job that it
was lost in.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TextIO

import torch

from .exit_codes import LOST
from .groups import load
from .machine import ON_GPU, Ceilings
from .registry import Job, Setup


@dataclass(frozen=True)
class Orders:
    """What a worker is told, as JSON in its only argument.

    Attributes:
        groups: names, see `groups.load`.
        setup: fields of `Setup`.
        skip: number of the first step to take: groups and jobs are numbered in their order.
        shard: which of how many workers that share the jobs this one is.
        deadline: time since the epoch after which no job begins.
    """

    groups: list[str]
    setup: dict[str, Any] = field(default_factory=dict)
    skip: int = 0
    shard: tuple[int, int] = (0, 1)
    deadline: float | None = None

    def made(self) -> Setup:
        """The setup that the fields describe."""
        given = dict(self.setup)
        if given.get("ceilings"):
            given["ceilings"] = Ceilings(**given["ceilings"])
        return Setup(**{**given, "configs": tuple(given.get("configs", ()))})


Say = Callable[..., None]


def main() -> None:
    lines = _own_output()
    orders = Orders(**json.loads(sys.argv[1]))
    torch.set_num_threads(1)

    def say(event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}), file=lines, flush=True)

    run_all(orders, say)


def _own_output() -> TextIO:
    """The pipe to the session; whatever else is printed goes to the errors."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return lines


def run_all(orders: Orders, say: Say) -> None:
    """Take every step that is this worker's: import a group, run a job, note what comes after the last."""
    for step, (group, job) in zip(count(), _steps(orders)):
        if step < orders.skip or step % orders.shard[1] != orders.shard[0]:
            continue
        place = {"group": group, "step": step, "job": job.name}
        if orders.deadline is not None and time.time() > orders.deadline:
            say("cut", **place)
            continue
        say("start", **place)
        _run(job, place, say)


def _steps(orders: Orders) -> Iterator[tuple[str, Job]]:
    """Every job of the groups in their order; a group that cannot be imported or goes on no more is one of them."""
    setup = orders.made()
    for group in orders.groups:
        try:
            jobs = load(group)(setup)
            gc.unfreeze()
            gc.collect()
            gc.freeze()  # what was imported need not be searched for garbage before each look at the memory
            for job in jobs:
                yield group, job
        except Exception as error:
            yield group, Job(f"{group}, the rest of it", _raising(error))


def _raising(error: Exception) -> Callable[[], Any]:
    def run() -> Any:
        raise error

    return run


def _run(job: Job, place: dict[str, Any], say: Say) -> None:
    start, trouble = time.perf_counter(), False
    try:
        for record in job.run():
            say("record", **place, record=record)
            trouble |= record["kind"] == "problem"
        say("done", **place, seconds=round(time.perf_counter() - start, 3))
    except ModuleNotFoundError as error:
        say("skipped", **place, reason=str(error))
    except Exception as error:
        say("failed", **place, error=last_lines("".join(traceback.format_exception(error))))
        trouble = True
    if trouble:
        _recover(place, say)


def _recover(place: dict[str, Any], say: Say) -> None:
    """Free what the failure left behind; end this process if the device takes no more work."""
    gc.collect()
    if not ON_GPU:
        return
    try:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    except RuntimeError as error:
        say("lost", **place, error=last_lines(str(error)))
        os._exit(LOST)  # the usual way out would ask the device again


def last_lines(text: str, lines: int = 12) -> str:
    """The end of a traceback or of a log, where it says what happened."""
    return "\n".join(text.strip().splitlines()[-lines:])


if __name__ == "__main__":
    main()
