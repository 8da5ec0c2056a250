# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation against loops over pairs. Tests plain PyTorch, and in the interpreter the kernels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imug_kernels import dialogue_gram, dialogue_gram_sum, own_rank, paired_cosine, segment_reduce, segment_sum

from tests.kernels.comparisons import (
    DTYPES,
    FUSED,
    PAIR,
    check_curve,
    check_everything,
    check_gram,
    check_gram_sum,
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
        check_gram_sum(view, [len(view)], None)


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
    check_gram_sum(rows, [3, 4, 2], None)
    check_segments(rows[:, 2], [3, 4, 2], None)


def test_invalid_row_may_hold_anything() -> None:
    rows, valid = random_rows(9, 6, 0), torch.ones(9, dtype=torch.bool)
    rows[4], valid[4] = math.nan, False
    check_gram(rows, [3, 4, 2], valid)
    check_curve(rows, [3, 4, 2], torch.arange(9), 3, valid)
    check_rank(rows, rows.flip(0), [3, 4, 2], valid, valid.flip(0))
    check_gram_sum(rows, [3, 4, 2], valid)
    check_segments(rows[:, 2], [3, 4, 2], valid)


def test_row_shorter_than_eps_is_divided_by_eps() -> None:
    x = torch.tensor([[2**-30, 0.0], [0.0, 0.0], [2.0, 0.0]])
    short = 2**-30 / 1e-8
    close(paired_cosine(x, x[[2, 2, 0]]), torch.tensor([short, 0.0, short], dtype=torch.float64), PAIR)
    close(dialogue_gram(x, torch.tensor([0, 3])).anchor, torch.tensor([math.nan, 0.0, short], dtype=torch.float64))
    close(dialogue_gram_sum(x, torch.tensor([0, 3]))[0], torch.tensor([2 * short], dtype=torch.float64))


def test_single_row_has_no_pair_even_if_it_is_nan() -> None:
    for rows in (torch.full((1, 3), 0.7), torch.full((1, 3), math.nan)):
        assert [part.tolist() for part in dialogue_gram_sum(rows, torch.tensor([0, 1]))] == [[0], [0]]
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


@pytest.mark.skipif(not FUSED, reason="plain PyTorch squares in float64")
def test_row_too_long_for_float32_is_nan_and_not_orthogonal() -> None:
    x = torch.tensor([[1e25, 0.0], [0.0, 1.0]])
    assert paired_cosine(x, x.flip(0)).isnan().all()
    assert dialogue_gram(x, torch.tensor([0, 2])).sum.isnan().all()


@pytest.mark.skipif(not FUSED, reason="plain PyTorch looks at the numbers on a CPU and raises")
def test_row_number_out_of_range_is_no_row() -> None:
    x = torch.ones(3, 2)
    assert paired_cosine(x, x, torch.tensor([0, 3, -2])).isnan().tolist() == [False, True, True]
