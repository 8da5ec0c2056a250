# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that adds over the columns of packed segments, at once."""

from __future__ import annotations

from torch import Tensor

from imug_kernels.checks import (
    check_at_least,
    check_columns,
    check_integers,
    check_offsets,
    check_rows,
    check_table,
    check_valid,
)
from imug_kernels.dtypes import work_dtype
from imug_kernels.ops import register
from imug_kernels.reference import moments as reference


def segment_moments(
    values: Tensor,
    offsets: Tensor,
    positions: Tensor,
    *,
    over: Tensor | None = None,
    valid: Tensor | None = None,
    present: Tensor | None = None,
    expected: Tensor | None = None,
    slopes: int = 0,
    curves: tuple[int, int] = (0, 0),
    points: int = 0,
    coverage: int = 0,
) -> Tensor:
    """Sum the columns of each segment: values, products about their means, and values by position.

    A value that is NaN is none. Of every segment, with ``W`` columns of which the first ``K`` have a slope and ``C``
    have a curve, one row of the result holds side by side

    - ``W`` sums and ``W`` counts of the values,
    - ``K`` sums of ``(x - mean x) (y - mean y)`` and ``K`` of ``(x - mean x) ** 2`` over the rows where both ``x`` and
      ``y`` are numbers, for ``y`` in the first ``K`` columns: numerator and denominator of their slopes. What is equal
      throughout a segment gives exactly 0,
    - the number of rows where column ``coverage`` has a value and ``present`` holds, and of those where it has one or
      ``expected`` holds,
    - for each position 1, 2, ..., ``points``: ``C`` sums and ``C`` counts of the values there.

    The order of addition is fixed, so the result is the same every time. Differentiable with respect to ``values``.

    Args:
        values: ``[N, W]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        positions: integer ``[N]``, in any order and however large; those of a segment differ by less than 2 ** 63.
        over: abscissas ``x``, floating ``[N, K]``, without a gradient. Default: the positions.
        valid: bool ``[N]``; other rows take part in nothing. Default: all rows.
        present: bool ``[N]``. Default: all rows.
        expected: bool ``[N]``. Default: all rows.
        slopes: ``K``.
        curves: First column that has a curve, and the first behind them.
        points: Number of positions that are told apart.
        coverage: The column whose values are counted.

    Returns:
        ``[S, 2 W + 2 K + 2 + 2 C points]``, float64 (float32 on MPS); 0 for an empty segment.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, ``offsets`` do not rise from 0 to N, or a number of columns is
            outside of them.

    Example:
        >>> import torch
        >>> from imug_kernels import segment_moments
        >>> scores = torch.tensor([[1.0], [3.0], [torch.nan], [5.0]])
        >>> segment_moments(scores, torch.tensor([0, 3, 4]), torch.tensor([1, 2, 3, 1]), slopes=1).long()
        tensor([[4, 2, 1, 0, 2, 3],
                [5, 1, 0, 0, 1, 1]])
        >>> segment_moments(scores, torch.tensor([0, 4]), torch.tensor([1, 2, 3, 1]), curves=(0, 1), points=2).long()
        tensor([[9, 3, 3, 4, 6, 2, 3, 1]])
    """
    check_rows("values", values)
    offsets = check_offsets(offsets, values.device)
    check_integers("positions", positions, len(values), values.device)
    for name, mask in (("valid", valid), ("present", present), ("expected", expected)):
        check_valid(name, mask, values)
    check_columns("slopes", (0, slopes), values)
    check_columns("curves", curves, values)
    check_columns("coverage", (coverage, coverage + 1), values)
    check_at_least("points", points, 0)
    check_table("over", over, (len(values), slopes), values.device)
    moments: Tensor = _segment_moments(
        values,
        offsets,
        positions,
        None if over is None else over.detach(),
        valid,
        present,
        expected,
        slopes,
        [*curves],
        points,
        coverage,
    )
    return moments


def _fake(
    values: Tensor,
    offsets: Tensor,
    positions: Tensor,
    over: Tensor | None,
    valid: Tensor | None,
    present: Tensor | None,
    expected: Tensor | None,
    slopes: int,
    curves: list[int],
    points: int,
    coverage: int,
) -> Tensor:
    fields = reference.fields(values.shape[1], slopes, curves, points)
    return values.new_empty(len(offsets) - 1, fields, dtype=work_dtype(values.device))


_segment_moments = register(
    reference.segment_moments,
    "(Tensor values, Tensor offsets, Tensor positions, Tensor? over, Tensor? valid, Tensor? present, "
    "Tensor? expected, int slopes, int[] curves, int points, int coverage) -> Tensor",
    fake=_fake,
    dtype=work_dtype,
    fits=lambda *_: True,  # the kernel adds in float64 itself
    backward=reference.segment_moments_backward,
    wrt=(0,),
)
