# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`dialogue_gram` against loops over pairs."""

from __future__ import annotations

import math

import pytest
import torch
from imug_kernels import delta_curve, dialogue_gram, own_rank
from imug_kernels.reference import cosine_blocks, narrow_blocks
from imug_kernels.reference import gram as reference
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.comparisons import same
from tests.kernels.naive import LENGTHS, naive_gram, naive_matrix, noise, offsets_of, random_rows, random_valid


@pytest.mark.usefixtures("block_size")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("width", [1, 5, 300])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_equals_loops_over_pairs(lengths: list[int], width: int, masked: bool) -> None:
    rows, valid = random_rows(sum(lengths), width, 0).double(), random_valid(sum(lengths), 1)
    everything = torch.ones_like(valid)
    result = dialogue_gram(rows, offsets_of(lengths), valid if masked else None)
    for field, expected in zip(result, naive_gram(rows, lengths, valid if masked else everything), strict=True):
        same(field, expected)


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
def test_valid_non_finite_row_is_no_partner(bad: float) -> None:
    rows = torch.randn(6, 4)
    rows[1, 0] = bad
    rows[0, 0] = 0.0
    stats = dialogue_gram(rows, torch.tensor([0, 3, 6]))
    assert stats.sum.isfinite().all()
    assert stats.count.tolist() == [1, 0, 1, 2, 2, 2]
    assert stats.max.isnan().tolist() == [False, True] + [False] * 4
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


@pytest.mark.usefixtures("block_size")
def test_gradients() -> None:
    torch.manual_seed(0)
    rows = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    offsets, valid = torch.tensor([0, 4, 4, 5, 9]), torch.tensor([1, 1, 0, 1, 1, 1, 1, 1, 1]).bool()
    assert torch.autograd.gradcheck(lambda r: torch.stack(dialogue_gram(r, offsets, valid)).nan_to_num(), (rows,))


@pytest.mark.parametrize("width", [768, 21, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_long_segments_are_multiplied_in_float32_and_no_bit_depends_on_the_others(
    width: int, dtype: torch.dtype
) -> None:
    lengths = [17, 3, 40, 17, 64, 17, 16, 40]
    rows, offsets = random_rows(sum(lengths), width, 0, dtype), offsets_of(lengths)
    whole = torch.stack(dialogue_gram(rows, offsets))
    exact = torch.stack(dialogue_gram(rows.double(), offsets))
    assert not torch.equal(whole.nan_to_num(), exact.nan_to_num()) or width == 1
    assert_close(whole[2:], exact[2:], atol=2e-7, rtol=0, equal_nan=True)
    for part, found in zip(rows.split(lengths), whole.split(lengths, 1), strict=True):
        elsewhere = torch.nn.functional.pad(part.flatten(), (1, 0))[1:].view_as(part)
        within = torch.cat([part, part], 1)[:, :width]
        for moved in (part.clone(), elsewhere, within) if len(part) >= narrow_blocks.LONG else ():
            alone = torch.stack(dialogue_gram(moved, torch.tensor([0, len(part)])))
            assert torch.equal(found.nan_to_num(), alone.nan_to_num())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_long_segments_do_not_depend_on_the_dtype_of_new_tensors(dtype: torch.dtype) -> None:
    rows, offsets = noise(40, 21, 0), torch.tensor([0, 40])
    wanted = torch.stack(dialogue_gram(rows, offsets))
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        found = torch.stack(dialogue_gram(rows, offsets))
    finally:
        torch.set_default_dtype(usual)
    assert torch.equal(found.nan_to_num(), wanted.nan_to_num())


@pytest.mark.usefixtures("block_size")
@pytest.mark.parametrize(("length", "width", "segments"), [(16, 3, 300), (65, 64, 252), (458, 384, 5)])
def test_no_bit_of_a_long_segment_depends_on_how_many_stand_beside_it(length: int, width: int, segments: int) -> None:
    if length**2 > cosine_blocks.BLOCK_ELEMENTS:
        segments = 2  # each is cut by itself, however many there are
    rows = noise(segments * length, width, 0)
    beside = dialogue_gram(rows, torch.arange(segments + 1) * length)
    for some in (rows[:length].clone(), rows[:length].T.contiguous().T):
        alone = dialogue_gram(some, torch.tensor([0, length]))
        for found, wanted in zip(beside, alone, strict=True):
            assert torch.equal(found[:length].nan_to_num(), wanted.nan_to_num())


@pytest.mark.parametrize("bad", [0.0, torch.nan, torch.inf, 1e-30, 1e30])
def test_long_segments_with_a_row_that_float32_cannot_square_are_multiplied_in_float64(bad: float) -> None:
    rows = noise(20, 8, 0)
    rows[3] *= bad
    assert_close(dialogue_gram(rows, torch.tensor([0, 20])), dialogue_gram(rows.double(), torch.tensor([0, 20])),
                 atol=1e-12, rtol=0, equal_nan=True)  # fmt: skip


def test_long_segment_is_worked_on_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    rows, offsets = torch.randn(1500, 8, dtype=torch.float64), torch.tensor([0, 1500])
    largest = 0
    make = reference._block_stats

    def watched(block: cosine_blocks.Block) -> Tensor:
        nonlocal largest
        largest = max(largest, block.cosine.numel())
        return make(block)

    monkeypatch.setattr(reference, "_block_stats", watched)
    stats = dialogue_gram(rows, offsets)
    assert 0 < largest <= cosine_blocks.BLOCK_ELEMENTS < 1500**2
    cosine = naive_matrix(rows)
    same(stats.sum, cosine.sum(1) - cosine.diagonal())
    same(stats.previous[1:], cosine.diagonal(-1))
    same(stats.max_before[1:], torch.stack([cosine[i, :i].amax() for i in range(1, 1500)]))
