# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Statistics of cosines within segments against loops over pairs."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from imug_kernels import delta_curve, dialogue_gram, gram, own_rank
from imug_kernels.reference import cosine_blocks
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.naive import (
    LENGTHS,
    naive_curve,
    naive_gram,
    naive_matrix,
    naive_rank,
    offsets_of,
    random_rows,
    random_valid,
)


def same(result: Tensor, expected: Tensor) -> None:
    assert_close(result, expected, atol=1e-12, rtol=0, equal_nan=True)


@pytest.fixture(params=["cached", "cut"])
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run once as it is and once with chunks and blocks so small that every segment is cut."""
    if request.param == "cut":
        monkeypatch.setattr(cosine_blocks, "CHUNK_ELEMENTS", 16)
        monkeypatch.setattr(cosine_blocks, "BLOCK_ELEMENTS", 16)


@pytest.mark.usefixtures("block_size")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("width", [1, 5, 300])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
class TestEqualsNaiveReference:
    def test_gram(self, lengths: list[int], width: int, masked: bool) -> None:
        rows, valid = random_rows(sum(lengths), width, 0), random_valid(sum(lengths), 1)
        everything = torch.ones_like(valid)
        result = dialogue_gram(rows, offsets_of(lengths), valid if masked else None)
        for field, expected in zip(result, naive_gram(rows, lengths, valid if masked else everything), strict=True):
            same(field, expected)

    def test_curve(self, lengths: list[int], width: int, masked: bool) -> None:
        rows, valid = random_rows(sum(lengths), width, 2), random_valid(sum(lengths), 3)
        positions = torch.randint(1, 9, (sum(lengths),), generator=torch.Generator().manual_seed(4))
        sums, counts = delta_curve(rows, offsets_of(lengths), positions, 4, valid if masked else None)
        everything = torch.ones_like(valid)
        expected = naive_curve(rows, lengths, positions, 4, valid if masked else everything)
        same(sums, expected[0])
        same(counts, expected[1])

    def test_rank(self, lengths: list[int], width: int, masked: bool) -> None:
        x, y = random_rows(sum(lengths), width, 5), random_rows(sum(lengths), width, 6)
        masks = (random_valid(sum(lengths), 7), random_valid(sum(lengths), 8))
        result = own_rank(x, y, offsets_of(lengths), *(masks if masked else (None, None)))
        everything = torch.ones(sum(lengths), dtype=torch.bool)
        same(torch.stack(result), naive_rank(x, y, lengths, *(masks if masked else (everything, everything))))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_dtypes_are_read_exactly(dtype: torch.dtype) -> None:
    lengths = LENGTHS["mixed"]
    rows = random_rows(sum(lengths), 33, 0, dtype)
    valid = torch.ones(len(rows), dtype=torch.bool)
    for field, expected in zip(dialogue_gram(rows, offsets_of(lengths)), naive_gram(rows, lengths, valid), strict=True):
        assert field.dtype == torch.float64
        same(field, expected)


def test_single_row_has_no_partner() -> None:
    stats = dialogue_gram(torch.ones(1, 3), torch.tensor([0, 1]))
    assert (stats.sum.item(), stats.count.item()) == (0.0, 0.0)
    assert all(field.isnan().all() for field in stats[2:])


def test_invalid_nan_row_spoils_nothing() -> None:
    rows = torch.tensor([[1.0, 0.0], [torch.nan, torch.inf], [3.0, 4.0]], requires_grad=True)
    valid = torch.tensor([True, False, True])
    stats = dialogue_gram(rows, torch.tensor([0, 3]), valid)
    same(stats.sum.detach(), torch.tensor([0.6, 0.0, 0.6], dtype=torch.float64))
    (gradient,) = torch.autograd.grad(stats.sum.sum(), rows)
    assert gradient.isfinite().all()
    assert gradient[1].eq(0).all()
    assert gradient[2].ne(0).any()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_valid_non_finite_row_makes_nan_of_its_segment_only(bad: float) -> None:
    rows = torch.randn(6, 4)
    rows[1, 0] = bad
    rows[0, 0] = 0.0
    stats = dialogue_gram(rows, torch.tensor([0, 3, 6]))
    assert stats.sum.isnan().tolist() == [True] * 3 + [False] * 3
    assert stats.max.isnan().tolist() == [True] * 3 + [False] * 3
    assert stats.previous.isnan().tolist() == [True, True, True, True, False, False]


@pytest.mark.parametrize("width", [7, 256])
def test_result_does_not_depend_on_batch_composition(width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(0, 20, (60,), generator=generator).tolist()
    count = sum(lengths)
    rows, other = (torch.randn(count, width, generator=generator) for _ in range(2))
    valid, positions = random_valid(count, 1), torch.randint(1, 12, (count,), generator=generator)
    offsets = offsets_of(lengths)

    def everything(some: slice) -> tuple[Tensor, Tensor]:
        base = offsets[some.start : some.stop + 1]
        own = slice(int(base[0]), int(base[-1]))
        base = base - base[0]
        by_row = [*dialogue_gram(rows[own], base, valid[own]), *own_rank(rows[own], other[own], base)]
        return torch.stack(by_row), torch.stack(delta_curve(rows[own], base, positions[own], 8, valid[own]))

    whole = everything(slice(0, 60))
    parts = [everything(slice(a, b)) for a, b in ((0, 1), (1, 33), (33, 60))]
    same(torch.cat([part[0] for part in parts], 1), whole[0])
    same(torch.cat([part[1] for part in parts], 1), whole[1])


def test_duplicate_candidates_tie_and_rounding_of_float32_does_not_break_ties() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(3, 256), torch.randn(3, 256)
    y[1] = y[0]
    y[2] = y[0] * (1 + 6e-8 * torch.randn(256))
    x[2] = x[1]  # whichever of y[0] and y[2] is nearer by rounding, one of the two rows would see it ahead
    greater, equal, candidates = own_rank(x, y, torch.tensor([0, 3]))
    assert greater.tolist() == [0, 0, 0]
    assert equal.tolist() == [2, 2, 2]
    assert candidates.tolist() == [3, 3, 3]


def test_a_difference_above_rounding_is_no_tie() -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    y = torch.tensor([[1.0, 0.0], [1.0, 3e-3]])
    greater, equal, _ = own_rank(x, y, torch.tensor([0, 2]))
    assert greater.tolist() == [0, 1]
    assert equal.tolist() == [0, 0]


def test_rank_without_valid_candidates_is_undefined() -> None:
    nobody = torch.zeros(2, dtype=torch.bool)
    greater, equal, candidates = own_rank(torch.ones(2, 2), torch.ones(2, 2), torch.tensor([0, 2]), valid_y=nobody)
    assert greater.isnan().all()
    assert equal.isnan().all()
    assert candidates.tolist() == [0, 0]


@pytest.mark.usefixtures("block_size")
def test_gradients_of_gram_and_curve() -> None:
    torch.manual_seed(0)
    rows = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    offsets, valid = torch.tensor([0, 4, 4, 5, 9]), torch.tensor([1, 1, 0, 1, 1, 1, 1, 1, 1]).bool()
    positions = torch.tensor([1, 2, 3, 4, 1, 1, 3, 4, 6])
    assert torch.autograd.gradcheck(lambda r: torch.stack(dialogue_gram(r, offsets, valid)).nan_to_num(), (rows,))
    assert torch.autograd.gradcheck(lambda r: delta_curve(r, offsets, positions, 3, valid)[0], (rows,))


def test_long_segment_is_worked_on_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    rows, offsets = torch.randn(1500, 8), torch.tensor([0, 1500])
    largest = 0
    make = gram._block_stats

    def watched(block: cosine_blocks.Block) -> Tensor:
        nonlocal largest
        largest = max(largest, block.cosine.numel())
        return make(block)

    monkeypatch.setattr(gram, "_block_stats", watched)
    stats = dialogue_gram(rows, offsets)
    assert 0 < largest <= cosine_blocks.BLOCK_ELEMENTS < 1500**2
    cosine = naive_matrix(rows)
    same(stats.sum, cosine.sum(1) - cosine.diagonal())
    same(stats.previous[1:], cosine.diagonal(-1))
    same(stats.max_before[1:], torch.stack([cosine[i, :i].amax() for i in range(1, 1500)]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r, o: dialogue_gram(r, o[:-1]), ValueError, "run from 0 to 4"),
        (lambda r, o: dialogue_gram(r[0], o), ValueError, r"`rows` to have shape \[N, D\]"),
        (lambda r, o: dialogue_gram(r, o, torch.ones(4)), TypeError, "`valid` to be a boolean"),
        (lambda r, o: dialogue_gram(r, o, torch.ones(3).bool()), ValueError, r"`valid` to have shape \[4\]"),
        (lambda r, o: delta_curve(r, o, torch.arange(4), 0), ValueError, "`max_delta` to be >= 1, got 0"),
        (lambda r, o: delta_curve(r, o, torch.arange(3), 2), ValueError, r"`positions` to have shape \[4\]"),
        (lambda r, o: delta_curve(r, o, torch.ones(4), 2), TypeError, "`positions` to be an integer"),
        (lambda r, o: own_rank(r, r[:3], o), ValueError, "as many rows, got 4 and 3"),
        (lambda r, o: own_rank(r, r[:, :1], o), ValueError, "equal length, got 2 and 1"),
        (lambda r, o: own_rank(r, r, o, valid_y=torch.ones(4)), TypeError, "`valid_y` to be a boolean"),
    ],
)
def test_rejects_what_does_not_fit(
    call: Callable[[Tensor, Tensor], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(torch.zeros(4, 2), torch.tensor([0, 1, 4]))
