# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several strategies on the same records: their scores, gains and costs as columns, and which are worth their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.alignment import check_ends
from imug_metrics.dialogues.arguments import Candidates, Numbers, Valid
from imug_metrics.dialogues.arrays import REALS, Array, read_array
from imug_metrics.dialogues.columns import as_numbers, check_shapes, score_column
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values, valid_mask

Columns = Candidates | Mapping[str, Numbers]
"""One column a strategy, or by strategy its column."""


def strategy_comparison(
    scores: Candidates, baseline: int = 0, *, valid: Valid | None = None, reduction: Literal["mean", "none"] = "mean"
) -> Tensor:
    """Gain of every strategy over one of them on the same records. Above 0 where a strategy is better.

    Args:
        scores: `[..., S]`, one column a strategy, higher is better; NaN where a strategy lacks the record.
        baseline: the column that the others are compared with.
        valid: bool `[...]`, False where no strategy has the record.
        reduction: `"none"`, or `"mean"` over the records that a strategy and the baseline both have.

    Returns:
        float64 `[S]`, or `[..., S]`; the baseline's own gain is 0. NaN where one of the two lacks the record.
        Differentiable.

    Raises:
        ValueError: if the baseline is no column.
        InputError: if the scores are no numbers, or `valid` has another shape than the records.

    Example:
        >>> strategy_comparison(torch.tensor([[0.5, 0.75], [0.25, float("nan")]]))
        tensor([0.0000, 0.2500], dtype=torch.float64)
    """
    columns = as_numbers("scores", scores).double().nan_to_num(torch.nan, torch.nan, torch.nan)
    if columns.ndim < 1 or not columns.shape[-1]:
        raise InputError("scores", "to have shape [..., S], one column a strategy", [*columns.shape])
    if not 0 <= baseline < columns.shape[-1]:
        raise ValueError(f"Expected argument `baseline` to be a column from 0 to {columns.shape[-1] - 1}.")
    gains = columns - columns[..., baseline, None]
    if valid is not None:
        there = valid_mask(valid, tuple(gains.shape[:-1]), gains.device, of="the records of `scores`")
        gains = gains.masked_fill(~there[..., None], torch.nan)
    return rearrange(gains, "... s -> (...) s").nanmean(0) if reduction == "mean" else reduce_values(gains, reduction)


def pareto_front(scores: Tensor | Sequence[float], costs: Tensor | Sequence[float]) -> Tensor:
    """Which strategies are worth their cost: none scores as high for less, or higher for as little.

    Args:
        scores: `[S]`, higher is better.
        costs: `[S]`, lower is better.

    Returns:
        bool `[S]`; False where a score or cost is NaN.

    Example:
        >>> pareto_front([0.5, 0.75, 0.7], [1.0, 2.0, 3.0])
        tensor([ True,  True, False])
    """
    y, c = as_numbers("scores", scores).double(), as_numbers("costs", costs).double()
    as_good = (y[None] >= y[:, None]) & (c[None] <= c[:, None])
    better = (y[None] > y[:, None]) | (c[None] < c[:, None])
    return ~(as_good & better).any(1) & ~y.isnan() & ~c.isnan()


def strategy_columns(argument: str, values: Columns, names: Sequence[str]) -> Array:
    """One column a strategy, `[..., S]`, from a tensor or from a mapping of strategies' names to `[...]`.

    Raises:
        InputError: if the strategies are not those named.

    Example:
        >>> strategy_columns("scores", {"b": [1.0], "a": [0.0]}, ("a", "b")).values
        tensor([[0., 1.]], dtype=torch.float64)
    """
    if isinstance(values, Mapping):
        if set(values) != set(names):
            raise InputError(argument, f"to name {sorted(names)}", sorted(map(str, values)))
        return _named_columns({f"{argument}[{name!r}]": values[name] for name in names})
    numbers, ends = read_array(argument, values, REALS, inner=1, filler=torch.nan)
    if numbers.ndim not in (2, 3) or numbers.shape[-1] != len(names):
        expected = f"to have shape [N, {len(names)}] or [B, T, {len(names)}], one column a strategy"
        raise InputError(argument, expected, [*numbers.shape])
    return Array(numbers.double(), ends)


def _named_columns(columns: Mapping[str, Numbers]) -> Array:
    """Columns of strategies beside each other."""
    rows = {name: score_column(name, column) for name, column in columns.items()}
    check_shapes(**rows)
    ends = {name: column.ends for name, column in rows.items() if column.ends is not None}
    check_ends(**ends)
    values = torch.stack([column.values.view(column.shape) for column in rows.values()], -1)
    return Array(values, next(iter(ends.values()), None))
