# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Calls that make the launchers choose every configuration they can choose.

A launcher sees the real shapes of small tensors: block sizes follow from widths, dtypes and mean lengths only. Where a
call chooses what an earlier one has chosen already, nothing new is compiled, so the lists may be generous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product

import torch
from imug_kernels.tolerances import TIE
from imug_kernels.triton_kernels import (
    cosine_sum,
    cross,
    curve,
    gram,
    gram_backward,
    moments,
    paired,
    paired_backward,
    preprocess,
    rank,
    rbf,
    segments,
    settings,
)
from torch import Tensor

from benchmarks.offline.compiler import Launch, record

Call = Callable[[], object]

DTYPES = (torch.bfloat16, torch.float16, torch.float32)
WIDTH = 768  # typical of embeddings, and what is compiled for every architecture
WIDTHS = (WIDTH, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 5, 770)  # every power of two to hold a row, and odd
LENGTHS = (8, 20, 64)  # mean rows of a segment: one on each side of every threshold


def typical_calls() -> Iterator[Call]:
    """Yield one call of every launcher and dtype, for dialogues of eight turns and embeddings of width 768."""
    for dtype in DTYPES:
        yield from _paired(dtype, WIDTH, indexed=False)
        yield from _by_segment(dtype, WIDTH, length=8, masked=False)
        yield from _cross(dtype, WIDTH)
    yield from _reductions([1])
    yield from _moments([1])
    yield from _images([224], torch.bfloat16)


def all_calls() -> Iterator[Call]:
    """Yield the typical calls first, then those that reach every other configuration."""
    yield from typical_calls()
    for dtype, width, indexed in product(DTYPES, WIDTHS, (False, True)):
        yield from _paired(dtype, width, indexed)
        yield from _scales(dtype, width)
    for dtype, length, masked in product(DTYPES, LENGTHS, (False, True)):
        yield from _by_segment(dtype, WIDTH, length, masked)
    for dtype, width in product(DTYPES, WIDTHS):
        yield from _by_segment(dtype, width, length=8, masked=True)
    for dtype, max_delta in product(DTYPES, (1, 31, 64)):
        yield from _curves(dtype, max_delta)
    for dtype in DTYPES:
        yield partial(paired.paired_cosine, *_one_index(dtype), 1.0, None)
        yield partial(paired_backward.paired_cosine_backward, [torch.zeros(64)], *_one_index(dtype), 1.0, None)
        yield from _cross(dtype, 770)
        yield from _cross_options(dtype)
    yield from _reductions([1, 3, 16, 64, 300])
    yield from _moments([1, 2, 3, 8, 16, 64, 300])
    for dtype in DTYPES:
        yield from _candidates(dtype)
    for dtype in DTYPES:
        yield from _images([224, 448, 30], dtype)


def distinct(calls: Iterable[Call]) -> dict[tuple[str, ...], Launch]:
    """Return one launch of each configuration that the calls lead to."""
    found: dict[tuple[str, ...], Launch] = {}
    for call in calls:
        for launch in record(call):
            found.setdefault(launch.configuration, launch)
    return found


def _paired(dtype: torch.dtype, width: int, indexed: bool) -> Iterator[Call]:
    x = torch.zeros(64, width, dtype=dtype)
    index = torch.arange(64) if indexed else None
    yield partial(paired.paired_cosine, x, x, index, index, 2.5, 0.0)
    grads = [torch.zeros(64)]
    yield partial(paired_backward.paired_cosine_backward, grads, x, x, index, index, 2.5, 0.0)


def _one_index(dtype: torch.dtype) -> tuple[Tensor, Tensor, None, Tensor]:
    x = torch.zeros(64, WIDTH, dtype=dtype)
    return x, x, None, torch.arange(64)


