# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The operations over rows, width and turns, few of them powers of two: how time grows, what a small batch costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch

from ..machine import ON_GPU, call_seconds
from ..registry import Case, Job, Setup, Size
from ..runner import race
from .cross import cross_case
from .gram import gram_case
from .paired import paired_case
from .rbf import rbf_case

SINGLE = torch.float32
WORKING = torch.bfloat16 if ON_GPU else torch.float32
MANY = 20 if ON_GPU else 1

ROWS = (100, 999, 10_001, 50_000 * MANY)
WIDTHS = (1, 33, 64, 130, 384, 770, 1000, 1536, 2050, 4096)
TURNS = (2, 3, 5, 9, 12, 20, 33, 64, 100, 200)
SMALL = (8, 32, 100, 500)

Make = Callable[[], Case]


def sweeps(setup: Setup) -> Iterator[Job]:
    for rows in (8,) if setup.quick else SMALL:
        size = Size(rows, 16 if setup.quick else 768, SINGLE, (4, 4))
        for name, make in (("paired_cosine", paired_case), ("dialogue_gram", gram_case)):
            yield race(setup, f"{name} of {rows} rows", partial(_small, partial(make, setup, size)))
    for axis, value, make in _quick(setup) if setup.quick else _cases(setup):
        yield race(setup, f"over {axis}: {value}", partial(_along, axis, make))


def _along(axis: str, make: Make) -> Case:
    return replace(make(), repeats=3, axis=axis)


def _small(make: Make) -> Case:
    """Calls back to back: launches and Python decide, not bandwidth."""
    case = make()
    return replace(case, name=f"{case.name}, back to back", repeats=5, axis="rows", timer=call_seconds)


def _quick(setup: Setup) -> Iterator[tuple[str, int, Make]]:
    for rows in (8, 16):
        yield "rows", rows, partial(paired_case, setup, Size(rows, 16, SINGLE))


def _cases(setup: Setup) -> Iterator[tuple[str, int, Make]]:
    for rows in ROWS:
        yield "rows", rows, partial(paired_case, setup, Size(rows, 768, SINGLE))
    for turns in TURNS:
        yield "turns", turns, partial(gram_case, setup, Size(40_000 * MANY, 768, WORKING, (turns, turns)))
    for width in WIDTHS:
        yield "width", width, partial(paired_case, setup, Size(10_000 * MANY, width, SINGLE))
    for width in WIDTHS:
        yield "width", width, partial(gram_case, setup, Size(10_000 * MANY, width, WORKING))
    for rows in (500, 1_000, 2_001, 4_000 * MANY):
        yield "rows", rows, partial(cross_case, setup, "10 largest", Size(rows, 768, WORKING), rows)
        yield (
            "rows",
            rows,
            partial(rbf_case, setup, Size(min(rows, 30_000), 768, SINGLE)),
        )  # a baseline keeps pairs
