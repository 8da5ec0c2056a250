# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The list of all groups of cases, and the phases of a run on a GPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .registry import Job, Setup

# Modules of `cases`, each with a function of its own name, in the order in which they run.
GROUPS = (
    "cross",
    "end_to_end",
    "gradients",
    "gram",
    "images",
    "judges",
    "paired",
    "protocol",
    "ragged",
    "rbf",
    "reading",
    "scaling",
    "streaming",
    "structure",
    "sweeps",
    "updates",
)

# Groups of one operation, or of a few alike, that can be asked for in a size of one's own.
SIZED = ("cross", "gradients", "gram", "paired", "ragged", "rbf")


class Phase(NamedTuple):
    """Groups that run in one process, or in several that share the jobs if none of these is timed.

    Attributes:
        name: of the phase.
        groups: names, see `load`.
        share: of the time that is left, among the phases that are left; 0: it runs whole, as what follows needs it.
        workers: number of processes.
    """

    name: str
    groups: tuple[str, ...]
    share: float = 1.0
    workers: int = 1


ENVIRONMENT = Phase("environment", ("ceilings",), share=0.0)
GPU_PHASES = (
    ENVIRONMENT,
    Phase("correctness", ("correctness",), 0.22, workers=max(1, min(8, (os.cpu_count() or 1) // 2))),
    Phase("races", ("paired", "gram", "cross", "gradients", "ragged", "rbf", "images"), 0.28),
    Phase("sweeps", ("sweeps",), 0.16),
    Phase("updates", ("profiled_updates",), 0.12),
    Phase("end to end", ("towers",), 0.12),
    Phase("counters", ("counters",), 0.10),
)


def load(name: str) -> Callable[[Setup], Iterator[Job]]:
    """Import a group by the name of its module in `cases`, or one of your own as `"package.module:function"`.

    Only then are the packages imported that its cases need: without one of them the others still run.
    """
    module, _, function = name.partition(":")
    imported = import_module(module if function else f".cases.{name}", __package__)
    group: Callable[[Setup], Iterator[Job]] = getattr(imported, function or name)
    return group
