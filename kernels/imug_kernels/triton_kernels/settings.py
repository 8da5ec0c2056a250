# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Block sizes, warps and pipeline stages of every kernel: the one place to tune them.

| operation | settings |
|---|---|
| `paired_cosine`, lengths of the rows in `cross_stats` | `row_blocks` |
| `dialogue_gram`, `own_rank`, `delta_curve` | `segment_tile` |
| `dialogue_cosine_sum` | `whole_rows` |
| `segment_reduce`, `segment_moments` | `segment_values` |
| `cross_stats`, `rbf_sum` | `all_pairs_tile`, `column_splits`; cosines to the positives: `diagonal_tile` |
| `preprocess` | `PREPROCESS` |

They follow from shapes and dtypes alone: to look at values would wait for the device. None of them spills registers on
compute capability 8.0, 9.0 or 10.0; `python -m benchmarks.offline` compiles each and says so. `override` tries others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import triton

Settings = dict[str, int]  # keyword arguments of a launch


_overriding: Settings = {}
_overridden: set[str] = set()


@contextmanager
def override(**settings: int) -> Iterator[None]:
    """Launch kernels with these settings in place of the table's, as far as they have them: to try others out.

    ``num_warps`` and ``num_stages`` every kernel has; `preprocess` keeps its own. What no kernel that was launched had
    is an error in the end, so that nothing is believed to have been tried. For one thread at a time, and not nested.

    Args:
        settings: Block sizes by their names in the table, warps and stages.

    Raises:
        ValueError: If a setting belongs to none of the kernels launched.

    Example:
        >>> with override(BLOCK_D=256, num_stages=4):
        ...     row_blocks(768)
        {'BLOCK_R': 4, 'BLOCK_D': 256, 'num_warps': 4, 'num_stages': 4}
    """
    _overriding.update(settings)
    _overridden.clear()
    try:
        yield
    finally:
        _overriding.clear()
    if unknown := sorted(settings.keys() - _overridden):
        raise ValueError(f"Expected settings of the kernels that were launched, got `{'`, `'.join(unknown)}`.")


def _apply(found: Settings) -> Settings:
    """The settings of one launch with those that are tried."""
    mine = {name: value for name, value in _overriding.items() if name in found or name.startswith("num_")}
    _overridden.update(mine)
    return {**found, **mine}


def _tunable(choose: Callable[..., Settings]) -> Callable[..., Settings]:
    @functools.wraps(choose)
    def chosen(*arguments: Any, **keywords: Any) -> Settings:
        found = choose(*arguments, **keywords)
        return _apply(found) if _overriding else found

    return chosen


def _tile(m: int, n: int, k: int, *, warps: int, stages: int) -> Settings:
    """Tile of m x n products, made k elements of the rows at a time."""
    return {"BLOCK_M": m, "BLOCK_N": n, "BLOCK_K": k, "num_warps": warps, "num_stages": stages}


# Up to which mean length of the segments a tile is used, for rows of float32 and of 16 bits.
_SEGMENT_TILES = (
    (12, _tile(16, 16, 64, warps=4, stages=3), _tile(16, 16, 128, warps=4, stages=3)),
    (28, _tile(32, 32, 32, warps=4, stages=3), _tile(32, 32, 128, warps=4, stages=3)),
    (math.inf, _tile(64, 64, 16, warps=8, stages=3), _tile(64, 64, 64, warps=8, stages=3)),
)

# By whether rows are float32 and whether histograms are counted, whose bins stay in registers.
_ALL_PAIRS_TILES = {
    (True, False): _tile(64, 64, 32, warps=4, stages=3),
    (True, True): _tile(64, 64, 32, warps=8, stages=3),
    (False, False): _tile(128, 64, 64, warps=8, stages=3),
    (False, True): _tile(64, 64, 64, warps=4, stages=4),
}

# Columns of all pairs are split until there are two programs for each multiprocessor of the largest devices.
_PROGRAMS = 264

PREPROCESS: Settings = {"BLOCK_H": 16, "BLOCK_W": 64, "BLOCK_R": 16, "num_warps": 4}


@_tunable
def row_blocks(width: int) -> Settings:
    """About 4096 elements of each side a program: 16-byte loads and 32 to 64 registers a thread."""
    block = min(triton.next_power_of_2(max(width, 16)), 1024)
    return {"BLOCK_R": 4096 // block, "BLOCK_D": block, "num_warps": 4}


@_tunable
def segment_tile(rows: int, segments: int, dtype: torch.dtype) -> Settings:
    """Tile for segments of the mean length: the longest would be the better guide, but is known to the device only."""
    mean = rows / max(segments, 1)
    single, half = next((single, half) for longest, single, half in _SEGMENT_TILES if mean <= longest)
    return single if dtype == torch.float32 else half


@_tunable
def whole_rows(width: int) -> Settings:
    """Up to 8192 elements a program, of up to 16 rows."""
    block = triton.next_power_of_2(max(width, 16))
    return {"BLOCK_R": max(1, min(16, 8192 // block)), "BLOCK_D": block, "num_warps": 4 if block <= 1024 else 8}


@_tunable
def segment_values(width: int) -> Settings:
    """About 512 elements at a time: a segment is a dialogue of some dozen scalars, rarely more."""
    block = min(triton.next_power_of_2(width), 128)
    return {"BLOCK_R": max(4, 128 // block), "BLOCK_W": block, "num_warps": 1 if block < 16 else 4}


@_tunable
def all_pairs_tile(dtype: torch.dtype, bins: int = 0) -> Settings:
    """Tile for up to 64 largest cosines a row and 512 bins."""
    return _ALL_PAIRS_TILES[dtype == torch.float32, bins > 0]


def diagonal_tile(tile: Settings) -> Settings:
    """Edge and depth of square tiles of which only the diagonal is wanted."""
    return {"BLOCK_M": min(tile["BLOCK_M"], 64), "BLOCK_K": tile["BLOCK_K"]}


def column_splits(columns: int, row_blocks: int, block_n: int) -> tuple[int, int]:
    """Return the number of splits of the columns, and the size of one: whole blocks, at least eight of them."""
    splits = max(1, min(triton.cdiv(columns, block_n * 8), triton.cdiv(_PROGRAMS, max(row_blocks, 1))))
    split_size = triton.cdiv(triton.cdiv(max(columns, 1), splits), block_n) * block_n
    return triton.cdiv(max(columns, 1), split_size), split_size
