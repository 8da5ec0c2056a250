# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Block sizes, warps and pipeline stages of every kernel: the one place to tune them.

| operation | settings |
|---|---|
| `paired_cosine` and its gradient, lengths of the rows in `cross_stats` | `row_blocks` |
| `dialogue_gram`, `own_rank`, `delta_curve`, the gradient of `dialogue_gram` | `segment_tile` |
| `dialogue_cosine_sum` | `whole_rows` |
| `segment_reduce`, `segment_moments` | `segment_values` |
| `cross_stats`, `rbf_sum` | `all_pairs_tile`, `column_splits`; cosines to the positives: `diagonal_tile` |
| `preprocess` | `PREPROCESS` |

Matrix kernels are in `TABLE`, by dtype, size and device: the first row that fits is used. `CANDIDATES` has the forms
that may be faster and have not been measured yet: they compile, give the same results, and are raced by `bench gpu`;
what wins there moves to the table. Settings follow from shapes, dtypes and the device alone: to look at values would
wait. None of them spills registers on the devices it is for, of capability 8.0, 9.0 and 10.0 as a rule;
`python -m benchmarks.offline` compiles each and says so. `override` tries others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import triton

Settings = dict[str, int]  # keyword arguments of a launch


class Row(NamedTuple):
    """Settings, and where they are used.

    Attributes:
        settings: of a launch.
        bits: of a number in the rows, 32 or 16.
        longest: up to which mean length of the segments.
        capabilities: of the devices, such as 90; none: of all.
    """

    settings: Settings
    bits: int
    longest: float = math.inf
    capabilities: tuple[int, ...] = ()

    def fits(self, bits: int, length: float, capability: int) -> bool:
        """Return whether it is for such rows on such a device."""
        here = not self.capabilities or capability in self.capabilities
        return self.bits == bits and length <= self.longest and here


def _tile(m: int, n: int, k: int, *, warps: int, stages: int) -> Settings:
    """Tile of m x n products, made k elements of the rows at a time."""
    return {"BLOCK_M": m, "BLOCK_N": n, "BLOCK_K": k, "num_warps": warps, "num_stages": stages}


def _segments(m: int, k: int, *, warps: int, stages: int, packed: int = 0) -> Settings:
    """Square tile for the rows of segments; PACKED: how many rows of several short segments share a program."""
    return {**_tile(m, m, k, warps=warps, stages=stages), "PACKED": packed}


def _pairs(m: int, n: int, k: int, *, warps: int, stages: int, descriptors: bool = False) -> Settings:
    """Tile for all pairs; DESCRIPTORS: whole tiles are copied by descriptors (TMA)."""
    return {**_tile(m, n, k, warps=warps, stages=stages), "DESCRIPTORS": int(descriptors)}


_SEGMENTS = (
    Row(_segments(16, 64, warps=4, stages=3), 32, longest=12),
    Row(_segments(32, 32, warps=4, stages=3), 32, longest=28),
    Row(_segments(64, 16, warps=8, stages=3), 32),
    Row(_segments(16, 128, warps=4, stages=3), 16, longest=12),
    Row(_segments(32, 128, warps=4, stages=3), 16, longest=28),
    Row(_segments(64, 64, warps=8, stages=3), 16),
)
_PAIRS = (Row(_pairs(64, 64, 32, warps=4, stages=3), 32), Row(_pairs(128, 64, 64, warps=8, stages=3), 16))

# `cross_stats` has a name for each thing that it may keep in registers, and for several at once.
TABLE: dict[str, tuple[Row, ...]] = {
    "gram": _SEGMENTS,
    "gram_backward": (*_SEGMENTS[:2], Row(_segments(32, 32, warps=8, stages=3), 32), *_SEGMENTS[3:]),
    # Triton 3.6 does not compile the largest one in 16 bits for capability 10.0.
    "rank": (*_SEGMENTS[:-1], Row(_segments(32, 128, warps=4, stages=3), 16, capabilities=(100,)), _SEGMENTS[-1]),
    "curve": _SEGMENTS,
    "rbf": _PAIRS,
    "cross_lse": _PAIRS,
    "cross_rank": _PAIRS,
    "cross_largest": _PAIRS,
    "cross_several": _PAIRS,
    "cross_histograms": (
        Row(_pairs(64, 64, 16, warps=4, stages=4), 32),  # eight warps would make products twice
        Row(_pairs(64, 64, 64, warps=4, stages=4), 16),
    ),
}

_WIDE_SINGLE = Row(_pairs(128, 128, 32, warps=8, stages=3, descriptors=True), 32, capabilities=(90,))
_WIDE_HALF = Row(_pairs(128, 256, 64, warps=8, stages=3, descriptors=True), 16, capabilities=(90,))
_SQUARE_HALF = Row(_pairs(128, 128, 64, warps=8, stages=3, descriptors=True), 16, capabilities=(90,))

