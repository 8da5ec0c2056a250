# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several strategies on the same records: their scores, gains and costs as columns, and which are worth their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.arguments import Candidates, Numbers
from imug_metrics.dialogues.inputs import as_numbers
from imug_metrics.functional.reduce import reduce_values

Columns = Candidates | Mapping[str, Numbers]
"""One column a strategy, or by strategy its column."""


def strategy_comparison(
    scores: Candidates, baseline: int = 0, *, valid: Tensor | None = None, reduction: Literal["mean", "none"] = "mean"
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

    Example:
        >>> strategy_comparison(torch.tensor([[0.5, 0.75], [0.25, float("nan")]]))
        tensor([0.0000, 0.2500], dtype=torch.float64)
    """
    columns = as_numbers("scores", scores).double()
    if not 0 <= baseline < columns.shape[-1]:
        raise ValueError(f"Expected argument `baseline` to be a column from 0 to {columns.shape[-1] - 1}.")
    gains = columns - columns[..., baseline, None]
    gains = gains if valid is None else gains.masked_fill(~valid[..., None], torch.nan)
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


def strategy_columns(argument: str, values: Columns, names: Sequence[str]) -> Tensor:
    """One column a strategy, `[..., S]`, from a tensor or from a mapping of strategies' names to `[...]`.

    Raises:
        ValueError: if the strategies are not those named.

    Example:
        >>> strategy_columns("scores", {"b": [1.0], "a": [0.0]}, ("a", "b"))
        tensor([[0., 1.]], dtype=torch.float64)
    """
    if isinstance(values, Mapping):
        if set(values) != set(names):
            raise ValueError(f"Expected argument `{argument}` to name {sorted(names)}, got {sorted(values)}.")
        columns = [as_numbers(f"{argument}[{name!r}]", values[name]).double() for name in names]
        if any(column.shape != columns[0].shape for column in columns):
            shapes = {name: [*column.shape] for name, column in zip(names, columns, strict=True)}
            raise ValueError(f"Expected argument `{argument}` to hold columns of one shape, got {shapes}.")
        return torch.stack(columns, -1)
    columns_last = as_numbers(argument, values).double()
    if columns_last.ndim not in (2, 3) or columns_last.shape[-1] != len(names):
        raise ValueError(
            f"Expected argument `{argument}` to have shape [N, {len(names)}] or [B, T, {len(names)}], one column a "
            f"strategy, got {[*columns_last.shape]}."
        )
    return columns_last
