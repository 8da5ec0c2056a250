# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Directions of rows, that is rows divided by their lengths, and gradients through that division.

A row of zeros has no direction, nor has one that holds NaN or infinity. Every other row has one, however short or long
it is: where squares would under- or overflow, the row is divided by its largest element first.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.reference.chunking import chunk_rows


class Measured(NamedTuple):
    """Rows ``[..., D]`` and their lengths ``[...]``: the direction is the one divided by the other.

    ``lengths`` are NaN where there is no direction. What was given is ``rows`` times ``peak``.
    """

    rows: Tensor
    lengths: Tensor
    peak: Tensor | float


class Directions(NamedTuple):
    """Unit rows ``[..., D]``, zeros where there is no direction, and where there is one ``[...]``."""

    unit: Tensor
    known: Tensor


def measure(rows: Tensor, source: torch.dtype) -> Measured:
    """Measure ``rows``, which came in dtype ``source``: of a narrower one no square can leave the range."""
    lengths = torch.linalg.vector_norm(rows, dim=-1)
    peak: Tensor | float = 1.0
    low = _shortest(rows.dtype)
    if torch.finfo(source).tiny < low:
        outside = ~((lengths > low) & (lengths < 1 / low))
        if may_hold_any(outside):
            peak = torch.where(outside, rows.abs().amax(-1), 1)
            rows = rows / peak[..., None]  # NaN for what has no direction
            lengths = torch.linalg.vector_norm(rows, dim=-1)
    return Measured(rows, lengths.masked_fill((lengths == 0) | lengths.isinf(), torch.nan), peak)


def _shortest(dtype: torch.dtype) -> float:
    """Return a length: of rows longer than it and shorter than its inverse, squares and products stay in the range."""
    return float(torch.finfo(dtype).tiny ** 0.3)


def beyond_float32(*squares: Tensor) -> Tensor:
    """Return the numbers of rows of which one of the ``squares [N]``, made in float32, may be no longer exact.

    NaN is none of them: it stays what it is.
    """
    low = _shortest(torch.float32) ** 2
    beyond = torch.zeros(len(squares[0]), dtype=torch.bool)
    for square in squares:
        if len(square) and not all(low < float(extreme) < 1 / low for extreme in square.aminmax()):
            beyond |= (square <= low) | (square >= 1 / low)
    return beyond.nonzero().flatten()


def directions(rows: Tensor, source: torch.dtype) -> Directions:
    """Return the directions of ``rows``, which came in dtype ``source``, in the memory of ``rows``."""
    measured = measure(rows, source)
    unit, known = measured.rows.mul_(1 / measured.lengths[..., None]), ~measured.lengths.isnan()
    return Directions(unit.masked_fill_(~known[..., None], 0) if may_hold_any(~known) else unit, known)


def directions_backward(rows: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient of ``rows [N, D]`` from that of their directions; 0 for a row that has none."""
    result = torch.empty_like(rows)
    step = chunk_rows(rows.shape[1], rows.device)
    for out, part, of_unit in zip(*(torch.split(side, step) for side in (result, rows, gradient)), strict=True):
        scaled, lengths, peak = measure(part.to(gradient.dtype), rows.dtype)
        unit = scaled * (1 / lengths)[:, None]
        along = torch.linalg.vecdot(unit, of_unit)
        of_part = times(torch.addcmul(of_unit, unit, along[:, None], value=-1), 1 / lengths / peak)
        out.copy_(of_part.masked_fill_(lengths.isnan()[:, None], 0))
    return result


def times(rows: Tensor, factors: Tensor) -> Tensor:
    """Return ``rows [N, D]`` times ``factors [N]``, in wider numbers or infinite where theirs end, and 0 where 0."""
    if not may_hold_any(factors.abs() > torch.finfo(rows.dtype).max):
        return rows.mul_(factors.to(rows.dtype)[:, None])
    return (rows * factors[:, None]).masked_fill_(rows == 0, 0)


def may_hold_any(mask: Tensor) -> bool:
    """Return whether ``mask`` is set anywhere, or might be where a look would wait for the device."""
    return mask.device.type != "cpu" or bool(mask.any())
