# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packed segments: sums and extremes over them, and batches of equal length to work on them without padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_kernels.checks import check_device, check_offset_values, check_offsets
from imug_kernels.chunking import CHUNK_ELEMENTS, work_dtype
from imug_kernels.ops import register


class SegmentStats(NamedTuple):
    """Valid values of each segment; every field ``[S, ...]``, float64 (float32 on MPS).

    ``sum`` and ``count`` are 0 where there is none, ``min`` and ``max`` NaN. A valid NaN makes NaN of all but
    ``count``.
    """

    sum: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    min: Tensor
    max: Tensor


class Bucket(NamedTuple):
    """Segments of equal length: ``segments [b]`` are their numbers, ``rows [b, n]`` the packed rows they own."""

    segments: Tensor
    rows: Tensor


def segment_sum(values: Tensor, offsets: Tensor) -> Tensor:
    """Sum ``values`` over each segment.

    The order of addition is fixed, so every run gives the same result.
    Differentiable with respect to ``values``.

    Args:
        values: ``[N, ...]``, any real dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.

    Returns:
        Sums ``[S, ...]``, float64 (float32 on MPS); 0 for an empty segment.

    Raises:
        TypeError: If ``offsets`` is not integer.
        ValueError: If ``values`` has no rows axis or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_sum
        >>> segment_sum(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2, 3]))
        tensor([3., 0., 4.], dtype=torch.float64)
    """
    return _reduce(values, offsets, None, extremes=False)[0]


def segment_reduce(values: Tensor, offsets: Tensor, valid: Tensor | None = None) -> SegmentStats:
    """Reduce ``values`` over each segment to sum, count, minimum and maximum.

    The order of addition is fixed, so every run gives the same result. Differentiable with respect to ``values``;
    values that share an extreme share its gradient.

    Args:
        values: ``[N, ...]``, any real dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows.

    Returns:
        The statistics, see :class:`SegmentStats`.

    Raises:
        TypeError: If ``offsets`` is not integer or ``valid`` not boolean.
        ValueError: If ``values`` has no rows axis, a shape does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_reduce
        >>> stats = segment_reduce(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 2, 3]))
        >>> stats.sum, stats.max
        (tensor([3., 0., 4.], dtype=torch.float64), tensor([2., nan, 4.], dtype=torch.float64))
    """
    return SegmentStats(*_reduce(values, offsets, valid, extremes=True).unbind())


