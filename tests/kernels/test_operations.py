# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation against loops over pairs. Tests plain PyTorch, and in the interpreter the kernels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imug_kernels import (
    cross_stats,
    delta_curve,
    dialogue_cosine_sum,
    dialogue_gram,
    own_rank,
    paired_cosine,
    segment_reduce,
    segment_sum,
)
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.comparisons import (
    DTYPES,
    FUSED,
    check_cosine_sum,
    check_curve,
    check_everything,
    check_gram,
    check_pairs,
    check_rank,
    check_segments,
    close,
)
from tests.kernels.naive import offsets_of, random_rows

LENGTHS = {"mixed": [3, 0, 1, 7, 12, 0, 2], "singles": [1, 1, 1], "empty": [0, 0], "none": [], "long": [70, 2, 33]}
LENGTHS_DRAWN = st.lists(st.integers(0, 20), max_size=5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("lengths", "width"), [("mixed", 37), ("singles", 1), ("long", 24)])
def test_equals_loops_over_pairs(lengths: str, width: int, dtype: torch.dtype, masked: bool) -> None:
    check_everything(LENGTHS[lengths], width, dtype, masked, seed=0)


@pytest.mark.parametrize("lengths", ["empty", "none"])
def test_no_rows_are_no_mistake(lengths: str) -> None:
    check_everything(LENGTHS[lengths], 5, torch.float32, False, seed=0)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(LENGTHS_DRAWN, st.integers(1, 300), st.sampled_from(DTYPES), st.booleans(), st.integers(0, 99))
def test_equals_loops_over_pairs_whatever_the_shape(
    lengths: list[int], width: int, dtype: torch.dtype, masked: bool, seed: int
) -> None:
    check_everything(lengths, width, dtype, masked, seed)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("count", "width"), [(1, 1), (3, 7), (33, 255), (5, 1500)])
def test_pairs_of_any_width(count: int, width: int, dtype: torch.dtype) -> None:
    check_pairs(random_rows(count, width, 0, dtype), random_rows(count, width, 1, dtype))


def test_pairs_of_two_dtypes() -> None:
    check_pairs(random_rows(5, 9, 0, torch.float16), random_rows(5, 9, 1, torch.bfloat16))
    check_rank(random_rows(5, 9, 0, torch.float16), random_rows(5, 9, 1), [5], None, None)


def test_rows_with_gaps_between_them_and_between_their_elements() -> None:
    rows = random_rows(24, 30, 0)
    for view in (rows[::2], rows[:, 3:17], rows[:, ::2], rows.T[:24]):
        check_pairs(view, view.flip(0))
        check_gram(view, [len(view)], None)
        check_cosine_sum(view, [len(view)], None)


def test_values_of_any_dtype_are_reduced_exactly() -> None:
    lengths = [2, 0, 3, 130, 1]
    wide = 10 * torch.randn(136, 3, generator=torch.Generator().manual_seed(0))
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.bool):
        check_segments(wide.to(dtype), lengths, None)
    check_segments(torch.tensor([1e8, 1.0, -1e8]), [3], None)
    check_segments(wide[:, :1].expand(-1, 150), lengths, wide[:, 1] > 0)


def test_segment_without_a_valid_value_is_zero_of_nothing() -> None:
    stats = segment_reduce(torch.tensor([math.nan, 1.0]), torch.tensor([0, 1, 2, 2]), torch.tensor([False, True]))
    assert stats.sum.tolist() == [0, 1, 0]
    assert stats.count.tolist() == [0, 1, 0]
    assert stats.min.isnan().tolist() == stats.max.isnan().tolist() == [True, False, True]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_row_spoils_its_own_pairs_and_segment_only(bad: float) -> None:
    rows = random_rows(9, 6, 0)
    rows[4, 2], rows[3] = bad, 0.0
    check_pairs(rows, rows.flip(0))
    check_gram(rows, [3, 4, 2], None)
    check_curve(rows, [3, 4, 2], torch.arange(9), 3, None)
    check_rank(rows, rows.flip(0), [3, 4, 2], None, None)
    check_cosine_sum(rows, [3, 4, 2], None)
    check_segments(rows[:, 2], [3, 4, 2], None)


