# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packed segments: sums over them, and batches of equal length to work on them without padding."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels._checks import check_offsets
from imug_kernels._chunks import work_dtype


class Bucket(NamedTuple):
    """Segments of equal length: ``segments [b]`` are their numbers, ``rows [b, n]`` the packed rows they own."""

    segments: Tensor
    rows: Tensor


def segment_sum(values: Tensor, offsets: Tensor) -> Tensor:
    """Sum ``values`` over each segment.

    The order of addition is that of the rows, on every device and in every run, so the result is reproducible.
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
    if values.ndim < 1:
        raise ValueError("Expected argument `values` to have shape [N, ...], got a scalar.")
    offsets = check_offsets(offsets, values.shape[0], values.device)
    values = values.to(work_dtype(values.device))
    if values.numel() == 0:
        return values.new_zeros((len(offsets) - 1, *values.shape[1:]))
    flat = values.reshape(len(values), -1).contiguous()
    sums: Tensor = torch.segment_reduce(flat, "sum", offsets=offsets, axis=0, initial=0)
    return sums.reshape(-1, *values.shape[1:])


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