def _reduce(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    if values.ndim < 1:
        raise ValueError("Expected argument `values` to have shape [N, ...], got a scalar.")
    if valid is not None and valid.dtype != torch.bool:
        raise TypeError(f"Expected argument `valid` to be a boolean tensor, got {valid.dtype}.")
    if valid is not None and valid.shape != values.shape[:1]:
        raise ValueError(f"Expected argument `valid` to have shape [{len(values)}], got {list(valid.shape)}.")
    if valid is not None:
        check_device("valid", valid, values.device)
    offsets = check_offsets(offsets, values.device)
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    stats: Tensor = _segment_reduce(flat, offsets, valid, extremes)
    return stats.reshape(*stats.shape[:2], *values.shape[1:])


def _plain(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    check_offset_values(offsets, len(values))
    stats = values.new_zeros(4 if extremes else 1, len(offsets) - 1, values.shape[1], dtype=work_dtype(values.device))
    usable = torch.ones_like(values, dtype=torch.bool) if valid is None else valid[:, None].expand_as(values)
    if values.numel() == 0:
        stats[2:] = torch.nan
        return stats
    if values.device.type == "cpu" and values.shape[1] > 2:
        return _by_chunks(stats, values, offsets, valid)
    wide = values.to(stats.dtype)
    stats[0] = _over(wide if valid is None else wide.masked_fill(~usable, 0), "sum", offsets, 0)
    if extremes:
        stats[1] = _over(usable.to(stats.dtype), "sum", offsets, 0)
        stats[2] = _over(wide.masked_fill(~usable, torch.inf), "min", offsets, torch.inf)
        stats[3] = _over(wide.masked_fill(~usable, -torch.inf), "max", offsets, -torch.inf)
        stats[2:].masked_fill_(stats[1] == 0, torch.nan)
    return stats


def _by_chunks(stats: Tensor, values: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    """Fill ``stats`` row by row: of wide rows `torch.segment_reduce` goes through the columns, eight times slower."""
    owner = torch.repeat_interleave(offsets[1:] - offsets[:-1], output_size=len(values))
    extremes = len(stats) > 1
    if extremes:
        stats[2], stats[3] = torch.inf, -torch.inf
    step = max(1, CHUNK_ELEMENTS // values.shape[1])
    for start in range(0, len(values), step):
        chunk = slice(start, start + step)
        rows, at = values[chunk], owner[chunk]
        if valid is not None:
            rows, at = rows[valid[chunk]], at[valid[chunk]]
        rows = rows.to(stats.dtype)
        stats[0].index_add_(0, at, rows)  # one row after the other on a CPU: the order is fixed
        if extremes:
            stats[1].index_add_(0, at, torch.ones_like(rows))
            for place, reduction in ((2, "amin"), (3, "amax")):
                stats[place].scatter_reduce_(0, at[:, None].expand_as(rows), rows, reduction)
    if extremes:
        stats[2:].masked_fill_(stats[1] == 0, torch.nan)
    return stats


def _over(values: Tensor, reduction: str, offsets: Tensor, initial: float) -> Tensor:
    return torch.segment_reduce(values.contiguous(), reduction, offsets=offsets, axis=0, initial=initial)


def _like(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    shape = (4 if extremes else 1, len(offsets) - 1, values.shape[1])
    return values.new_empty(shape, dtype=work_dtype(values.device))


def _gradient(
    grads: Sequence[Tensor], values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool
) -> list[Tensor]:
    owner = torch.repeat_interleave(offsets[1:] - offsets[:-1], output_size=len(values))
    gradient = grads[0][0][owner]
    if extremes:
        stats = _plain(values, offsets, valid, True)
        for at in (2, 3):
            attained = (values == stats[at][owner]).to(gradient.dtype)
            if valid is not None:
                attained = attained * valid[:, None]
            ties = _plain(attained, offsets, None, False)[0]
            gradient = gradient + attained * (grads[0][at] / ties.clamp_min(1))[owner]
    if valid is not None:
        gradient = gradient.masked_fill(~valid[:, None], 0)
    return [gradient.to(values.dtype)]


def _any(*arguments: Any) -> bool:
    """The kernel adds in float64 itself."""
    return True


_segment_reduce = register(
    "segment_reduce",
    "(Tensor values, Tensor offsets, Tensor? valid, bool extremes) -> Tensor",
    _plain,
    _like,
    module="segments",
    dtype=work_dtype,
    fits=_any,
    gradient=_gradient,
    wrt=(0,),
)


def equal_length_buckets(offsets: Tensor, max_rows: int) -> list[Bucket]:
    """Group the non-empty segments by exact length, in buckets of at most ``max_rows`` rows (or one segment).

    Every row is in exactly one bucket. There are at most sqrt(2 N) distinct lengths, so work on the buckets needs
    neither padding nor a loop over segments. The lengths are read once, which on CUDA waits for the device.
    """
    lengths, order = (offsets[1:] - offsets[:-1]).sort(stable=True)
    distinct, counts = torch.unique_consecutive(lengths, return_counts=True)
    buckets = []
    for length, segments in zip(distinct.tolist(), torch.split(order, counts.tolist()), strict=True):
        if length == 0:
            continue
        within = torch.arange(length, device=offsets.device)
        for part in torch.split(segments, max(1, max_rows // length)):
            buckets.append(Bucket(part, offsets[part, None] + within))
    return buckets
