# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a case, a job and a group are, and the list of all groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .machine import Ceilings, seconds


class Answer(NamedTuple):
    """What a provider computed, and the bytes a metric object kept to do so (None: it keeps nothing)."""

    values: Tensor
    state_bytes: int | None = None


@dataclass(frozen=True)
class Provider:
    """One way to compute a case's answer.

    Attributes:
        name: shown in the table.
        run: computes the answer once; None: there is nothing to compare.
        rows: rows that one run handles.
    """

    name: str
    run: Callable[[], Answer | None]
    rows: int


@dataclass(frozen=True)
class Case:
    """One answer and several providers of it.

    Attributes:
        name: of the case.
        sizes: what the numbers depend on.
        providers: the first is the baseline that all ratios refer to.
        bytes_per_row: bytes that must be read for one row.
        flops_per_row: operations of one row's matrix products, 0 where there are none.
        truth: the answer in float64 arithmetic; None: the baseline's answer.
        repeats: timed runs of each provider.
        limit: rows/s that something else than this machine allows, such as a server's answers. None: the machine's
            ceilings are the limit.
        timer: time of one call, see `machine`.
        axis: what varies from this case to the others of its sweep, `"rows"` or one of the sizes; None: no sweep.
    """

    name: str
    sizes: dict[str, int | str]
    providers: tuple[Provider, ...]
    bytes_per_row: float
    flops_per_row: float = 0.0
    truth: Tensor | None = None
    repeats: int = 7
    limit: float | None = None
    timer: Callable[[Callable[[], Any]], float] = seconds
    axis: str | None = None


Record = dict[str, Any]  # `kind` says what it holds: timing, check, count, machine, ceilings, counter or problem


@dataclass(frozen=True)
class Job:
    """What is run and journalled as one: it draws its data itself, so that jobs left out cost nothing."""

    name: str
    run: Callable[[], Iterable[Record]]


class Size(NamedTuple):
    """What a case of one operation depends on; `turns` is the range of the dialogues' lengths."""

    rows: int
    width: int
    dtype: torch.dtype
    turns: tuple[int, int] = (2, 12)

    def __str__(self) -> str:
        return f"{self.rows} x {self.width} {name_of(self.dtype)}"


@dataclass(frozen=True)
class Setup:
    """How groups are run.

    Attributes:
        quick: tiny sizes.
        ceilings: of this machine, measured before; None: they are not known.
        size: what is given of one size (`rows`, `width`, `dtype`, `turns`): replaces the sizes of a group.
        configs: settings of kernels to try beside those of the table, such as `"BLOCK_M=64,num_stages=6"`.
    """

    quick: bool = False
    ceilings: Ceilings | None = None
    size: dict[str, Any] | None = None
    configs: tuple[str, ...] = ()

    def sizes(self, quick: Size, *full: Size) -> tuple[Size, ...]:
        """The sizes of a group; if one was asked for, the first of them with what was given."""
        if self.size:
            given = dict(self.size)
            if "dtype" in given:
                given["dtype"] = DTYPES[given["dtype"]]
            if "turns" in given:
                given["turns"] = tuple(given["turns"])
            return ((quick if self.quick else full[0])._replace(**given),)
        return (quick,) if self.quick else full


DTYPES = {name: getattr(torch, name) for name in ("float32", "float16", "bfloat16", "float64")}

Group = Callable[[Setup], Iterator[Job]]


def absent(package: str, what: str) -> Job:
    """A job in place of those that need a package which is not installed: the run says so and goes on."""
    return Job(what, partial(import_module, package))


def name_of(dtype: torch.dtype) -> str:
    """`"float32"` and the like."""
    return str(dtype).removeprefix("torch.")
