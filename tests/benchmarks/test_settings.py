# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of kernels that are tried instead of the table's."""

from __future__ import annotations

import pytest
import torch

settings = pytest.importorskip("imug_kernels.triton_kernels.settings", exc_type=ImportError)

CHOICES = {
    "row_blocks": lambda: settings.row_blocks(768),
    "segment_tile": lambda: settings.segment_tile(100, 10, torch.bfloat16),
    "whole_rows": lambda: settings.whole_rows(768),
    "segment_values": lambda: settings.segment_values(3),
    "all_pairs_tile": lambda: settings.all_pairs_tile(torch.float32, 16),
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
        assert settings.all_pairs_tile(torch.float32)["BLOCK_N"] == 32


def test_what_no_kernel_has_is_an_error_and_is_forgotten() -> None:
    with pytest.raises(ValueError, match="got `BLOCK_X`"), settings.override(BLOCK_X=1, num_warps=2):
        settings.row_blocks(64)
    assert settings.row_blocks(64)["num_warps"] == 4


def test_an_error_inside_is_not_replaced() -> None:
    with pytest.raises(KeyError), settings.override(BLOCK_X=1):
        raise KeyError
