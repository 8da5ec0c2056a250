# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`paired_cosine` against plain Python arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from imug_kernels import dialogue_gram, paired_cosine
from imug_kernels.reference import chunking
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.comparisons import NARROW_PAIR, pair_tolerance
from tests.kernels.naive import naive_paired


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("count", "width"), [(1, 1), (17, 3), (40, 64), (9, 300), (0, 5)])
def test_equals_naive_reference(count: int, width: int, dtype: torch.dtype) -> None:
    torch.manual_seed(count + width)
    x, y = torch.randn(count, width).to(dtype), torch.randn(count, width).to(dtype)
    result = paired_cosine(x, y)
    assert result.dtype == torch.float64
    assert_close(result, naive_paired(x, y), atol=pair_tolerance(x, y), rtol=0)


def test_mixed_dtypes_are_compared_at_full_precision() -> None:
    x, y = torch.randn(5, 7).half(), torch.randn(5, 7).double()
    assert_close(paired_cosine(x, y), naive_paired(x, y), atol=1e-12, rtol=0)


def test_rows_spread_over_many_chunks_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "CHUNK_ELEMENTS", 16 * 300)
    torch.manual_seed(0)
    x, y = torch.randn(100, 300), torch.randn(100, 300)
    assert_close(paired_cosine(x, y), naive_paired(x, y), atol=NARROW_PAIR, rtol=0)


@pytest.mark.parametrize(
    ("row", "other", "upstream"),
    [([1e-38, 0], [2, 0], 100), ([2e-39, 0], [1, 1], 1), ([1e10, 2e10], [1, 0], 1e39), ([1e-20, 2e-20], [1, 0], 1e-46)],
)
def test_gradients_of_narrow_rows_beyond_float32_are_those_of_wide_ones(
    row: list[float], other: list[float], upstream: float
) -> None:
    x, y = (torch.tensor([side, own]).bfloat16() for side, own in ((row, [1, 2]), (other, [2, 1])))
    found, wanted = (
        torch.autograd.grad(upstream * paired_cosine(rows, y.to(rows.dtype)).sum(), rows)[0].bfloat16()
        for rows in (x.requires_grad_(), x.detach().double().requires_grad_())
    )
    assert_close(found, wanted, rtol=1e-2, atol=0)


def test_gradient_of_a_row_whose_inverse_is_infinite_is_0_where_it_is_0() -> None:
    x = torch.tensor([[1e-310, 0, 0]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([[1.0, 1, 0]], dtype=torch.float64)
    for cosine in (paired_cosine(x, y), dialogue_gram(torch.cat([x, y]), torch.tensor([0, 2])).sum):
        (gradient,) = torch.autograd.grad(cosine.sum(), x)
        assert gradient.tolist() == [[0, math.inf, 0]]


def test_index_selects_rows_and_minus_one_gives_nan() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 6), torch.randn(3, 6)
    ix, iy = torch.tensor([3, -1, 0, 3, 2]), torch.tensor([0, 1, -1, 2, 2])
    expected = naive_paired(x[ix], y[iy])
    expected[1] = expected[2] = torch.nan
    assert_close(paired_cosine(x, y, ix, iy), expected, atol=NARROW_PAIR, rtol=0, equal_nan=True)


def test_one_sided_index_pairs_with_rows_in_order() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 6), torch.randn(3, 6)
    index = torch.tensor([3, 1, 0])
    assert_close(paired_cosine(x, y, ix=index), naive_paired(x[index], y), atol=NARROW_PAIR, rtol=0)
    assert_close(paired_cosine(y, x, iy=index), naive_paired(y, x[index]), atol=NARROW_PAIR, rtol=0)


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
    assert_close(result, naive_paired(x, y), atol=NARROW_PAIR, rtol=0, equal_nan=True)


def laid_out_otherwise(rows: Tensor) -> Iterator[Tensor]:
    """The same numbers at another address, with gaps, and column by column."""
    count, width = rows.shape
    for shift in (1, 3):
        memory = torch.empty(count * width + shift)
        yield memory[shift:].view(count, width).copy_(rows)
    yield torch.cat([rows, rows], 1)[:, :width]
    yield rows.T.contiguous().T
    yield torch.stack([rows, rows], 2)[..., 0]


@pytest.mark.parametrize("width", [1, 2, 7, 8, 33, 127, 128, 129, 257, 768, 1000, 4096])
def test_no_bit_depends_on_the_other_pairs_or_on_where_a_row_lies(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    x, y = (torch.randn(700, width, generator=generator) for _ in range(2))
    whole = paired_cosine(x, y)
    split = [paired_cosine(x[i:j], y[i:j]) for i, j in ((0, 1), (1, 3), (3, 12), (12, 411), (411, 700))]
    order = torch.randperm(700, generator=generator)
    assert torch.equal(torch.cat(split), whole)
    assert torch.equal(paired_cosine(x, y, order, order), whole[order])
    assert torch.equal(paired_cosine(y, x), whole)
    for a, b in zip(laid_out_otherwise(x), laid_out_otherwise(y), strict=True):
        assert torch.equal(paired_cosine(a, b), whole)
    assert torch.equal(paired_cosine(x, y[5:6].expand(700, -1)), paired_cosine(x, y[5:6].repeat(700, 1)))


@pytest.mark.parametrize("width", [1, 5, 64, 768, 4096])
def test_float32_costs_few_digits_whatever_the_signs(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    x, y = (torch.randn(200, width, generator=generator) for _ in range(2))
    level = torch.rand(200, 2, 1, generator=generator).expand(-1, -1, width)
    rising = torch.rand(200, width, generator=generator).sort(1).values
    for a, b in (
        (x, y),
        (x, x + 0.01 * y),
        (x.abs(), y.abs()),
        (level[:, 0], level[:, 1]),
        (rising, rising.roll(1, 0)),
    ):
        assert_close(paired_cosine(a, b), paired_cosine(a.double(), b), atol=NARROW_PAIR, rtol=0)


def test_row_has_cosine_one_with_itself_and_with_twice_itself() -> None:
    x = torch.randn(300, 770, generator=torch.Generator().manual_seed(0))
    assert (paired_cosine(x, x) == 1).all()
    assert (paired_cosine(x, 2 * x) == 1).all()


def test_row_beyond_float32_changes_no_bit_of_the_others() -> None:
    x, y = (torch.randn(90, 40, generator=torch.Generator().manual_seed(seed)) for seed in range(2))
    whole, extreme = paired_cosine(x, y), x.clone()
    extreme[3] *= 1e-30
    extreme[7] *= 1e30
    extreme[9], extreme[11] = 0.0, torch.nan
    found = paired_cosine(extreme, y)
    assert found[[9, 11]].isnan().all()
    kept = ~torch.isin(torch.arange(90), torch.tensor([3, 7, 9, 11]))
    assert torch.equal(found[kept], whole[kept])
    assert_close(found[[3, 7]], whole[[3, 7]], atol=NARROW_PAIR, rtol=0)
    assert_close(found[[3, 7]], paired_cosine(extreme.double(), y)[[3, 7]], atol=1e-15, rtol=0)


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
