# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `segment_moments`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.dtypes import work_dtype, work_zeros
from imug_kernels.reference.segments import owners, segment_reduce, segment_sum


def fields(width: int, slopes: int, curves: Sequence[int], points: int) -> int:
    """Return the number of moments of a segment."""
    first, end = curves
    return 2 * width + 2 * slopes + 2 + 2 * (end - first) * points


def segment_moments(
    values: Tensor,
    offsets: Tensor,
    positions: Tensor,
    over: Tensor | None,
    valid: Tensor | None,
    present: Tensor | None,
    expected: Tensor | None,
    slopes: int,
    curves: Sequence[int],
    points: int,
    coverage: int,
) -> Tensor:
    """Return ``[S, 2 W + 2 K + 2 + 2 C points]``, as `imug_kernels.segment_moments` has them side by side."""
    known = _known(values, valid)
    scored = known[:, coverage]
    due = torch.ones_like(scored) if expected is None else expected
    due = scored | (due if valid is None else due & valid)
    covered = scored if present is None else scored & present
    # What is summed by segment, and by segment and position.
    filled = values.to(work_dtype(values.device)).masked_fill(~known, 0)
    rows = torch.cat([filled, known.to(filled), torch.stack([covered, due], 1).to(filled)], 1)
    sums = segment_sum(rows, offsets, rows.dtype)
    paired = _about_means(values, offsets, positions, over, known, slopes)
    chosen = torch.cat([part[:, slice(*curves)] for part in (filled, known.to(filled))], 1)
    return torch.cat([sums[:, :-2], *paired, sums[:, -2:], _by_position(chosen, offsets, positions, points)], 1)


def _known(values: Tensor, valid: Tensor | None) -> Tensor:
    known = values == values
    return known if valid is None else known & valid[:, None]


class _Pairs(NamedTuple):
    """Of rows where abscissa and value are numbers, how far both are from the least of their segment; elsewhere 0."""

    x: Tensor
    y: Tensor
    there: Tensor


def _pairs(
    values: Tensor, offsets: Tensor, positions: Tensor, over: Tensor | None, known: Tensor, slopes: int
) -> _Pairs:
    y = values[:, :slopes].to(work_dtype(values.device))
    x = positions[:, None].expand(-1, slopes) if over is None else over.to(y)
    there = known[:, :slopes] & (x == x)
    # Integers are subtracted as they are: float64 would round time stamps.
    x, y = (_from_least(part, offsets, there).to(y).masked_fill(~there, 0) for part in (x, y))
    return _Pairs(x, y, there.to(y))


def _from_least(part: Tensor, offsets: Tensor, there: Tensor) -> Tensor:
    owner = owners(offsets, len(part))
    if part.is_floating_point():
        _, _, least, _ = segment_reduce(part.masked_fill(~there, torch.inf), offsets, None, part.dtype)
        return part - least[owner]
    beyond = torch.iinfo(part.dtype).max
    least = part.new_full((len(offsets) - 1, part.shape[1]), beyond)
    least.scatter_reduce_(0, owner[:, None].expand_as(part), part.masked_fill(~there, beyond), "amin")
    return part - least[owner]


def _about_means(
    values: Tensor, offsets: Tensor, positions: Tensor, over: Tensor | None, known: Tensor, slopes: int
) -> tuple[Tensor, Tensor]:
    """Return sums of products and of squares about the segments' means, each ``[S, K]``."""
    x, y, there = _pairs(values, offsets, positions, over, known, slopes)
    sums = segment_sum(torch.cat([there, x, y, x * y, x * x], 1), offsets, x.dtype)
    count, of_x, of_y, products, squares = sums.view(len(sums), 5, slopes).unbind(1)
    mean = of_x / count.clamp_min(1)
    return products - mean * of_y, squares - mean * of_x


def _by_position(rows: Tensor, offsets: Tensor, positions: Tensor, points: int) -> Tensor:
    """Return sums of rows ``[N, C]`` at each position, ``[S, points * C]``."""
    segments = len(offsets) - 1
    # Behind the positions of every segment is a place for all that are not told apart.
    place = torch.where((positions >= 1) & (positions <= points), positions - 1, points)
    table = work_zeros(rows, segments, points + 1, rows.shape[1])
    table.index_put_((owners(offsets, len(rows)), place), rows, accumulate=True)  # in order on every device
    return table[:, :points].flatten(1)


def segment_moments_backward(
    grads: Sequence[Tensor],
    values: Tensor,
    offsets: Tensor,
    positions: Tensor,
    over: Tensor | None,
    valid: Tensor | None,
    present: Tensor | None,
    expected: Tensor | None,
    slopes: int,
    curves: Sequence[int],
    points: int,
    coverage: int,
) -> list[Tensor]:
    """Return the gradient of ``values``."""
    width, (first, end) = values.shape[1], curves
    known, owner = _known(values, valid), owners(offsets, len(values))
    sizes = [width, width, slopes, slopes + 2, 2 * (end - first) * points]
    of_sums, _, of_products, _, of_points = torch.split(grads[0], sizes, 1)
    gradient = of_sums[owner]
    x, _, there = _pairs(values, offsets, positions, over, known, slopes)
    of_x, count = (segment_sum(part, offsets, part.dtype) for part in (x, there))
    about_mean = (x - (of_x / count.clamp_min(1))[owner]) * of_products[owner]
    gradient[:, :slopes] += about_mean.masked_fill(there == 0, 0)
    if points:
        # Chosen and not weighed: where a point has no value, its mean has no gradient, which is NaN.
        at = of_points.reshape(len(grads[0]), points, 2, end - first)[owner, positions.clamp(1, points) - 1, 0]
        gradient[:, first:end] += at.masked_fill(((positions < 1) | (positions > points))[:, None], 0)
    return [gradient.masked_fill(~known, 0).to(values.dtype)]
