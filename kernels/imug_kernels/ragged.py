# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment, reduced to sufficient statistics as they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels._checks import check_integers, check_offsets, check_rows, check_same_width, check_valid
from imug_kernels._chunks import CHUNK_ELEMENTS, add_pieces, gather_chunks, tracks_gradients, work_dtype
from imug_kernels.segments import equal_length_buckets

# Largest number of cosines held at a time: one long segment is cut into blocks of rows.
BLOCK_ELEMENTS = 1 << 20

# Rounding a row to float32 changes a component by at most 2**-24 of itself, so a cosine of two rounded rows by about
# 1.2e-7 and the difference of two cosines by 2.4e-7: four times that is a tie. The float64 noise of another batch split
# (1e-15) is nine orders smaller, so equal rows tie in every split.
TIE = 1e-6


class GramStats(NamedTuple):
    """Cosines of each row to the other valid rows of its segment; every field ``[N]``, float64 (float32 on MPS).

    ``sum`` and ``count`` over all partners (0 without any), ``min`` and ``max`` over them; ``max_before`` over the
    earlier ones; ``previous`` and ``anchor``: the cosine to the row directly before and to the first row of the
    segment. Undefined is NaN.
    """

    sum: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    min: Tensor
    max: Tensor
    max_before: Tensor
    previous: Tensor
    anchor: Tensor


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None = None, *, eps: float = 1e-8) -> GramStats:
    """Reduce the cosine matrix of every segment to seven numbers a row.

    An invalid row is no partner of any row and gets sum 0, count 0 and NaN elsewhere. A valid row that holds NaN or
    infinity makes NaN of every number it takes part in. Differentiable with respect to ``rows``.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

    Returns:
        The statistics, see :class:`GramStats`.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import dialogue_gram
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 1.0]])
        >>> stats = dialogue_gram(rows, torch.tensor([0, 3, 4]))
        >>> stats.sum, stats.count
        (tensor([0.6000, 0.8000, 1.4000, 0.0000], dtype=torch.float64), tensor([2., 2., 2., 0.], dtype=torch.float64))
        >>> stats.anchor
        tensor([   nan, 0.0000, 0.6000,    nan], dtype=torch.float64)
    """
    check_rows("rows", rows)
    check_valid("valid", valid, rows)
    offsets = check_offsets(offsets, len(rows), rows.device)
    blocks = _cosine_blocks(rows, rows, offsets, valid, valid, eps)
    pieces = ((block.rows.flatten(), _block_stats(block).flatten(0, 1)) for block in blocks)
    stats = add_pieces(_zeros(rows, len(rows), len(GramStats._fields)), pieces, tracks_gradients(rows))
    return GramStats(*stats.T.contiguous().unbind())


def delta_curve(
    rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None = None, *, eps: float = 1e-8
) -> tuple[Tensor, Tensor]:
    """Sum the cosines of each segment by the distance of the two rows' positions.

    Every unordered pair of valid rows counts once, at ``abs(positions[i] - positions[j])``; pairs at distance 0 or
    beyond ``max_delta`` are left out. Differentiable with respect to ``rows``.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        positions: integer ``[N]``, in any order.
        max_delta: Largest distance kept, at least 1.
        valid: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

    Returns:
        Sums and counts, each ``[S, max_delta]``, float64 (float32 on MPS); column ``k - 1`` holds distance ``k``.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, ``offsets`` do not rise from 0 to N, or ``max_delta`` < 1.

    Example:
        >>> import torch
        >>> from imug_kernels import delta_curve
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
        >>> delta_curve(rows, torch.tensor([0, 3]), torch.tensor([1, 2, 4]), 2)
        (tensor([[0.0000, 0.8000]], dtype=torch.float64), tensor([[1., 1.]], dtype=torch.float64))
    """
    check_rows("rows", rows)
    check_valid("valid", valid, rows)
    check_integers("positions", positions, len(rows), rows.device)
    if max_delta < 1:
        raise ValueError(f"Expected argument `max_delta` to be >= 1, got {max_delta}.")
    offsets = check_offsets(offsets, len(rows), rows.device)
    positions = positions.long()
    blocks = _cosine_blocks(rows, rows, offsets, valid, valid, eps)
    pieces = ((block.segments, _block_curve(block, positions, max_delta)) for block in blocks)
    curve = add_pieces(_zeros(rows, len(offsets) - 1, 2, max_delta), pieces, tracks_gradients(rows))
    return curve[:, 0], curve[:, 1]


