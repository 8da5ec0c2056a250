# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Descriptors of rows, by which capability 9.0 and newer copy whole tiles into shared memory (TMA)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from imug_kernels.triton_kernels import settings

MIN_CAPABILITY = 90


class DescribedTile(NamedTuple):
    """Settings of a launch over all pairs, and the descriptors of both sides where these ask for them."""

    settings: settings.Settings
    x_tiles: TensorDescriptor | None
    y_tiles: TensorDescriptor | None


def all_pairs(kernel: str, x: Tensor, y: Tensor) -> DescribedTile:
    """Return how a kernel of all pairs is launched; rows that cannot be described are read by pointers."""
    tile = settings.all_pairs_tile(kernel, x)
    if not tile["DESCRIPTORS"]:
        return DescribedTile(tile, None, None)
    if not can_describe(x, y):
        return DescribedTile(settings.pointer_tile(kernel, x), None, None)
    depth = tile["BLOCK_K"]
    return DescribedTile(tile, _described(x, tile["BLOCK_M"], depth), _described(y, tile["BLOCK_N"], depth))


def can_describe(*sides: Tensor) -> bool:
    """Return whether all rows begin at multiples of 16 bytes, on a device that copies by descriptors."""
    return all(_is_aligned(rows) and _copies_tiles(rows) for rows in sides)


def _described(rows: Tensor, block_rows: int, block_k: int) -> TensorDescriptor:
    return TensorDescriptor(rows, list(rows.shape), list(rows.stride()), [block_rows, block_k])


def _is_aligned(rows: Tensor) -> bool:
    return rows.numel() > 0 and rows.data_ptr() % 16 == 0 and rows.stride(0) * rows.element_size() % 16 == 0


def _copies_tiles(rows: Tensor) -> bool:
    return rows.device.type != "cuda" or settings.capability_of(rows.device) >= MIN_CAPABILITY
