# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The kernel of `cross_stats` under the interpreter against plain PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imug_kernels import cross_stats
from imug_kernels.reference import cross as reference
from torch import Tensor

from tests.kernels.comparisons import DTYPES
from tests.kernels.interpreted.small_tiles import DESCRIPTORS, FORMS, POINTERS, small_tiles


def rows(count: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


def compare(x: Tensor, y: Tensor, *arguments: object, tiles: Sequence[dict[str, int]] = FORMS) -> None:
    """Kernel in each of its forms against plain PyTorch: floats to 1e-5, row numbers and counts exactly."""
    expected = reference.cross_stats(x, y, *arguments)
    for tile in tiles:
        with small_tiles("cross", tile) as kernels:
            _same(kernels.cross_stats(x, y, *arguments), expected)


def _same(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    for mine, plain in zip(found, expected, strict=True):
        assert mine.shape == plain.shape
        if mine.is_floating_point():
            torch.testing.assert_close(mine.double(), plain.double(), rtol=0, atol=1e-5, equal_nan=True)
        else:
            assert torch.equal(mine.long(), plain)


def arguments(n: int, m: int, k: int = 5, not_self: bool = False, not_same: bool = False, bins: int = 0) -> tuple:
    groups = torch.arange(n) % 5, torch.arange(m) % 5
    return k, torch.arange(n) % m, True, 10.0, *groups, not_self, not_same, bins


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "m", "width"), [(1, 1, 1), (33, 70, 40), (5, 300, 7)])
def test_kernel_equals_plain_pytorch(n: int, m: int, width: int, dtype: torch.dtype) -> None:
    compare(rows(n, width, 1, dtype), rows(m, width, 2, dtype), *arguments(n, m))


@pytest.mark.parametrize(("not_self", "not_same"), [(True, False), (False, True), (True, True)])
def test_left_out_pairs(not_self: bool, not_same: bool) -> None:
    x = rows(37, 16, 1)
    compare(x, x, *arguments(37, 37, not_self=not_self, not_same=not_same))


# Narrow rows are nearly parallel: their cosines tie but for float32's rounding, and which comes first is its choice.
@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(8, 40), st.integers(1, 9), st.booleans())
def test_any_shape(n: int, m: int, width: int, k: int, not_self: bool) -> None:
    compare(rows(n, width, n), rows(m, width, m + 99), *arguments(n, m, k, not_self))


# Square tiles: the interpreter's products of others differ in their last bit with the place of a column.
@pytest.mark.parametrize("tile", [POINTERS, {**DESCRIPTORS, "BLOCK_N": 16}])
def test_equal_rows_come_in_order_across_blocks_and_splits(tile: dict[str, int]) -> None:
    y = rows(6, 24, 3).repeat(60, 1)
    with small_tiles("cross", tile) as kernels:
        _, indices, _, counts, _, _ = kernels.cross_stats(y[:6], y, *arguments(6, 360, k=9))
    assert torch.equal(indices, torch.arange(6)[:, None] + 6 * torch.arange(9))
    assert (counts[0] == 0).all()
    assert (counts[1] == 59).all()


def test_zero_and_unknown_rows() -> None:
    y = rows(40, 24)
    y[9], y[11], y[20] = torch.nan, 0, torch.inf
    compare(y, y, *arguments(40, 40, k=40))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_whose_squares_float32_cannot_hold(dtype: torch.dtype) -> None:
    y = rows(40, 24, dtype=dtype)
    tiny = 1e-40 if dtype == torch.float32 else 1e-32  # the interpreter reads subnormal bf16 wrongly
    y[3], y[9], y[20], y[38] = y[3] * 1e-25, y[9] * tiny, y[20] * 1e25, 0
    compare(y, y.flip(0), *arguments(40, 40, k=9))


def test_positive_out_of_range_is_none_and_no_wild_read() -> None:
    x, y = rows(20, 8), rows(9, 8, 1)
    positive = torch.arange(20) % 9
    positive[[2, 5, 17]] = torch.tensor([9, -7, 2**40])
    with small_tiles("cross") as kernels:
        found = kernels.cross_stats(x, y, 2, positive, False, 1.0, None, None, False, False, 0)
    none = positive.masked_fill((positive < 0) | (positive > 8), -1)
    expected = reference.cross_stats(x, y, 2, none, False, 1.0, None, None, False, False, 0)
    assert found[2].isnan().nonzero()[:, 0].tolist() == [2, 5, 17]
    torch.testing.assert_close(found[2].double(), expected[2], rtol=0, atol=1e-5, equal_nan=True)
    assert torch.equal(found[3], expected[3])


def test_histograms_count_every_pair_where_its_cosine_is() -> None:
    """Right angles and equal directions: cosines that no rounding moves over the edge of a bin."""
    x, y = torch.eye(4).repeat(9, 1), torch.cat([torch.eye(4), -torch.eye(4)]).repeat(5, 1)
    for bins in (5, 9):  # the kernel's histograms are powers of two long
        options = (0, None, False, 1.0, torch.arange(36) % 3, torch.arange(40) % 3, False, False, bins)
        compare(x, y, *options)


def test_operation_computes_with_the_kernel_after_its_checks() -> None:
    x, y = rows(3, 20), rows(5, 20, 1)
    found = cross_stats(x, y, k=2, positive=torch.tensor([0, -1, 4]), lse=True)
    expected = reference.cross_stats(x, y, 2, torch.tensor([0, -1, 4]), True, 1.0, None, None, False, False, 0)
    torch.testing.assert_close(found.values, expected[0], rtol=0, atol=1e-6)
    assert not torch.equal(found.lse, expected[4]), "float32 sums: the kernel did compute"
    assert found.positive.isnan().tolist() == [False, True, False]


def test_strided_rows_and_empty_sides() -> None:
    wide = rows(20, 80)
    compare(wide[::2, :40], wide[1::2, 40:], *arguments(10, 10))
    for n, m in ((0, 3), (3, 0), (0, 0)):
        compare(rows(n, 4), rows(m, 4), 2, None, True, 1.0, None, None, False, False, 0)
