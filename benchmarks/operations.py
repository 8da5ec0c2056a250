# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation of imug_kernels on one batch, with how near float64 each of its results has to be.

This is the one list of operations: what is checked on a device, counted and profiled is taken from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import imug_kernels as ops
import torch
from torch import Tensor

PAIR, CELL = 3e-6, 1e-5  # largest error of a cosine: in pairs, and in tiles
SIGMA, DISTANCES, LARGEST, BINS = 2.0, 6, 5, 16
MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
LEVEL = 1.02 / 255 / min(STD)  # results are rounded to levels, so one of them may differ


@dataclass(frozen=True)
class Batch:
    """Packed rows `x` and `y` `[N, D]` of segments, and columns `[N]`; images are `[B, 3, H, W]`, uint8."""

    x: Tensor
    y: Tensor
    offsets: Tensor
    positions: Tensor
    index: Tensor  # rows of x, -1 among them
    groups: Tensor
    images: Tensor
    valid: Tensor | None

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with every tensor changed."""
        return replace(self, **{name: change(value) for name, value in vars(self).items() if value is not None})


class Result(NamedTuple):
    """One tensor that an operation gives. `at_most`: share of numbers that may differ, where near ties decide."""

    values: Tensor
    tolerance: float
    at_most: float = 0.0


Results = dict[str, Result]


def _paired(b: Batch) -> Results:
    return {
        "cosine": Result(ops.paired_cosine(b.x, b.y), PAIR),
        "chosen": Result(ops.paired_cosine(b.x, b.y, ix=b.index, iy=b.index.flip(0)), PAIR),
        "bounded": Result(ops.paired_cosine(b.x, b.y, scale=2.5, floor=0.05), 2.5 * PAIR),
    }


def _gram(b: Batch) -> Results:
    found = ops.dialogue_gram(b.x, b.offsets, b.valid)._asdict()
    mean = found.pop("sum") / found["count"].clamp_min(1)
    exact = {"count": Result(found.pop("count"), 0)}
    return {"mean": Result(mean, CELL), **exact, **{name: Result(value, CELL) for name, value in found.items()}}


def _rank(b: Batch) -> Results:
    greater, equal, candidates = ops.own_rank(b.x, b.y, b.offsets, b.valid, b.valid)
    return {
        "greater": Result(greater, 0, at_most=2e-3),
        "equal": Result(equal, 0, at_most=2e-3),
        "candidates": Result(candidates, 0),
    }


def _curve(b: Batch) -> Results:
    total, count = ops.delta_curve(b.x, b.offsets, b.positions, DISTANCES, b.valid)
    return {"mean": Result(total / count.clamp_min(1), CELL), "count": Result(count, 0)}


def _cosine_sum(b: Batch) -> Results:
    total, count = ops.dialogue_cosine_sum(b.x, b.offsets, b.valid)
    return {"mean": Result(total / count.clamp_min(1), CELL), "count": Result(count, 0)}


def _segments(b: Batch) -> Results:
    found = ops.segment_reduce(b.x[:, :3], b.offsets, b.valid)
    scale = found.count.clamp_min(1)
    return {
        "mean": Result(found.sum / scale, 1e-12),
        "count": Result(found.count, 0),
        "min": Result(found.min, 0),
        "max": Result(found.max, 0),
    }


def _segment_sum(b: Batch) -> Results:
    return {"sum": Result(ops.segment_sum(b.x, b.offsets), 1e-12)}


def _moments(b: Batch) -> Results:
    found = ops.segment_moments(b.x[:, :4], b.offsets, b.positions, valid=b.valid, slopes=2, curves=(1, 4), points=8)
    return {"moments": Result(found, 1e-12)}


def _cross(b: Batch) -> Results:
    found = ops.cross_stats(b.x, b.y, k=LARGEST, positive=b.index, lse=True, scale=10.0, groups_x=b.groups,
                            groups_y=b.groups, exclude_self=True, bins=BINS)  # fmt: skip
    return {
        "largest": Result(found.values, CELL),
        "indices": Result(found.indices, 0, at_most=2e-3),
        "positive": Result(found.positive, CELL),
        "greater": Result(found.greater, 0, at_most=2e-2),
        "equal": Result(found.equal, 0, at_most=2e-2),
        "lse": Result(found.lse, 10 * CELL),
        "histograms": Result(torch.stack([found.same, found.different]), 0, at_most=0.25),
        "pairs": Result(torch.stack([found.same.sum(), found.different.sum()]), 0),
    }


def _rbf(b: Batch) -> Results:
    pairs = max(len(b.x), 1) ** 2
    return {
        "mean": Result(ops.rbf_sum(b.x, b.y, sigma=SIGMA) / pairs, CELL),
        "own mean": Result(ops.rbf_sum(b.x, sigma=SIGMA) / pairs, CELL),
    }


def _preprocess(b: Batch) -> Results:
    size = (b.images.shape[2] // 2 + 1, b.images.shape[3] // 3 + 1)
    last = b.images.permute(0, 2, 3, 1)
    return {
        "planes": Result(ops.preprocess(b.images, size, MEAN, STD), LEVEL),
        "pixels": Result(ops.preprocess(last, size, MEAN, STD, layout="nhwc"), LEVEL),
    }


OPERATIONS: dict[str, Callable[[Batch], Results]] = {
    "paired_cosine": _paired,
    "dialogue_gram": _gram,
    "own_rank": _rank,
    "delta_curve": _curve,
    "dialogue_cosine_sum": _cosine_sum,
    "segment_reduce": _segments,
    "segment_sum": _segment_sum,
    "segment_moments": _moments,
    "cross_stats": _cross,
    "rbf_sum": _rbf,
    "preprocess": _preprocess,
}


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Let imug_kernels compute in `"torch"` or `"triton"`, whatever it would choose."""
    before = os.environ.get("IMUG_BACKEND")
    os.environ["IMUG_BACKEND"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["IMUG_BACKEND"]
        else:
            os.environ["IMUG_BACKEND"] = before


def float64_results(name: str, batch: Batch) -> Results:
    """The same of float64 copies of the same numbers, in plain PyTorch, which is tested against loops over pairs."""

    def widened(tensor: Tensor) -> Tensor:
        return (tensor.double() if tensor.is_floating_point() else tensor).contiguous()

    with backend("torch"):
        return OPERATIONS[name](batch.map(widened))