def _packed(dtype: torch.dtype, width: int, length: int, masked: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    rows = torch.zeros(4 * length, width, dtype=dtype)
    return rows, torch.arange(0, 5 * length, length), torch.ones(4 * length, dtype=torch.bool) if masked else None


def _by_segment(dtype: torch.dtype, width: int, length: int, masked: bool) -> Iterator[Call]:
    rows, offsets, valid = _packed(dtype, width, length, masked)
    yield partial(gram.dialogue_gram, rows, offsets, valid)
    yield partial(gram_backward.dialogue_gram_backward, [torch.zeros(7, len(rows))], rows, offsets, valid)
    yield partial(rank.own_rank, rows, rows, offsets, valid, valid, TIE)
    yield partial(curve.delta_curve, rows, offsets, torch.arange(len(rows)), 8, valid)
    yield partial(cosine_sum.dialogue_cosine_sum, rows, offsets, valid)


def _curves(dtype: torch.dtype, max_delta: int) -> Iterator[Call]:
    for length in LENGTHS:
        rows, offsets, _ = _packed(dtype, WIDTH, length, False)
        yield partial(curve.delta_curve, rows, offsets, torch.arange(len(rows)), max_delta, None)


def _reductions(widths: Iterable[int]) -> Iterator[Call]:
    offsets = torch.arange(0, 65, 8)
    mask = torch.ones(64, dtype=torch.bool)
    wide, narrow = torch.float64, torch.float32
    for width, dtype, into in product(widths, (narrow, wide), (narrow, wide)):
        values = torch.zeros(64, width, dtype=dtype)
        yield partial(segments.segment_sum, values, offsets, into)
        for valid in (None, mask):
            yield partial(segments.segment_reduce, values, offsets, valid, into)


def _moments(widths: Iterable[int]) -> Iterator[Call]:
    offsets, positions = torch.arange(0, 65, 8), torch.arange(64)
    mask = torch.ones(64, dtype=torch.bool)
    for width, dtype, valid, own in product(widths, (torch.float32, torch.float64), (None, mask), (False, True)):
        values = torch.zeros(64, width, dtype=dtype)
        over = values[:, :1].contiguous() if own else None
        for masks in ((valid, None, None), (valid, mask, mask)):
            yield partial(moments.segment_moments, values, offsets, positions, over, *masks, 1, (0, 1), 16, 0)


def _cross(dtype: torch.dtype, width: int) -> Iterator[Call]:
    x = torch.zeros(4096, width, dtype=dtype)
    positive = torch.arange(4096)
    yield partial(cross.cross_stats, x, x, 16, None, False, 1.0, None, None, False, False, 0)
    yield partial(cross.cross_stats, x, x, 0, positive, False, 1.0, None, None, False, False, 0)
    yield partial(cross.cross_stats, x, x, 0, None, True, 1.0, None, None, True, False, 0)
    yield partial(cross.cross_stats, x, x, 0, None, False, 1.0, positive, positive, True, False, 256)
    yield partial(rbf.rbf_sum, x, x, 10.0)
    yield partial(rbf.rbf_self_sum, x, 10.0)


def _candidates(dtype: torch.dtype) -> Iterator[Call]:
    """What may be faster than the settings in use, for rows that descriptors can describe."""
    for kernel in settings.CANDIDATES:
        for tried, call in product(settings.candidates(kernel, dtype), (*_cross(dtype, WIDTH), *_cross_options(dtype))):
            yield partial(_trying, kernel, tried, call)
    for masked, length in product((False, True), LENGTHS):
        rows, offsets, valid = _packed(dtype, WIDTH, length, masked)
        for tried in settings.candidates("gram", dtype, length):
            yield partial(_trying, "gram", tried, partial(gram.dialogue_gram, rows, offsets, valid))
        for tried in settings.candidates("rank", dtype, length):
            yield partial(_trying, "rank", tried, partial(rank.own_rank, rows, rows, offsets, valid, valid, TIE))


def _trying(kernel: str, tried: settings.Settings, call: Call) -> None:
    with settings.trying(kernel, tried):
        call()


def _scales(dtype: torch.dtype, width: int) -> Iterator[Call]:
    yield partial(cross.scales, torch.zeros(64, width, dtype=dtype))


def _cross_options(dtype: torch.dtype) -> Iterator[Call]:
    x = torch.zeros(4096, WIDTH, dtype=dtype)
    group = torch.arange(4096)
    for k in (1, 8, 64):
        yield partial(cross.cross_stats, x, x, k, None, False, 1.0, None, None, False, False, 0)
        yield partial(cross.cross_stats, x, x, k, None, False, 1.0, group, group, True, True, 0)
    yield partial(cross.cross_stats, x, x, 8, group, True, 1.0, group, group, True, True, 0)
    for bins in (2, 64, 512):
        yield partial(cross.cross_stats, x, x, 0, None, False, 1.0, group, group, False, False, bins)


def _images(sizes: Iterable[int], dtype: torch.dtype) -> Iterator[Call]:
    images, unit = torch.zeros(1, 3, 256, 320, dtype=torch.uint8), ([0.5] * 3, [0.5] * 3)
    for size, layout in product(sizes, (torch.contiguous_format, torch.channels_last)):
        pixels = images.to(memory_format=layout)
        yield partial(preprocess.preprocess, pixels, (size, size), dtype, *unit, (size, size), (0, 0), "bicubic")
