# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`paired_cosine` against plain Python arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
from imug_kernels import paired_cosine
from torch.testing import assert_close

from tests.kernels.naive import naive_paired


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("count", "width"), [(1, 1), (17, 3), (40, 64), (9, 300), (0, 5)])
def test_equals_naive_reference(count: int, width: int, dtype: torch.dtype) -> None:
    torch.manual_seed(count + width)
    x, y = torch.randn(count, width).to(dtype), torch.randn(count, width).to(dtype)
    result = paired_cosine(x, y)
    assert result.dtype == torch.float64
    assert_close(result, naive_paired(x, y), atol=1e-12, rtol=0)


def test_mixed_dtypes_are_compared_at_full_precision() -> None:
    x, y = torch.randn(5, 7).half(), torch.randn(5, 7).double()
    assert_close(paired_cosine(x, y), naive_paired(x, y), atol=1e-12, rtol=0)


def test_rows_spread_over_many_chunks_keep_their_order() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(2100, 300), torch.randn(2100, 300)
    assert_close(paired_cosine(x, y), naive_paired(x, y), atol=1e-12, rtol=0)


def test_index_selects_rows_and_minus_one_gives_nan() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 6), torch.randn(3, 6)
    ix, iy = torch.tensor([3, -1, 0, 3, 2]), torch.tensor([0, 1, -1, 2, 2])
    expected = naive_paired(x[ix], y[iy])
    expected[1] = expected[2] = torch.nan
    assert_close(paired_cosine(x, y, ix, iy), expected, atol=1e-12, rtol=0, equal_nan=True)


def test_one_sided_index_pairs_with_rows_in_order() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 6), torch.randn(3, 6)
    index = torch.tensor([3, 1, 0])
    assert_close(paired_cosine(x, y, ix=index), naive_paired(x[index], y), atol=1e-12, rtol=0)
    assert_close(paired_cosine(y, x, iy=index), naive_paired(y, x[index]), atol=1e-12, rtol=0)


def test_minus_one_needs_no_rows_at_all() -> None:
    result = paired_cosine(torch.zeros(0, 3), torch.ones(2, 3), torch.tensor([-1, -1]))
    assert result.isnan().all()
    assert result.shape == (2,)


def test_zero_row_gives_nan_and_short_row_its_cosine() -> None:
    x = torch.tensor([[0.0, 0.0], [1e-9, 0.0], [0.0, 5e-324]], dtype=torch.float64)
    y = torch.tensor([[1.0, 2.0], [3.0, 4.0], [3e300, 4e300]], dtype=torch.float64)
    expected = torch.tensor([torch.nan, 0.6, 0.8], dtype=torch.float64)
    assert_close(paired_cosine(x, y), expected, atol=1e-12, rtol=0, equal_nan=True)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_row_gives_nan_and_spoils_no_other(bad: float) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(5, 4), torch.randn(5, 4)
    x[1, 2], y[3, 0] = bad, bad
    y[1, 2] = 0.0
    result = paired_cosine(x, y)
    assert result.isnan().tolist() == [False, True, False, True, False]
    assert_close(result, naive_paired(x, y), atol=1e-12, rtol=0, equal_nan=True)


def test_result_does_not_depend_on_batch_split() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(1500, 257), torch.randn(1500, 257)
    whole = paired_cosine(x, y)
    split = torch.cat([paired_cosine(x[i:j], y[i:j]) for i, j in ((0, 1), (1, 700), (700, 1500))])
    order = torch.randperm(1500)
    assert_close(whole, split, atol=1e-12, rtol=0)
    assert_close(whole[order], paired_cosine(x, y, order, order), atol=1e-12, rtol=0)


def test_gradients_in_order_and_gathered() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([2, -1, 2, 0])
    assert torch.autograd.gradcheck(paired_cosine, (x, y))
    assert torch.autograd.gradcheck(lambda a, b: paired_cosine(a, b, ix=index).nan_to_num(), (x, y))


def test_gradient_of_many_chunks_equals_that_of_one_expression() -> None:
    torch.manual_seed(0)
    x = torch.randn(2100, 300, requires_grad=True)
    y = torch.randn(2100, 300)
    order = torch.randperm(2100)
    (gradient,) = torch.autograd.grad(paired_cosine(x, y, order, order).sum(), x)
    (expected,) = torch.autograd.grad(torch.cosine_similarity(x.double(), y.double(), dim=1).sum(), x)
    assert_close(gradient, expected, atol=1e-7, rtol=1e-5)


def test_gradient_of_a_bounded_and_scaled_cosine() -> None:
    torch.manual_seed(0)
    x, y = (torch.randn(40, 6, dtype=torch.float64, requires_grad=True) for _ in range(2))
    scaled = torch.autograd.grad(paired_cosine(x, y, scale=2.5, floor=0.1).sum(), (x, y))
    plain = torch.autograd.grad((2.5 * torch.nn.functional.cosine_similarity(x, y).clamp_min(0.1)).sum(), (x, y))
    for found, expected in zip(scaled, plain, strict=True):
        assert_close(found, expected)
    assert (scaled[0] == 0).all(1).any(), "some pairs lie below the bound"


def test_gradient_at_zero_and_absent_rows_is_finite() -> None:
    x = torch.tensor([[0.0, 0.0], [torch.nan, 1.0], [1.0, 1.0]], requires_grad=True)
    y = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    result = paired_cosine(x, y, torch.tensor([0, -1, 2]))
    gradients = torch.autograd.grad(result[[0, 2]].sum(), (x, y))
    assert all(gradient.isfinite().all() for gradient in gradients)
