# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether models keep their rank when the judge changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.padding import open_end
from imug_metrics.errors import ArgumentError, InputError

Judged: TypeAlias = Tensor | Sequence[Any]
"""Scores by every judge of every model's output at a record, `[N, M, J]` or `[B, T, M, J]`."""

Agreement = Literal["tau", "top"]
_TIE = 1e-12  # of the larger of two means: what rounding may take them apart


def judge_stability(scores: Judged, measure: Agreement = "tau") -> Tensor:
    """Agreement of judges on the order of models, mean over pairs of judges. Higher is better.

    - `"tau"`: Kendall's tau-b of the models' mean scores by one judge and by the other, -1 to 1
    - `"top"`: share of pairs of judges of whom the same models have the highest mean, 0 to 1

    Args:
        scores: `[N, M, J]`, of M models' outputs at N records, each by J judges; NaN where there is none. An output
            counts where all judges scored it: else judges would be compared on different outputs.
        measure: which of both.

    Returns:
        float64 scalar; NaN with fewer than two judges, or two models that have outputs that count, or where no pair of
        judges has an order of them.

    Raises:
        ArgumentError: if `measure` is unknown.
        InputError: if `scores` is anything else.

    Example:
        >>> scores = torch.tensor([[[0.2, 0.1], [0.4, 0.5], [0.9, 0.6]], [[0.4, 0.3], [0.5, 0.9], [0.7, 0.6]]])
        >>> judge_stability(scores), judge_stability(scores, "top")
        (tensor(0.3333, dtype=torch.float64), tensor(0., dtype=torch.float64))
    """
    if measure not in get_args(Agreement):
        raise ArgumentError("measure", f"expected one of {get_args(Agreement)}, got {measure!r}")
    values = judged_column(scores).values
    counts, totals = judged_sums(values)
    means = model_means(counts.sum(0), totals.sum(0))
    return mean_of_pairs(order_agreement(means) if measure == "tau" else top_agreement(means))


def judged_column(scores: Any, form: tuple[int, int] | None = None) -> Column:
    """Scores of judges as rows `[N, M, J]`.

    Args:
        scores: see `judge_stability`.
        form: how many models and judges there have to be; None: any number.

    Raises:
        InputError: if they have another shape, or are no real numbers.
    """
    numbers, ends = read_array("scores", scores, REALS, inner=2, filler=torch.nan)
    shape = tuple(numbers.shape)
    if numbers.ndim not in (3, 4) or (form is not None and shape[-2:] != form):
        models, judges = ("M", "J") if form is None else map(str, form)
        expected = f"to have shape [N, {models}, {judges}] or [B, T, {models}, {judges}], of models and judges"
        raise InputError("scores", expected, [*shape])
    column = Column(numbers.flatten(0, -3).double(), shape[:-2], None, ends)
    if ends is None and numbers.ndim == 4 and numbers.is_floating_point():
        return column._replace(open_end=partial(open_end, "scores", numbers, _are_nan))
    return column


def _are_nan(cells: Tensor) -> Tensor:
    return (cells != cells).flatten(1).all(1)


def judged_sums(values: Tensor) -> tuple[Tensor, Tensor]:
    """Of scores `[N, M, J]`: 1 where all judges scored a model's output, else 0, `[N, M]`, and its scores, else 0."""
    whole = values.isfinite().all(-1)
    return whole.double(), values.masked_fill(~whole[..., None], 0)


def model_means(counts: Tensor, totals: Tensor) -> Tensor:
    """Means `[..., M, J]` of sums `[..., M, J]` over counts `[..., M]`; NaN of none."""
    return (totals / counts.clamp_min(1)[..., None]).masked_fill(counts[..., None] == 0, torch.nan)


def order_agreement(means: Tensor) -> Tensor:
    """Kendall's tau-b `[..., P]` of the order of models' means `[..., M, J]`, by pairs of judges.

    Returns:
        In the order of `judge_pairs`; NaN where a judge sees all models alike.
    """
    higher, lower = constant(_pairs, means.shape[-2], like=means).long().unbind()
    first, second = means[..., higher, :], means[..., lower, :]
    difference = (first - second).nan_to_num(0)
    apart = difference.abs() > _TIE * torch.maximum(first.abs(), second.abs()).nan_to_num(0)
    order = difference.sign() * apart
    one, other = (order[..., judge] for judge in constant(_pairs, means.shape[-1], like=means).long().unbind())
    untied = (one.square().sum(-2) * other.square().sum(-2)).sqrt()
    return ((one * other).sum(-2) / untied.clamp_min(1)).masked_fill(untied == 0, torch.nan)


def top_agreement(means: Tensor) -> Tensor:
    """1 or 0 `[..., P]` by pairs of judges: whether the same models have the highest mean; NaN without two models."""
    known = ~means.isnan()
    highest = means.masked_fill(~known, -torch.inf).amax(-2, keepdim=True)
    best = known & (means >= highest - _TIE * highest.abs())
    one, other = (best[..., judge] for judge in constant(_pairs, means.shape[-1], like=means).long().unbind())
    return (one == other).all(-2).double().masked_fill((known.sum(-2) < 2).any(-1, keepdim=True), torch.nan)


def mean_of_pairs(values: Tensor) -> Tensor:
    """The mean `[...]` of those of pairs `[..., P]` that are not NaN; NaN of none."""
    known = ~values.isnan()
    count = known.sum(-1)
    return (values.masked_fill(~known, 0).sum(-1) / count.clamp_min(1)).masked_fill(count == 0, torch.nan)


def judge_pairs(judges: int) -> list[tuple[int, int]]:
    """Pairs of judges, in the order of their agreement.

    Example:
        >>> judge_pairs(3)
        [(0, 1), (0, 2), (1, 2)]
    """
    return [(one, other) for one in range(judges) for other in range(one + 1, judges)]


def _pairs(count: int, device: torch.device) -> Tensor:
    """Pairs `[2, P]` of so many."""
    return torch.tensor(judge_pairs(count), dtype=torch.int64, device=device).view(-1, 2).T
