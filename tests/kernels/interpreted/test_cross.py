# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""All-pairs kernels and preprocessing under the interpreter, in small blocks so that every edge of them is met."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imug_kernels import cross_stats, preprocess, rbf_sum
from torch import Tensor

SMALL = {"BLOCK_M": 16, "BLOCK_N": 16, "BLOCK_K": 32}
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def plain(name: str) -> ModuleType:
    return import_module(f"imug_kernels.{name}")


def fused(name: str) -> ModuleType:
    return import_module(f"imug_kernels.triton_kernels.{name}")


def rows(count: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


def compare(x: Tensor, y: Tensor, *arguments: object, config: dict[str, int] | None = None) -> None:
    """Kernel against tiles in float64: floats to 1e-5, row numbers and counts exactly."""
    found = fused("cross").cross_stats(x, y, *arguments, config=config or SMALL)
    expected = plain("cross")._plain(x, y, *arguments)
    for mine, reference in zip(found, expected):
        assert mine.shape == reference.shape
        if mine.is_floating_point():
            torch.testing.assert_close(mine.double(), reference.double(), rtol=0, atol=1e-5, equal_nan=True)
        else:
            assert torch.equal(mine.long(), reference)


def arguments(n: int, m: int, k: int = 5, not_self: bool = False, not_same: bool = False, bins: int = 0) -> tuple:
    groups = torch.arange(n) % 5, torch.arange(m) % 5
    return k, torch.arange(n) % m, True, 10.0, *groups, not_self, not_same, bins


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "m", "width"), [(1, 1, 1), (33, 70, 40), (5, 300, 7)])
def test_kernel_equals_tiles(n: int, m: int, width: int, dtype: torch.dtype) -> None:
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


def test_equal_rows_come_in_order_across_blocks_and_shares() -> None:
    y = rows(6, 24, 3).repeat(60, 1)
    found = fused("cross").cross_stats(y[:6], y, *arguments(6, 360, k=9), config=SMALL)
    assert torch.equal(found[1], torch.arange(6)[:, None] + 6 * torch.arange(9))
    assert (found[3][0] == 0).all()
    assert (found[3][1] == 59).all()


def test_zero_and_unknown_rows() -> None:
    y = rows(40, 24)
    y[9], y[11], y[20] = torch.nan, 0, torch.inf
    compare(y, y, *arguments(40, 40, k=40))


def test_histograms_count_every_pair_where_its_cosine_is() -> None:
    """Right angles and equal directions: cosines that no rounding moves over the edge of a bin."""
    x, y = torch.eye(4).repeat(9, 1), torch.cat([torch.eye(4), -torch.eye(4)]).repeat(5, 1)
    for bins in (5, 9):  # the kernel's histograms are powers of two long
        options = (0, None, False, 1.0, torch.arange(36) % 3, torch.arange(40) % 3, False, False, bins)
        compare(x, y, *options)


def test_kernel_is_behind_the_door_and_checks_come_first() -> None:
    x, y = rows(3, 20), rows(5, 20, 1)
    found = cross_stats(x, y, k=2, positive=torch.tensor([0, -1, 4]), lse=True)
    expected = plain("cross")._plain(x, y, 2, torch.tensor([0, -1, 4]), True, 1.0, None, None, False, False, 0)
    torch.testing.assert_close(found.values, expected[0], rtol=0, atol=1e-6)
    assert not torch.equal(found.lse, expected[4]), "float32 sums: the kernel did run"
    assert found.positive.isnan().tolist() == [False, True, False]


def test_strided_rows_and_empty_sides() -> None:
    wide = rows(20, 80)
    compare(wide[::2, :40], wide[1::2, 40:], *arguments(10, 10))
    for n, m in ((0, 3), (3, 0), (0, 0)):
        compare(rows(n, 4), rows(m, 4), 2, None, True, 1.0, None, None, False, False, 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", [0.3, 10.0])
def test_kernel_sums_equal_tiles(sigma: float, dtype: torch.dtype) -> None:
    x, y = (torch.nn.functional.normalize(rows(n, 40, n), dim=1).to(dtype) for n in (50, 37))
    for mine, reference in (
        (fused("rbf").rbf_sum(x, y, sigma, SMALL), plain("rbf")._plain(x, y, sigma)),
        (fused("rbf").rbf_self_sum(x, sigma, SMALL), plain("rbf")._plain_self(x, sigma)),
        (rbf_sum(x[:7], sigma=sigma), plain("rbf")._plain_self(x[:7], sigma)),
    ):
        torch.testing.assert_close(mine, reference, rtol=1e-6, atol=0)


def test_kernel_sums_of_unknown_rows_and_of_none() -> None:
    x = rows(20, 8)
    x[17, 3] = torch.inf
    assert fused("rbf").rbf_self_sum(x, 1.0, SMALL).isnan()
    assert fused("rbf").rbf_sum(rows(3, 8), x, 1.0, SMALL).isnan()
    assert fused("rbf").rbf_sum(x[:0], x, 1.0, SMALL) == 0
    assert fused("rbf").rbf_self_sum(x[:1], 1.0, SMALL) == 0


@pytest.mark.parametrize(
    ("shape", "size", "resize", "crop"),
    [
        ((2, 3, 37, 53), (16, 16), (16, 22), (0, 3)),
        ((1, 3, 20, 11), (24, 24), (30, 24), (3, 0)),
        ((1, 1, 70, 60), (8, 9), (10, 9), (1, 0)),
        ((1, 3, 9, 9), (5, 6), (9, 9), (2, 1)),
        ((1, 1, 1, 1), (3, 3), (3, 3), (0, 0)),
    ],
)
@pytest.mark.parametrize(("layout", "interpolation"), [("nchw", "bicubic"), ("nhwc", "bicubic"), ("nchw", "bilinear")])
def test_kernel_pixels_are_within_a_level(
    shape: tuple[int, ...],
    size: tuple[int, int],
    resize: tuple[int, int],
    crop: tuple[int, int],
    layout: str,
    interpolation: str,
) -> None:
    batch = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    channels = shape[1]
    given_images = batch.permute(0, 2, 3, 1).contiguous() if layout == "nhwc" else batch
    identity = [0.0] * channels, [1 / 255] * channels
    options = {"resize": resize, "crop": crop, "layout": layout, "interpolation": interpolation}
    found = preprocess(given_images, size, *identity, **options)
    expected = plain("preprocess")._plain(batch, size, *identity, resize, crop, torch.float32, interpolation)
    difference = (found - expected).abs()
    assert difference.max() <= 1.001
    # A bilinear enlargement often falls half-way between two levels, where fixed-point weights go either way.
    assert (difference > 0.5).double().mean() < (0.02 if interpolation == "bicubic" else 0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_normalises_by_channel(dtype: torch.dtype) -> None:
    batch = torch.randint(0, 256, (2, 3, 12, 12), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    normalise = [0.48, 0.45, 0.4], [0.26, 0.25, 0.27]
    found = preprocess(batch, (12, 12), *normalise, dtype=dtype)
    expected = plain("preprocess")._plain(batch, (12, 12), *normalise, (12, 12), (0, 0), torch.float32)
    assert found.dtype == dtype
    # The interpreter cuts to bf16 where a GPU rounds: one unit in the last place.
    torch.testing.assert_close(found.float(), expected, rtol=torch.finfo(dtype).eps, atol=2e-6)