@torch.no_grad()
def own_rank(
    x: Tensor,
    y: Tensor,
    offsets: Tensor,
    valid_x: Tensor | None = None,
    valid_y: Tensor | None = None,
    *,
    eps: float = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rank each row's own partner among the partners of its segment.

    Row ``i`` of ``x`` belongs to row ``i`` of ``y``; the candidates are the valid rows of ``y`` in its segment.
    Cosines within 1e-6 of the own one are equal: that covers the rounding of float32 rows and is far above the noise
    of another batch split. A cosine that is NaN leaves the ranks it takes part in NaN. Not differentiable.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid_x: bool ``[N]``. Default: all rows.
        valid_y: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

    Returns:
        Three tensors ``[N]``, float64 (float32 on MPS): the other candidates with a greater cosine than the own one,
        the other candidates with an equal cosine, and all candidates including the own one. Where ``x[i]`` or
        ``y[i]`` is invalid: NaN, NaN, 0.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import own_rank
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> y = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> torch.stack(own_rank(x, y, torch.tensor([0, 3])))
        tensor([[0., 1., 0.],
                [0., 1., 1.],
                [3., 3., 3.]], dtype=torch.float64)
    """
    check_rows("x", x)
    check_rows("y", y)
    check_same_width(x, y)
    if len(x) != len(y):
        raise ValueError(f"Expected arguments `x` and `y` to have as many rows, got {len(x)} and {len(y)}.")
    check_valid("valid_x", valid_x, x)
    check_valid("valid_y", valid_y, y)
    offsets = check_offsets(offsets, len(x), x.device)
    blocks = _cosine_blocks(x, y, offsets, valid_x, valid_y, eps)
    pieces = ((block.rows.flatten(), _block_ranks(block).flatten(0, 1)) for block in blocks)
    greater, equal, candidates = add_pieces(_zeros(x, len(x), 3), pieces, tracked=False).T.contiguous().unbind()
    return greater, equal, candidates


def _zeros(like: Tensor, *shape: int) -> Tensor:
    return torch.zeros(shape, dtype=work_dtype(like.device), device=like.device)


class _Block(NamedTuple):
    """Cosines of ``r`` consecutive rows of ``b`` equally long segments to all ``n`` rows of the same segments."""

    segments: Tensor  # [b] numbers of the segments
    rows: Tensor  # [b, r] packed numbers of the block's rows
    columns: Tensor  # [b, n] packed numbers of the rows they meet
    at: Tensor  # [r] place of the rows in their segment
    valid_rows: Tensor  # [b, r], or [1, r] where all are
    valid_columns: Tensor  # [b, n], or [1, n] where all are
    cosine: Tensor  # [b, r, n]


def _cosine_blocks(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, eps: float
) -> Iterator[_Block]:
    buckets = equal_length_buckets(offsets, max(1, CHUNK_ELEMENTS // x.shape[1]))
    chunks = [bucket.rows.flatten() for bucket in buckets]
    same = y is x and valid_y is valid_x
    valid_x, valid_y = _unless_all(valid_x), _unless_all(valid_y)
    all_y = chunks if same else gather_chunks(y, chunks)
    for (segments, columns), rows_x, rows_y in zip(buckets, gather_chunks(x, chunks), all_y, strict=True):
        left = _side(rows_x, valid_x, columns, eps)
        right = left if same else _side(rows_y, valid_y, columns, eps)
        step = max(1, BLOCK_ELEMENTS // columns.numel())
        at = torch.arange(columns.shape[1], device=x.device).expand_as(columns)
        cuts = (torch.split(tensor, step, 1) for tensor in (at, columns, *left))
        for part, rows, vectors, lengths, valid in zip(*cuts, strict=True):
            cosine = vectors @ right.vectors.mT / (lengths[:, :, None] * right.lengths[:, None, :])
            yield _Block(segments, rows, columns, part[0], valid, right.valid, cosine)


class _Side(NamedTuple):
    """Rows of a bucket of segments; ``lengths`` are at least eps, ``valid`` is ``[1, n]`` where all rows are."""

    vectors: Tensor  # [b, n, D]
    lengths: Tensor  # [b, n]
    valid: Tensor  # [b, n] or [1, n]


def _side(rows: Tensor, valid: Tensor | None, index: Tensor, eps: float) -> _Side:
    vectors = rows.view(*index.shape, -1).to(work_dtype(rows.device))
    usable = torch.ones_like(index[:1], dtype=torch.bool) if valid is None else valid[index]
    if valid is not None:
        # Zeros, and not just masked results: a NaN in an invalid row would reach the gradients of the others.
        vectors = vectors.masked_fill(~usable[:, :, None], 0)
    return _Side(vectors, torch.linalg.vector_norm(vectors, dim=2).clamp_min(eps), usable)


def _unless_all(valid: Tensor | None) -> Tensor | None:
    """Return None for a mask that hides nothing, where the look costs no wait: rows need not be copied then."""
    return None if valid is not None and valid.device.type == "cpu" and bool(valid.all()) else valid


def _others(block: _Block) -> Tensor:
    """Return which columns are usable partners of which rows, ``[b or 1, r, n]``: valid, and not the row itself."""
    place = torch.arange(block.columns.shape[1], device=block.at.device)
    different = block.at[:, None] != place
    return block.valid_rows[:, :, None] & block.valid_columns[:, None, :] & different


def _block_stats(block: _Block) -> Tensor:
    """Return the fields of :class:`GramStats` for a block, ``[b, r, 7]``."""
    partner, cosine = _others(block), block.cosine
    place = torch.arange(cosine.shape[2], device=block.at.device)
    earlier = partner & (place < block.at[:, None])
    strangers = ~partner
    total = cosine.masked_fill(strangers, 0).sum(2)
    return torch.stack(
        [
            total,
            partner.sum(2).to(cosine.dtype).expand_as(total),
            _nan_for(torch.inf, cosine.masked_fill(strangers, torch.inf).amin(2)),
            _nan_for(-torch.inf, cosine.masked_fill(strangers, -torch.inf).amax(2)),
            _nan_for(-torch.inf, cosine.masked_fill(~earlier, -torch.inf).amax(2)),
            _pick(cosine, earlier, (block.at - 1).clamp_min(0)),
            _pick(cosine, earlier, torch.zeros_like(block.at)),
        ],
        dim=2,
    )


def _nan_for(infinity: float, extremes: Tensor) -> Tensor:
    """Return the extremes with NaN where only the filling is left: a cosine is never infinite."""
    return extremes.masked_fill(extremes == infinity, torch.nan)


def _pick(cosine: Tensor, among: Tensor, columns: Tensor) -> Tensor:
    """Return the cosine of every row to one column ``[r]``, NaN where that column is not ``among``."""
    rows = torch.arange(len(columns), device=columns.device)
    return cosine[:, rows, columns].masked_fill(~among[:, rows, columns], torch.nan)


def _block_curve(block: _Block, positions: Tensor, max_delta: int) -> Tensor:
    """Return sums and counts by distance for a block, ``[b, 2, max_delta]``."""
    place = torch.arange(block.columns.shape[1], device=block.at.device)
    delta = (positions[block.rows][:, :, None] - positions[block.columns][:, None, :]).abs()
    counted = _others(block) & (place > block.at[:, None]) & (delta >= 1) & (delta <= max_delta)
    # Pairs that do not count fall into an extra bin that is cut off.
    bins = torch.where(counted, delta - 1, max_delta).flatten(1)
    values = torch.stack([block.cosine, torch.ones_like(block.cosine)], 1).flatten(2)
    sums = values.new_zeros(*values.shape[:2], max_delta + 1)
    return sums.scatter_add(2, bins[:, None].expand_as(values), values)[..., :max_delta]


def _block_ranks(block: _Block) -> Tensor:
    """Return the three numbers of :func:`own_rank` for a block, ``[b, r, 3]``."""
    other = _others(block)
    rows = torch.arange(len(block.at), device=block.at.device)
    own = block.cosine[:, rows, block.at]
    ahead = block.cosine - own[:, :, None]
    unknown = own.isnan() | (ahead.isnan() & other).any(2)
    undefined = ~(block.valid_rows & block.valid_columns[:, block.at])
    greater = ((ahead > TIE) & other).sum(2).to(own.dtype).masked_fill(unknown | undefined, torch.nan)
    equal = ((ahead.abs() <= TIE) & other).sum(2).to(own.dtype).masked_fill(unknown | undefined, torch.nan)
    candidates = block.valid_columns.sum(1, keepdim=True).to(own.dtype).expand_as(own)
    return torch.stack([greater, equal, candidates.masked_fill(undefined, 0)], dim=2)
