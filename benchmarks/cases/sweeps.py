# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The operations over rows, width and turns: how time grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from benchmarks.cases.cross import cross_case
from benchmarks.cases.gram import gram_case
from benchmarks.cases.paired import paired_case
from benchmarks.cases.rbf import rbf_case
from benchmarks.machine import ON_GPU
from benchmarks.registry import Case, register


@register
def sweeps(quick: bool) -> Iterator[Case]:
    many = 20 if ON_GPU else 1
    for case in _short() if quick else _cases(many):
        yield replace(case, repeats=3)


def _short() -> Iterator[Case]:
    for rows in (8, 16):
        yield replace(paired_case(rows, 16, torch.float32), axis="rows")


def _cases(many: int) -> Iterator[Case]:
    for rows in (100, 1_000, 10_000, 50_000 * many):
        yield replace(paired_case(rows, 768, torch.float32), axis="rows")
    for width in (64, 256, 1024, 4096):
        yield replace(paired_case(10_000 * many, width, torch.float32), axis="width")
    for turns in (2, 4, 8, 16, 32, 64):
        yield replace(gram_case(40_000 * many // turns, turns, turns, 768), axis="turns")
    for rows in (500, 1_000, 2_000, 4_000 * many):
        yield replace(cross_case("10 largest", rows, rows, 768), axis="rows")
        yield replace(rbf_case(min(rows, 30_000), 768), axis="rows")  # the baseline keeps every pair
