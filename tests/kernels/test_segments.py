# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums over segments, and the bookkeeping of equally long ones."""

from __future__ import annotations

import itertools

import pytest
import torch
from imug_kernels import segment_reduce, segment_sum
from imug_kernels.reference.chunking import equal_length_buckets
from torch.testing import assert_close

OFFSETS = torch.tensor([0, 0, 3, 4, 4, 9, 9])


@pytest.mark.parametrize("shape", [(9,), (9, 1), (9, 4), (9, 2, 3)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_sums_rows_of_each_segment(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    values = (10 * torch.randn(shape)).to(dtype)
    bounds = OFFSETS.tolist()
    expected = torch.stack([values[a:b].double().sum(0) for a, b in itertools.pairwise(bounds)])
    assert_close(segment_sum(values, OFFSETS), expected, atol=1e-12, rtol=0)


def test_nan_stays_in_its_segment() -> None:
    values = torch.ones(9)
    values[3] = torch.nan
    assert_close(
        segment_sum(values, OFFSETS),
        torch.tensor([0.0, 3.0, torch.nan, 0.0, 5.0, 0.0], dtype=torch.float64),
        equal_nan=True,
    )


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
def test_no_rows_give_zeros(shape: tuple[int, ...]) -> None:
    assert segment_sum(torch.zeros(shape), torch.tensor([0, 0, 0])).tolist() == torch.zeros(2, *shape[1:]).tolist()
    assert len(segment_sum(torch.zeros(shape), torch.tensor([0]))) == 0


def test_small_values_beside_large_ones_are_not_lost() -> None:
    values = torch.tensor([1e8, 1.0, -1e8])
    assert segment_sum(values, torch.tensor([0, 3])).item() == 1.0


def test_wide_rows_of_many_chunks_equal_their_columns_one_by_one() -> None:
    values = torch.randn(3000, 200, generator=torch.Generator().manual_seed(0))
    values[5, 7] = torch.nan
    offsets, valid = torch.tensor([0, 1, 1, 1310, 1312, 3000]), torch.arange(3000) % 5 > 0
    for mask in (None, valid):
        whole = segment_reduce(values, offsets, mask)
        columns = [segment_reduce(values[:, column], offsets, mask) for column in range(200)]
        for field in whole._fields:
            expected = torch.stack([getattr(column, field) for column in columns], 1)
            torch.testing.assert_close(getattr(whole, field), expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("lengths", [[128, 3, 0, 60], [129, 3, 0, 5000]])
@pytest.mark.parametrize("width", [1, 7])
def test_sums_in_float32_stay_within_their_bound(lengths: list[int], width: int) -> None:
    values = torch.randn(sum(lengths), width, generator=torch.Generator().manual_seed(0)) * 1e3
    offsets = torch.tensor([0, *itertools.accumulate(lengths)])
    narrow, wide, size = (
        segment_sum(values, offsets, torch.float32),
        segment_sum(values, offsets),
        segment_sum(values.abs(), offsets),
    )
    assert narrow.dtype == torch.float32
    assert ((narrow - wide).abs() <= 2**-17 * size).all()
    assert ((narrow - wide).abs()[-1] <= 2**-23 * size[-1]).all() or max(lengths) <= 128
    assert torch.equal(segment_reduce(values, offsets, dtype=torch.float32).sum, narrow)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int32, torch.bool]
)
def test_extremes_are_values_and_have_their_dtype(dtype: torch.dtype) -> None:
    values = (10 * torch.randn(9, 3, generator=torch.Generator().manual_seed(0))).to(dtype)
    found = segment_reduce(values, OFFSETS)
    assert found.min.dtype == found.max.dtype == (dtype if dtype.is_floating_point else torch.float64)
    assert found.sum.dtype == found.count.dtype == torch.float64
    assert torch.equal(found.max[4], values[4:9].double().amax(0).to(found.max.dtype))


def test_gradients() -> None:
    values = torch.randn(9, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: segment_sum(v, OFFSETS), (values,))
    assert torch.autograd.gradcheck(lambda v: segment_sum(v[:, 0], OFFSETS), (values,))


def test_buckets_hold_every_row_once_and_only_equal_lengths() -> None:
    lengths = torch.tensor([3, 0, 1, 3, 7, 3, 1, 0, 3])
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
    buckets = equal_length_buckets(offsets, max_rows=6)
    rows = torch.cat([bucket.rows.flatten() for bucket in buckets])
    assert sorted(rows.tolist()) == list(range(21))
    for segments, rows in buckets:
        assert rows.numel() <= 6 or len(segments) == 1
        assert (lengths[segments] == rows.shape[1]).all()
        assert (rows[:, 0] == offsets[segments]).all()