# Of a block of rows, only those that one segment fills are read: packed, more bytes are under way at a time.
_PACKED_SINGLE = (
    Row(_segments(64, 32, warps=8, stages=3, packed=48), 32, longest=28),
    Row(_segments(32, 32, warps=4, stages=4, packed=24), 32, longest=12),
)
_PACKED_HALF = (
    Row(_segments(64, 128, warps=8, stages=3, packed=56), 16, longest=12),
    Row(_segments(32, 128, warps=4, stages=3, packed=24), 16, longest=12),
)

CANDIDATES: dict[str, tuple[Row, ...]] = {
    "gram": (*_PACKED_SINGLE, *_PACKED_HALF, Row(_segments(32, 32, warps=4, stages=4), 32)),
    "rank": (*_PACKED_SINGLE[1:], *_PACKED_HALF[1:]),
    "rbf": (_WIDE_SINGLE, _WIDE_HALF, _SQUARE_HALF),
    "cross_lse": (_WIDE_SINGLE, _WIDE_HALF, _SQUARE_HALF),
    "cross_rank": (_WIDE_SINGLE, _SQUARE_HALF),
    "cross_largest": (_WIDE_SINGLE, _SQUARE_HALF),
}

# Columns of all pairs are split until there are two programs for each multiprocessor of the largest devices.
_PROGRAMS = 264

PREPROCESS: Settings = {"BLOCK_H": 16, "BLOCK_W": 64, "BLOCK_R": 16, "num_warps": 4}

_overriding: Settings = {}
_overridden: set[str] = set()
_tried: dict[str, Settings] = {}


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


@contextmanager
def trying(kernel: str, tried: Settings) -> Iterator[None]:
    """Launch one kernel of `TABLE` with these settings, whatever its rows are: one of the `CANDIDATES` as a rule.

    Example:
        >>> with trying("rbf", candidates("rbf", torch.float32)[0]):
        ...     all_pairs_tile("rbf", torch.zeros(2, 3))["BLOCK_N"]
        128
    """
    _tried[kernel] = tried
    try:
        yield
    finally:
        del _tried[kernel]


def candidates(kernel: str, dtype: torch.dtype, length: float = 1, capability: int = 0) -> list[Settings]:
    """Return what is to be tried beside the table's settings.

    Args:
        kernel: Name in `TABLE`.
        dtype: Of the rows.
        length: Mean length of the segments.
        capability: Of the device, such as 90; 0: of any.

    Example:
        >>> [tried["BLOCK_N"] for tried in candidates("rbf", torch.bfloat16, capability=90)]
        [256, 128]
    """
    rows = CANDIDATES.get(kernel, ())
    everywhere = [row if capability else row._replace(capabilities=()) for row in rows]
    return [row.settings for row in everywhere if row.fits(_bits(dtype), length, capability)]


def capability_of(device: torch.device) -> int:
    """Return the compute capability of a device, such as 90; 0 of what is none."""
    if device.type != "cuda":
        return 0
    major, minor = torch.cuda.get_device_capability(device)
    return 10 * major + minor


def _chosen(kernel: str, dtype: torch.dtype, device: torch.device, length: float = 1) -> Settings:
    if kernel in _tried:
        return _tried[kernel]
    bits, capability = _bits(dtype), capability_of(device)
    return next(row.settings for row in TABLE[kernel] if row.fits(bits, length, capability))


def _bits(dtype: torch.dtype) -> int:
    return 8 * dtype.itemsize


@_tunable
def row_blocks(width: int) -> Settings:
    """About 4096 elements of each side a program: 16-byte loads and 32 to 64 registers a thread."""
    block = min(triton.next_power_of_2(max(width, 16)), 1024)
    return {"BLOCK_R": 4096 // block, "BLOCK_D": block, "num_warps": 4}


@_tunable
def segment_tile(kernel: str, rows: torch.Tensor, segments: int) -> Settings:
    """Tile for segments of the mean length: the longest would be the better guide, but is known to the device only."""
    return _chosen(kernel, rows.dtype, rows.device, len(rows) / max(segments, 1))


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
def all_pairs_tile(kernel: str, rows: torch.Tensor) -> Settings:
    """Tile for up to 64 largest cosines a row and 512 bins."""
    return _chosen(kernel, rows.dtype, rows.device)


def pointer_tile(kernel: str, rows: torch.Tensor) -> Settings:
    """Tile for rows that no descriptor can describe."""
    rows_of_table = (row for row in TABLE[kernel] if not row.settings["DESCRIPTORS"])
    return next(row.settings for row in rows_of_table if row.fits(_bits(rows.dtype), 1, 0))


def diagonal_tile(tile: Settings) -> Settings:
    """Edge and depth of square tiles of which only the diagonal is wanted."""
    return {"BLOCK_M": min(tile["BLOCK_M"], 64), "BLOCK_K": tile["BLOCK_K"]}


def column_splits(columns: int, row_blocks: int, block_n: int) -> tuple[int, int]:
    """Return the number of splits of the columns, and the size of one: whole blocks, at least eight of them."""
    splits = max(1, min(triton.cdiv(columns, block_n * 8), triton.cdiv(_PROGRAMS, max(row_blocks, 1))))
    split_size = triton.cdiv(triton.cdiv(max(columns, 1), splits), block_n) * block_n
    return triton.cdiv(max(columns, 1), split_size), split_size