def test_invalid_row_may_hold_anything() -> None:
    rows, valid = random_rows(9, 6, 0), torch.ones(9, dtype=torch.bool)
    rows[4], valid[4] = math.nan, False
    check_gram(rows, [3, 4, 2], valid)
    check_curve(rows, [3, 4, 2], torch.arange(9), 3, valid)
    check_rank(rows, rows.flip(0), [3, 4, 2], valid, valid.flip(0))
    check_cosine_sum(rows, [3, 4, 2], valid)
    check_segments(rows[:, 2], [3, 4, 2], valid)


SIZES = {  # of rows whose squares their dtype, or float32, cannot hold, beside some whose squares it can
    torch.float32: [1e-45, 1e-38, 1e-25, 1e-12, 1.0, 1e12, 1e19, 1e38],
    torch.bfloat16: [1e-38, 1e-25, 1.0, 1e25, 1e38],
    torch.float16: [1e-7, 1.0, 1e4],
    torch.float64: [5e-324, 1e-310, 1e-200, 1.0, 1e200, 1e300],
}


def rows_of_all_sizes(count: int, width: int, dtype: torch.dtype) -> Tensor:
    """Rows of every size, one by one, in directions that even the smallest numbers of a dtype can hold."""
    signs = torch.randint(-1, 2, (count, width), generator=torch.Generator().manual_seed(width)).double()
    signs[:, 0] = 1
    sizes = torch.tensor(SIZES[dtype], dtype=torch.float64).repeat(count)[:count]
    return (signs * sizes[:, None]).to(dtype)


@pytest.mark.parametrize("dtype", SIZES, ids=str)
@pytest.mark.parametrize("width", [3, 70])
def test_direction_is_exact_whatever_the_length_of_the_row(dtype: torch.dtype, width: int) -> None:
    for count in (9, 70):  # a segment that fits a block, and one that does not
        x = rows_of_all_sizes(count, width, dtype)
        x[4] = 0.0
        y = x.roll(1, 0)[:, torch.arange(width).roll(1)]
        lengths = [3, count - 3]
        check_pairs(x, y)
        check_pairs(x, y, torch.arange(count).flip(0), torch.arange(count).clamp_min(2))
        check_gram(x, lengths, None)
        check_cosine_sum(x, lengths, None)
        check_curve(x, lengths, torch.arange(count), 4, None)
        check_rank(x, y, lengths, None, None)


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf, -math.inf])
def test_row_without_a_direction_counts_as_an_invalid_one(bad: float) -> None:
    rows, offsets = random_rows(11, 6, 0), offsets_of([3, 5, 3])
    rows[4] = bad
    marked, valid = rows.clone(), torch.arange(11) != 4
    marked[4] = 1.0
    for call in (
        dialogue_gram,
        dialogue_cosine_sum,
        lambda rows, offsets, valid=None: delta_curve(rows, offsets, torch.arange(11), 3, valid),
    ):
        for found, expected in zip(call(rows, offsets), call(marked, offsets, valid), strict=True):
            close(found, expected)  # not bit by bit: the interpreter's product depends on where its operands lie


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_ranks_without_a_direction(bad: float) -> None:
    """A row of x is an invalid one; of y it may be ahead of any other, so ranks that it takes part in are unknown."""
    x, y, offsets = random_rows(8, 6, 0), random_rows(8, 6, 1), offsets_of([3, 5])
    x[1], y[6] = bad, bad
    greater, equal, candidates = own_rank(x, y, offsets)
    assert greater.isnan().tolist() == equal.isnan().tolist() == [False, True, False] + [True] * 5
    assert candidates.tolist() == [3, 0, 3, 5, 5, 5, 5, 5]
    greater, equal, candidates = own_rank(x, y, offsets, valid_y=torch.arange(8) != 6)
    assert greater.isnan().tolist() == [False, True, False, False, False, False, True, False]
    assert candidates.tolist() == [3, 0, 3, 4, 4, 4, 0, 4]


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_gradient_of_a_row_without_a_direction_is_zero_and_spoils_no_other(bad: float) -> None:
    x, y = random_rows(9, 6, 0), random_rows(9, 6, 1)
    x[4] = bad
    x.requires_grad_(), y.requires_grad_()
    offsets, positions = offsets_of([3, 4, 2]), torch.arange(9)
    results = [
        paired_cosine(x, y),
        *dialogue_gram(x, offsets),
        *dialogue_cosine_sum(x, offsets),
        *delta_curve(x, offsets, positions, 3),
        *(getattr(cross_stats(x, y, k=2, positive=positions, lse=True), name) for name in ("values", "positive")),
        *(getattr(cross_stats(y, y.flip(0), lse=True, positive=positions), name) for name in ("lse", "positive")),
    ]
    total = sum(result.masked_fill(~result.isfinite(), 0).sum() for result in results)
    of_x, of_y = torch.autograd.grad(total, (x, y))
    assert of_x[4].eq(0).all()
    assert of_x.isfinite().all()
    assert of_y.isfinite().all()
    assert of_x[[0, 1, 2, 3, 5, 6, 7, 8]].ne(0).any(1).all()


