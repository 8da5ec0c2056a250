# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Comparisons of every operation with its reference, for whichever implementation this process computes with."""

from __future__ import annotations

import math
import os
from typing import Any

import imug_kernels as ops
import torch
from imug_kernels.reference.narrow_blocks import LONG
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.naive import (
    naive_curve,
    naive_gram,
    naive_moments,
    naive_paired,
    naive_rank,
    offsets_of,
    random_rows,
    random_valid,
)

DTYPES = [torch.float32, torch.float16, torch.bfloat16]  # those that kernels take

FUSED = os.environ.get("IMUG_BACKEND") == "triton"
# Largest error of a cosine: float64 rounding in PyTorch; in the kernels exact inputs added up in float32. Plain pairs
# of narrower rows are multiplied in float32 as well, and added up in blocks, and so are long dialogues of such rows.
NARROW_PAIR = 3e-6 if FUSED else 5e-7
CELL = 1e-5 if FUSED else 1e-12


def pair_tolerance(*rows: Tensor) -> float:
    return NARROW_PAIR if FUSED or all(side.dtype != torch.float64 for side in rows) else 1e-12


def gram_tolerance(rows: Tensor, lengths: list[int]) -> float:
    return CELL if FUSED or rows.dtype == torch.float64 or max(lengths, default=0) < LONG else 5e-7


def close(result: Tensor, expected: Tensor, tolerance: float = CELL) -> None:
    """Compare numbers that are cosines or sums of some; a sum may be off by so much for each of its terms."""
    assert_close(result, expected, atol=tolerance, rtol=tolerance, equal_nan=True, check_dtype=False)


def same(result: Tensor, expected: Tensor) -> None:
    """Compare what float64 gives, dtype included."""
    assert_close(result, expected, atol=1e-12, rtol=0, equal_nan=True)


def check_pairs(x: Tensor, y: Tensor, ix: Tensor | None = None, iy: Tensor | None = None) -> None:
    left, right = (rows if index is None else rows[index] for rows, index in ((x, ix), (y, iy)))
    expected = naive_paired(left, right)
    for index in (ix, iy):
        if index is not None:
            expected[index < 0] = math.nan
    tolerance = pair_tolerance(x, y)
    close(ops.paired_cosine(x, y, ix, iy), expected, tolerance)
    close(ops.paired_cosine(x, y, ix, iy, scale=2.5, floor=0.05), 2.5 * expected.clamp_min(0.05), 2.5 * tolerance)


def check_gram(rows: Tensor, lengths: list[int], valid: Tensor | None) -> None:
    everyone = torch.ones(len(rows), dtype=torch.bool)
    result = ops.dialogue_gram(rows, offsets_of(lengths), valid)
    expected = naive_gram(rows, lengths, everyone if valid is None else valid)
    terms, tolerance = expected.count.clamp_min(1), gram_tolerance(rows, lengths)
    close(result.count, expected.count, 0)
    close(result.sum / terms, expected.sum / terms, tolerance)
    for field, wanted in zip(result[2:], expected[2:], strict=True):
        close(field, wanted, tolerance)


def check_curve(rows: Tensor, lengths: list[int], positions: Tensor, max_delta: int, valid: Tensor | None) -> None:
    everyone = torch.ones(len(rows), dtype=torch.bool)
    sums, counts = ops.delta_curve(rows, offsets_of(lengths), positions, max_delta, valid)
    expected = naive_curve(rows, lengths, positions, max_delta, everyone if valid is None else valid)
    close(counts, expected[1], 0)
    close(sums / counts.clamp_min(1), expected[0] / counts.clamp_min(1))


def check_rank(x: Tensor, y: Tensor, lengths: list[int], valid_x: Tensor | None, valid_y: Tensor | None) -> None:
    everyone = torch.ones(len(x), dtype=torch.bool)
    masks = [everyone if mask is None else mask for mask in (valid_x, valid_y)]
    result = torch.stack(ops.own_rank(x, y, offsets_of(lengths), valid_x, valid_y))
    assert_close(result, naive_rank(x, y, lengths, *masks), atol=0, rtol=0, equal_nan=True)


def check_cosine_sum(rows: Tensor, lengths: list[int], valid: Tensor | None) -> None:
    everyone = torch.ones(len(rows), dtype=torch.bool)
    expected = naive_gram(rows, lengths, everyone if valid is None else valid)
    sums, counts = ops.dialogue_cosine_sum(rows, offsets_of(lengths), valid)
    close(counts, expected.count, 0)
    close(sums / counts.clamp_min(1), expected.sum / counts.clamp_min(1))


def check_segments(values: Tensor, lengths: list[int], valid: Tensor | None) -> None:
    everyone = torch.ones(len(values), dtype=torch.bool)
    result, table = ops.segment_reduce(values, offsets_of(lengths), valid), []
    mask = everyone if valid is None else valid
    for part, keep in zip(torch.split(values.double(), lengths), torch.split(mask, lengths), strict=True):
        kept = part[keep]
        extremes = (kept.amin(0), kept.amax(0)) if len(kept) else (torch.full_like(kept.sum(0), math.nan),) * 2
        table.append(torch.stack([kept.sum(0), torch.full_like(extremes[0], len(kept)), *extremes]))
    for field, expected in zip(result, torch.stack(table, 1), strict=True):
        close(field, expected, 1e-12)
    if valid is None:
        close(ops.segment_sum(values, offsets_of(lengths)), result.sum, 1e-12)


def check_moments(values: Tensor, lengths: list[int], positions: Tensor, **options: Any) -> None:
    result = ops.segment_moments(values, offsets_of(lengths), positions, **options)
    expected = naive_moments(values, lengths, positions, **options)
    close(result, expected.reshape(result.shape), 1e-12)


def check_everything(lengths: list[int], width: int, dtype: torch.dtype, masked: bool, seed: int) -> None:
    """Compare all operations on random rows, a zero row, a duplicate and a NaN row among them."""
    count = sum(lengths)
    x, y = random_rows(count, width, seed, dtype), random_rows(count, width, seed + 1, dtype)
    valid, other = (random_valid(count, seed + k) if masked else None for k in (2, 3))
    positions = torch.randint(1, 9, (count,), generator=torch.Generator().manual_seed(seed))
    check_pairs(x, y)
    if count:
        index = torch.randint(-1, count, (2, 9), generator=torch.Generator().manual_seed(seed))
        check_pairs(x, y, index[0], index[1])
    check_gram(x, lengths, valid)
    check_curve(x, lengths, positions, 5, valid)
    check_rank(x, y, lengths, valid, other)
    check_cosine_sum(x, lengths, valid)
    if lengths:
        check_segments(x[:, 0], lengths, valid)
        check_segments(x[:, :3], lengths, valid)
    few = x[:, :3]
    check_moments(few, lengths, positions, valid=valid)
    check_moments(few, lengths, positions, slopes=1, points=4, curves=(0, few.shape[1]), present=valid, expected=other)
    check_moments(few, lengths, positions, slopes=1, over=y[:, :1].float(), valid=valid, coverage=few.shape[1] - 1)
