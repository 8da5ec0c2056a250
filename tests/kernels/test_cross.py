# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reductions of the cosine matrix against the matrix itself in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from imug_kernels import CrossStats, cross_stats
from imug_kernels.reference import chunking, cross_tiles
from imug_kernels.reference.indices import few_pairs
from torch import Tensor

from tests.kernels.comparisons import DTYPES

# Largest error of a log-sum-exp for each unit of the scale: cosines of float32.
LSE = 2e-7
SHAPES = [(1, 1, 1), (5, 3, 20), (33, 70, 7), (20, 130, 72)]


def rows(count: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


def matrix(x: Tensor, y: Tensor) -> Tensor:
    return torch.cosine_similarity(x.double()[:, None], y.double()[None], dim=2, eps=1e-16)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "TILE_X", 7)
    monkeypatch.setattr(chunking, "TILE_Y", 11)


def everything(x: Tensor, y: Tensor, **options: Any) -> CrossStats:
    groups = {"groups_x": torch.arange(len(x)) % 4, "groups_y": torch.arange(len(y)) % 4}
    return cross_stats(
        x, y, k=4, positive=torch.arange(len(x)) % len(y), lse=True, scale=20.0, bins=10, **groups, **options
    )


@pytest.mark.parametrize("dtype", [torch.float64, *DTYPES])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_field_is_what_the_matrix_gives(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    n, m, width = shape
    x, y = rows(n, width, 1, dtype), rows(m, width, 2, dtype)
    found, cosine = everything(x, y), matrix(x, y)
    own = cosine[torch.arange(n), torch.arange(n) % m]
    best = cosine.sort(dim=1, descending=True).values[:, :4]
    torch.testing.assert_close(found.values[:, : best.shape[1]], best, rtol=0, atol=1e-7)
    assert (found.indices[:, best.shape[1] :] == -1).all()
    torch.testing.assert_close(found.positive, own, rtol=0, atol=1e-7)
    torch.testing.assert_close(found.lse, (20 * cosine).logsumexp(1), rtol=0, atol=20 * LSE)
    other = torch.arange(m) != (torch.arange(n) % m)[:, None]
    assert torch.equal(found.greater, ((cosine - own[:, None] > 1e-6) & other).sum(1))
    assert found.same.sum() + found.different.sum() == n * m


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("option", ["exclude_self", "exclude_same_group"])
def test_left_out_pairs_are_in_no_field(option: str) -> None:
    x, y = rows(20, 6, 1), rows(31, 6, 2)
    same = (torch.arange(20) % 4)[:, None] == torch.arange(31) % 4
    out = torch.arange(20)[:, None] == torch.arange(31) if option == "exclude_self" else same
    found, cosine = everything(x, y, **{option: True}), matrix(x, y)
    best = cosine.masked_fill(out, -9).sort(dim=1, descending=True)
    torch.testing.assert_close(found.values, best.values[:, :4], rtol=0, atol=1e-7)
    assert torch.equal(found.indices, best.indices[:, :4])
    torch.testing.assert_close(
        found.lse, (20 * cosine).masked_fill(out, -torch.inf).logsumexp(1), rtol=0, atol=20 * LSE
    )
    other = ~out & (torch.arange(20)[:, None] != torch.arange(31))
    assert torch.equal(found.greater, ((cosine > cosine.diagonal()[:, None] + 1e-6) & other).sum(1))
    for counts, pairs in ((found.same, same & ~out), (found.different, ~same & ~out)):
        assert torch.equal(counts, torch.histc(cosine[pairs], 10, -1, 1).long())


@pytest.mark.parametrize(("tile_x", "tile_y"), [(1, 1), (3, 5), (64, 2), (2, 64), (512, 4096)])
def test_equal_rows_come_in_order_for_any_tiling(monkeypatch: pytest.MonkeyPatch, tile_x: int, tile_y: int) -> None:
    y = rows(6, 37, 3).repeat(7, 1)
    monkeypatch.setattr(chunking, "TILE_X", tile_x)
    monkeypatch.setattr(chunking, "TILE_Y", tile_y)
    found = cross_stats(y[:6], y, k=7, positive=torch.arange(6))
    assert torch.equal(found.indices, torch.arange(6)[:, None] + 6 * torch.arange(7))
    assert (found.greater == 0).all()
    assert (found.equal == 6).all()


@pytest.mark.usefixtures("small_tiles")
def test_row_without_a_direction_is_in_no_ranking() -> None:
    y = rows(30, 8, 4)
    y[3], y[12], y[20] = 0, torch.nan, torch.inf
    groups = torch.zeros(30, dtype=torch.int64)
    found = cross_stats(
        y, y, k=30, positive=torch.arange(30), lse=True, bins=8, groups_x=groups, groups_y=groups, scale=3.0
    )
    unknown = [3, 12, 20]
    usable = [row for row in range(30) if row not in unknown]
    assert not torch.isin(found.indices, torch.tensor(unknown)).any()
    assert (found.indices[usable][:, 27:] == -1).all()
    assert (found.indices[usable][:, :27] >= 0).all()
    assert (found.indices[unknown] == -1).all()
    assert found.positive[unknown].isnan().all()
    assert found.lse.isnan().all()
    assert found.same.sum() == 27 * 27


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize(("dtype", "sizes"), [(torch.float32, (1e-40, 1e-25, 1e37)), (torch.float64, (1e-310, 1e300))])
def test_direction_is_exact_whatever_the_length_of_the_row(dtype: torch.dtype, sizes: tuple[float, ...]) -> None:
    signs = rows(30, 8).sign().to(dtype)
    scaled = signs.clone()
    for row, size in enumerate(sizes):
        scaled[3 * row] *= size
    for found, expected in zip(everything(scaled, scaled.flip(0)), everything(signs, signs.flip(0)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


def as_in_float64(x: Tensor, y: Tensor, **options: Any) -> None:
    """Compare with the same rows in float64: all but the log-sum-exp must be equal bit by bit."""
    narrow, wide = everything(x, y, **options), everything(x.double(), y.double(), **options)
    for name, found, expected in zip(narrow._fields, narrow, wide, strict=True):
        if name == "lse":
            torch.testing.assert_close(found, expected, rtol=0, atol=20 * LSE, equal_nan=True)
        else:
            assert torch.equal(found.nan_to_num(9), expected.nan_to_num(9)), name


def crowded(kind: str, count: int, width: int) -> Tensor:
    """Rows whose cosines lie as close to each other, and to what they are compared with, as a bound may find them."""
    noise = rows(count, width, width)
    if kind == "near copies":  # of cosines about one, within ties and just beyond
        return rows(1, width, 1) + noise * torch.logspace(-8, -1, count)[:, None]
    if kind == "copies":
        return noise[torch.arange(count) % 5]
    if kind == "positive":
        return noise.abs()
    if kind == "sorted":  # products rise along the sum, which loses most digits
        return noise.abs().sort(1).values
    return noise.sign()  # a few cosines that many pairs share, on the edges of bins


@pytest.mark.parametrize("option", [{}, {"exclude_self": True}, {"exclude_same_group": True}], ids=str)
@pytest.mark.parametrize("kind", ["near copies", "copies", "positive", "sorted", "signs", "random"])
@pytest.mark.parametrize("width", [3, 64, 1500])
def test_float32_decides_as_float64_would(width: int, kind: str, option: dict[str, bool]) -> None:
    y = crowded(kind, 170, width) if kind != "random" else rows(170, width)
    y[5], y[8] = 0, torch.nan
    x = y[:60] + (0 if kind in ("copies", "signs") else 1e-6 * rows(60, width, 3))
    as_in_float64(x, y, **option)


@pytest.mark.parametrize("kind", ["near copies", "positive", "sorted"])
@pytest.mark.parametrize("width", [768, 8192])
def test_error_of_a_product_stays_within_its_bound(width: int, kind: str) -> None:
    side = cross_tiles.Side(crowded(kind, 150, width))
    exact = side.directions.unit @ side.directions.unit.mT
    error = (side.narrow[0] @ side.narrow[0].mT - exact).abs().max()
    assert error < cross_tiles.error_bound(width) / 4, "the bound is far from what happens"


@pytest.mark.parametrize("spread", [0.0, 1e-7, 1.0])
def test_tiles_are_multiplied_once_where_rows_differ_and_no_more_than_twice(
    monkeypatch: pytest.MonkeyPatch, spread: float
) -> None:
    made = []
    make = cross_tiles.Tile.cosine

    def watched(tile: cross_tiles.Tile) -> Tensor:
        made.append(tile.columns)
        return make(tile)

    monkeypatch.setattr(cross_tiles.Tile, "cosine", watched)
    monkeypatch.setattr(chunking, "TILE_Y", 25)  # four times as many where float32 is tried
    y = rows(1, 40, 1) + spread * rows(400, 40)
    everything(y, y)
    assert len(made) == (0 if spread == 1 else 4), "what is as good as equal is made in float64"


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 8), (7, 9), (64, 33)])
@pytest.mark.parametrize("share", [0, 0.1, 1])
def test_few_pairs_are_those_that_nonzero_finds(shape: tuple[int, int], share: float) -> None:
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < share
    pairs = mask.nonzero(as_tuple=True)
    found = few_pairs(mask, len(pairs[0]))
    assert found is not None
    assert all(torch.equal(*side) for side in zip(found, pairs, strict=True))
    assert few_pairs(mask, len(pairs[0]) - 1) is None


