# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The multiple-choice knapsack relaxed: steps up each record's upper convex hull (Sinha and Zoltners, 1979)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.stats.running_sums import running_sums


class _Steps(NamedTuple):
    """Steps up the records' upper convex hulls, those of the highest gain per cost first."""

    extra: Tensor
    gain: Tensor
    row: Tensor
    target: Tensor


def climb(y: Tensor, c: Tensor, allowed: float) -> tuple[Tensor, Tensor, float]:
    """Greedy steps up the hulls, those of the highest gain per cost first, until one does not fit.

    Args:
        y: scores, float64 `[N, S]`, NaN where a strategy lacks the record; each record has one.
        c: costs, likewise; the cheapest policy costs at most `allowed`.

    Returns:
        Strategies, int64 `[N]`; the total score of the linear relaxation, which no policy exceeds; and the gain per
        cost of the step that did not fit, 0 where all did.

    Example:
        >>> scores, costs = torch.tensor([[[0.0, 3, 5], [0, 4, 6]], [[0, 2, 4], [0, 3, 4]]]).double()
        >>> climb(scores, costs, 6.0)
        (tensor([1, 2]), tensor(9., dtype=torch.float64), 1.0)
    """
    rows = torch.arange(len(y))
    picked = _cheapest(y, c)
    spent, reached = c[rows, picked].sum(), y[rows, picked].sum()
    extra, gain, row, target = _hull_steps(y, c, picked)
    total = spent + running_sums(extra)
    fits = int((total <= allowed * (1 + 1e-12)).sum())
    for index in range(y.shape[1] - 1):  # a later step of a record overrides an earlier one
        chosen = _nth_step(row[:fits], index)
        picked[row[:fits][chosen]] = target[:fits][chosen]
    bound = reached + gain[:fits].sum()
    if fits < len(extra):
        room = allowed - (total[fits - 1] if fits else spent)
        bound = bound + gain[fits] * (room / extra[fits]).clamp(0, 1)
    return picked, bound, float(gain[fits] / extra[fits]) if fits < len(extra) else 0.0


def _cheapest(y: Tensor, c: Tensor) -> Tensor:
    """The cheapest strategy of each record, of several the one that scores highest."""
    price = c.nan_to_num(nan=torch.inf)
    cheapest = price == price.amin(1, keepdim=True)
    return y.nan_to_num(nan=-torch.inf).masked_fill(~cheapest, -torch.inf).argmax(1)


def _hull_steps(y: Tensor, c: Tensor, start: Tensor) -> _Steps:
    """The steps of every record from its start, a strategy `[N]`."""
    rows, place = torch.arange(len(y)), start
    rates, steps = [y.new_zeros(0)], [_Steps(y.new_zeros(0), y.new_zeros(0), rows[:0], rows[:0])]
    for _ in range(y.shape[1] - 1):
        gain, extra = y - y[rows, place][:, None], c - c[rows, place][:, None]
        rate = torch.where((gain > 0) & (extra > 0), gain / extra, -torch.inf)
        best = rate.amax(1, keepdim=True)
        # Of several with the same rate the farthest: it leaves no step of that rate behind.
        target = extra.nan_to_num(0).masked_fill(rate < best, -1).argmax(1)
        moves = best[:, 0] > -torch.inf
        rates.append(best[moves, 0])
        steps.append(_Steps(extra[rows, target][moves], gain[rows, target][moves], rows[moves], target[moves]))
        place = torch.where(moves, target, place)
    # Rates fall along a hull, so the steps of a record stay in order.
    order = torch.argsort(torch.cat(rates), descending=True, stable=True)
    return _Steps(*(torch.cat(part)[order] for part in zip(*steps, strict=True)))


def _nth_step(row: Tensor, index: int) -> Tensor:
    """Positions of the entries that are the (index + 1)-th of their row."""
    order = torch.argsort(row, stable=True)
    grouped = row[order]
    first = torch.searchsorted(grouped, grouped)
    place = torch.empty_like(row).index_copy(0, order, torch.arange(len(row)) - first)
    return (place == index).nonzero()[:, 0]
