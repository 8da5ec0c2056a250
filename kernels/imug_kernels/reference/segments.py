# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `segment_reduce` and `segment_sum`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import work_zeros
from imug_kernels.reference.chunking import chunk_rows


def segment_reduce(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    """Return sums ``[1, S, W]``, or sums, counts, minima and maxima ``[4, S, W]``."""
    check_offset_values(offsets, len(values))
    stats = work_zeros(values, 4 if extremes else 1, len(offsets) - 1, values.shape[1])
    if values.numel() == 0:
        stats[2:] = torch.nan
        return stats
    if values.device.type == "cpu" and values.shape[1] > 2:
        _fill_by_chunks(stats, values, offsets, valid)
    else:
        _fill_by_columns(stats, values, offsets, valid)
    stats[2:].masked_fill_(stats[1:2] == 0, torch.nan)
    return stats


def _fill_by_columns(stats: Tensor, values: Tensor, offsets: Tensor, valid: Tensor | None) -> None:
    mask = torch.ones_like(values, dtype=torch.bool) if valid is None else valid[:, None].expand_as(values)
    wide = values.to(stats.dtype)
    stats[0] = _over(wide if valid is None else wide.masked_fill(~mask, 0), "sum", offsets, 0)
    if len(stats) > 1:
        stats[1] = _over(mask.to(stats.dtype), "sum", offsets, 0)
        stats[2] = _over(wide.masked_fill(~mask, torch.inf), "min", offsets, torch.inf)
        stats[3] = _over(wide.masked_fill(~mask, -torch.inf), "max", offsets, -torch.inf)


def _over(values: Tensor, reduction: str, offsets: Tensor, initial: float) -> Tensor:
    return torch.segment_reduce(values.contiguous(), reduction, offsets=offsets, axis=0, initial=initial)


def _fill_by_chunks(stats: Tensor, values: Tensor, offsets: Tensor, valid: Tensor | None) -> None:
    """Go row by row: of wide rows `torch.segment_reduce` goes through the columns, eight times slower."""
    owner = owners(offsets, len(values))
    extremes = len(stats) > 1
    if extremes:
        stats[1] = torch.bincount(owner if valid is None else owner[valid], minlength=stats.shape[1])[:, None]
        stats[2], stats[3] = torch.inf, -torch.inf
    step = chunk_rows(values.shape[1], values.device)
    for start in range(0, len(values), step):
        chunk = slice(start, start + step)
        rows, segments = values[chunk], owner[chunk]
        if valid is not None:
            rows, segments = rows[valid[chunk]], segments[valid[chunk]]
        rows = rows.to(stats.dtype)
        stats[0].index_add_(0, segments, rows)  # one row after the other on a CPU: the order is fixed
        if extremes:
            for field, reduction in ((2, "amin"), (3, "amax")):
                stats[field].scatter_reduce_(0, segments[:, None].expand_as(rows), rows, reduction)


def owners(offsets: Tensor, count: int) -> Tensor:
    """Return the segment ``[N]`` of every row."""
    return torch.repeat_interleave(offsets[1:] - offsets[:-1], output_size=count)


def segment_reduce_backward(
    grads: Sequence[Tensor], values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool
) -> list[Tensor]:
    """Return the gradient of ``values``; those that share an extreme share its gradient."""
    owner = owners(offsets, len(values))
    gradient = grads[0][0][owner]
    if extremes:
        stats = segment_reduce(values, offsets, valid, True)
        for field in (2, 3):
            attained = (values == stats[field][owner]).to(gradient.dtype)
            if valid is not None:
                attained = attained * valid[:, None]
            ties = segment_reduce(attained, offsets, None, False)[0]
            gradient = gradient + attained * (grads[0][field] / ties.clamp_min(1))[owner]
    if valid is not None:
        gradient = gradient.masked_fill(~valid[:, None], 0)
    return [gradient.to(values.dtype)]