def test_row_without_positive_is_nan_and_counts_nothing() -> None:
    found = cross_stats(rows(3, 4), rows(5, 4, 1), positive=torch.tensor([1, -1, 4]))
    assert found.positive.isnan().tolist() == [False, True, False]
    assert found.greater[1] == found.equal[1] == 0


@pytest.mark.parametrize(("n", "m"), [(0, 4), (4, 0), (0, 0)])
def test_empty_sides(n: int, m: int) -> None:
    found = cross_stats(rows(n, 3), rows(m, 3), k=2, positive=torch.full((n,), -1), lse=True)
    assert found.values.shape == (n, 2)
    assert (found.values == -torch.inf).all()
    assert (found.indices == -1).all()
    assert (found.lse == -torch.inf).all()


def test_sides_without_a_direction_have_no_partners() -> None:
    for found in (
        cross_stats(torch.zeros(5, 16), rows(40, 16), k=3),
        cross_stats(rows(5, 16), torch.zeros(40, 16), k=3),
    ):
        assert (found.values == -torch.inf).all()
        assert (found.indices == -1).all()


def test_what_was_not_asked_for_is_empty() -> None:
    found = cross_stats(rows(3, 4), rows(5, 4))
    assert all(field.numel() == 0 for field in found)


def test_gradients_are_those_of_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "TILE_X", 4)
    monkeypatch.setattr(chunking, "TILE_Y", 3)
    x, y = rows(9, 5, 1).double().requires_grad_(), rows(10, 5, 2).double().requires_grad_()
    weights = rows(9, 4, 5).double()

    def loss(stats: CrossStats) -> Tensor:
        return (stats.lse - 7 * stats.positive).square().sum() + (stats.values * weights).sum()

    found = cross_stats(x, y, k=4, positive=torch.arange(9), lse=True, scale=7.0, exclude_self=True)
    cosine = torch.nn.functional.normalize(x, dim=1) @ torch.nn.functional.normalize(y, dim=1).mT
    kept = ~torch.eye(9, 10, dtype=torch.bool)
    plain = found._replace(
        lse=(7 * cosine).masked_fill(~kept, -torch.inf).logsumexp(1),
        positive=cosine.diagonal(),
        values=cosine.gather(1, found.indices),
    )
    for mine, expected in zip(torch.autograd.grad(loss(found), (x, y)), torch.autograd.grad(loss(plain), (x, y))):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-5)


def test_compiles_into_one_graph() -> None:
    def loss(x: Tensor, y: Tensor) -> Tensor:
        found = cross_stats(x, y, positive=torch.arange(6), lse=True)
        return (found.lse - found.positive).sum()

    x, y = rows(6, 5).requires_grad_(), rows(8, 5, 1)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    (expected,), (found,) = torch.autograd.grad(loss(x, y), x), torch.autograd.grad(compiled(x, y), x)
    torch.testing.assert_close(found, expected)
