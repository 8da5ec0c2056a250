# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of kernels that are tried instead of the table's."""

from __future__ import annotations

import pytest
import torch

settings = pytest.importorskip("imug_kernels.triton_kernels.settings", exc_type=ImportError)

ROWS = torch.zeros(2, 3)
CHOICES = {
    "row_blocks": lambda: settings.row_blocks(768),
    "segment_tile": lambda: settings.segment_tile("gram", torch.zeros(100, 1, dtype=torch.bfloat16), 10),
    "whole_rows": lambda: settings.whole_rows(768),
    "segment_values": lambda: settings.segment_values(3),
    "all_pairs_tile": lambda: settings.all_pairs_tile("cross_histograms", ROWS),
}


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_can_be_overridden_and_comes_back(name: str) -> None:
    before = CHOICES[name]()
    block = next(iter(before))
    with settings.override(**{block: 7, "num_stages": 9}):
        assert CHOICES[name]() == {**before, block: 7, "num_stages": 9}
    assert CHOICES[name]() == before


def test_what_another_kernel_has_does_not_reach_this_one() -> None:
    with settings.override(BLOCK_N=32):
        assert "BLOCK_N" not in settings.row_blocks(64)
        assert settings.all_pairs_tile("rbf", ROWS)["BLOCK_N"] == 32


def test_what_no_kernel_has_is_an_error_and_is_forgotten() -> None:
    with pytest.raises(ValueError, match="got `BLOCK_X`"), settings.override(BLOCK_X=1, num_warps=2):
        settings.row_blocks(64)
    assert settings.row_blocks(64)["num_warps"] == 4


def test_an_error_inside_is_not_replaced() -> None:
    with pytest.raises(KeyError), settings.override(BLOCK_X=1):
        raise KeyError


@pytest.mark.parametrize("kernel", settings.CANDIDATES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_candidates_are_used_while_they_are_tried(kernel: str, dtype: torch.dtype) -> None:
    rows = torch.zeros(80, 8, dtype=dtype)
    before = settings._chosen(kernel, dtype, rows.device, 8)
    assert settings.candidates(kernel, dtype, 8)
    for tried in settings.candidates(kernel, dtype, 8):
        assert tried.keys() == before.keys()
        assert tried != before
        with settings.trying(kernel, tried):
            assert settings._chosen(kernel, dtype, rows.device, 8) == tried
    assert settings._chosen(kernel, dtype, rows.device, 8) == before


def test_candidates_are_for_the_devices_that_have_what_they_need() -> None:
    assert settings.candidates("rbf", torch.float32, capability=90)
    assert not settings.candidates("rbf", torch.float32, capability=80)
    assert not settings.candidates("gram", torch.float32, 1000, capability=90)[1:]
