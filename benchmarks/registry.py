# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a benchmark case is, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class Answer(NamedTuple):
    """What a provider computed, and the bytes a metric object kept to do so (None: it keeps nothing)."""

    values: Tensor
    state_bytes: int | None = None


@dataclass(frozen=True)
class Provider:
    """One way to compute a case's answer.

    Attributes:
        name: shown in the table.
        run: computes the answer once.
        rows: rows that one run handles.
    """

    name: str
    run: Callable[[], Answer]
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
        limit: rows/s that something else than this machine allows, such as a server's answers; providers are then timed
            by the clock. None: the machine's ceilings are the limit.
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
    axis: str | None = None


Cases = Callable[[bool], Iterator[Case]]
REGISTRY: dict[str, Cases] = {}


def register(cases: Cases) -> Cases:
    """Add a function from "quick or not" to cases; they are made one at a time, so that data does not pile up."""
    REGISTRY[cases.__name__] = cases
    return cases