def test_gradient_is_exact_whatever_the_length_of_the_row() -> None:
    """A row twice as long has half the gradient, also where squares under- and overflow."""
    rows, offsets = random_rows(6, 4, 0, torch.float64), offsets_of([6])

    def gradient(sizes: Tensor) -> Tensor:
        x = (rows * sizes[:, None]).requires_grad_()
        return torch.autograd.grad(
            dialogue_gram(x, offsets).sum.sum()
            + dialogue_cosine_sum(x, offsets)[0][0]
            + paired_cosine(x, x.flip(0))[0],
            x,
        )[0]

    sizes = torch.tensor([2.0**-700, 1.0, 2.0**700, 2.0**-600, 4.0, 2.0**600], dtype=torch.float64)
    assert_close(gradient(sizes) * sizes[:, None], gradient(torch.ones_like(sizes)), rtol=1e-12, atol=1e-12)


def test_single_row_has_no_pair_even_if_it_is_nan() -> None:
    for rows in (torch.full((1, 3), 0.7), torch.full((1, 3), math.nan)):
        assert [part.tolist() for part in dialogue_cosine_sum(rows, torch.tensor([0, 1]))] == [[0], [0]]
        assert dialogue_gram(rows, torch.tensor([0, 1])).sum.tolist() == [0]


def test_duplicates_tie_in_short_and_in_long_segments() -> None:
    for count in (5, 70):
        x, y = random_rows(count, 48, 0)[: count - 1].nan_to_num(1.0), random_rows(count, 48, 1).nan_to_num(1.0)
        x, y = torch.cat([x, x[:1]]), torch.cat([y[:-1], y[:1]])
        x[2] = y[2] = 1.0
        check_rank(x, y, [count], None, None)
        _, equal, _ = own_rank(x, y, offsets_of([count]))
        assert equal[0] == 1
        assert equal[-1] == 1


def test_result_is_the_same_every_time() -> None:
    rows = random_rows(105, 40, 0)
    first, second = (torch.stack(dialogue_gram(rows, offsets_of(LENGTHS["long"]))) for _ in range(2))
    assert torch.equal(first.nan_to_num(), second.nan_to_num())
    once, again = (segment_sum(rows, offsets_of(LENGTHS["long"])) for _ in range(2))
    assert torch.equal(once.nan_to_num(), again.nan_to_num())


@pytest.mark.skipif(not FUSED, reason="plain PyTorch looks at the numbers on a CPU and raises")
def test_row_number_out_of_range_is_no_row() -> None:
    x = torch.ones(3, 2)
    assert paired_cosine(x, x, torch.tensor([0, 3, -2])).isnan().tolist() == [False, True, True]
