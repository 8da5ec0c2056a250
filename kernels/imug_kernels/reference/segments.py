# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch forms of `segment_sum` and `segment_reduce`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import extreme_dtype, work_dtype
from imug_kernels.reference.chunking import chunk_rows
from imug_kernels.reference.directions import may_hold_any

# Rows of the longest segment whose sums may be added in float32.
_LONGEST = 128


def segment_sum(values: Tensor, offsets: Tensor, dtype: torch.dtype) -> Tensor:
    """Return sums ``[S, W]`` in ``dtype``."""
    check_offset_values(offsets, len(values))
    return _sums(values, offsets, None, dtype)


def segment_reduce(
    values: Tensor, offsets: Tensor, valid: Tensor | None, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return sums ``[S, W]`` in ``dtype``, counts ``[S]``, minima and maxima ``[S, W]``."""
    check_offset_values(offsets, len(values))
    work = work_dtype(values.device)
    counts = offsets.diff().to(work) if valid is None else _sums(valid[:, None], offsets, None, work)[:, 0]
    least, largest = _extremes(values, offsets, valid)
    is_empty = counts == 0
    if may_hold_any(is_empty):
        for extreme in (least, largest):
            extreme.masked_fill_(is_empty[:, None], torch.nan)
    return _sums(values, offsets, valid, dtype), counts, least, largest


def _sums(values: Tensor, offsets: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Add rows up in the order in which they come."""
    added = dtype if values.device.type == "mps" or _are_short(offsets) else torch.float64
    sums = torch.zeros(len(offsets) - 1, values.shape[1], dtype=added, device=values.device)
    if values.numel() == 0:
        return sums.to(dtype)
    if not _go_by_rows(values):
        wide = values.to(added) if valid is None else values.to(added).masked_fill(~valid[:, None], 0)
        return _over(wide, "sum", offsets, 0).to(dtype)
    for rows, segments in _chunks(values, offsets, valid, added):
        sums.index_add_(0, segments, rows)  # one row after the other on a CPU: the order is fixed
    return sums.to(dtype)


def _are_short(offsets: Tensor) -> bool:
    """Return whether no segment is so long that sums in float32 would lose digits; a look is free on a CPU alone."""
    return offsets.device.type == "cpu" and len(offsets) > 1 and int(offsets.diff().amax()) <= _LONGEST


def _extremes(values: Tensor, offsets: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return minima and maxima; inf and -inf of a segment without values."""
    dtype, shape = extreme_dtype(values), (len(offsets) - 1, values.shape[1])
    found = values.new_full(shape, torch.inf, dtype=dtype), values.new_full(shape, -torch.inf, dtype=dtype)
    if values.numel() == 0:
        return found
    if not _go_by_rows(values):
        wide = values.to(work_dtype(values.device))
        for extreme, reduction, initial in ((found[0], "min", torch.inf), (found[1], "max", -torch.inf)):
            filled = wide if valid is None else wide.masked_fill(~valid[:, None], initial)
            extreme.copy_(_over(filled, reduction, offsets, initial))
        return found
    for rows, segments in _chunks(values, offsets, valid, dtype):
        places = segments[:, None].expand_as(rows)
        for extreme, reduction in zip(found, ("amin", "amax"), strict=True):
            extreme.scatter_reduce_(0, places, rows, reduction)
    return found


def _go_by_rows(values: Tensor) -> bool:
    """Return whether rows are reduced one by one: `torch.segment_reduce` goes through the columns of wide ones."""
    return values.device.type == "cpu" and values.shape[1] > 2


def _over(values: Tensor, reduction: str, offsets: Tensor, initial: float) -> Tensor:
    return torch.segment_reduce(values.contiguous(), reduction, offsets=offsets, axis=0, initial=initial)


def _chunks(
    values: Tensor, offsets: Tensor, valid: Tensor | None, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the valid rows in ``dtype`` and the segments that they are of: a chunk at a time if they are copied."""
    owner = owners(offsets, len(values))
    is_copied = valid is not None or values.dtype != dtype
    step = chunk_rows(values.shape[1], values.device) if is_copied else len(values)
    masks = [None] * len(owner) if valid is None else torch.split(valid, step)
    for rows, segments, mask in zip(torch.split(values, step), torch.split(owner, step), masks):
        yield (rows.to(dtype), segments) if mask is None else (rows[mask].to(dtype), segments[mask])


def owners(offsets: Tensor, count: int) -> Tensor:
    """Return the segment ``[N]`` of every row."""
    return torch.repeat_interleave(offsets[1:] - offsets[:-1], output_size=count)


def segment_sum_backward(grads: Sequence[Tensor], values: Tensor, offsets: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Return the gradient of ``values``."""
    return [grads[0][owners(offsets, len(values))].to(values.dtype)]


def segment_reduce_backward(
    grads: Sequence[Tensor], values: Tensor, offsets: Tensor, valid: Tensor | None, dtype: torch.dtype
) -> list[Tensor]:
    """Return the gradient of ``values``; those that share an extreme share its gradient."""
    owner, work = owners(offsets, len(values)), work_dtype(values.device)
    gradient = grads[0][owner].to(work)
    _, _, *extremes = segment_reduce(values, offsets, valid, dtype)
    for extreme, of_extreme in zip(extremes, grads[2:], strict=True):
        attained = (values == extreme[owner]).to(work)
        if valid is not None:
            attained = attained * valid[:, None]
        ties = _sums(attained, offsets, None, work)
        gradient = gradient + attained * (of_extreme.to(work) / ties.clamp_min(1))[owner]
    if valid is not None:
        gradient = gradient.masked_fill(~valid[:, None], 0)
    return [gradient.to(values.dtype)]
