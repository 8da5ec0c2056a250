# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The delete-a-group jackknife: errors of estimates that no formula has, from sums by group of dialogues.

Dialogues fall into groups by a hash of their ids, and each group is left out in turn (Kott, Journal of Official
Statistics 17, 2001). The groups hang on ids alone, so that batches, shards and processes change nothing.
"""

from __future__ import annotations

import torch
from imug_kernels import segment_sum
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.stats.intervals import REASONS, UNDEFINED, Interval, Weights, student_quantile

_FINE, _UNDEFINED, _FEW, _CONSTANT = range(4)
assert REASONS[_UNDEFINED] == UNDEFINED


def group_of(ids: Tensor, groups: int) -> Tensor:
    """A group, 0 to groups - 1, for each id: a multiplicative hash, so that runs of ids spread evenly.

    Example:
        >>> group_of(torch.tensor([1, 2, 3, 1]), 8)
        tensor([4, 1, 6, 4])
    """
    mixed = ids * -7046029254386353131  # 2**64 / golden ratio, odd: wraps around like an unsigned product
    return (mixed >> 33).remainder(groups)


def sum_groups(terms: Tensor, group: Tensor, groups: int) -> Tensor:
    """Sums `[groups, ...]` of terms `[G, ...]` by group `[G]`, in an order that never changes.

    Example:
        >>> sum_groups(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1, 0, 1]), 2)
        tensor([2., 5.], dtype=torch.float64)
    """
    group, order = group.sort(stable=True)
    offsets = torch.searchsorted(group, constant(torch.arange, groups + 1, like=group))
    return segment_sum(terms[order], offsets)


def jackknife(replicates: Tensor, clusters: Tensor) -> tuple[Tensor, Tensor]:
    """Standard errors of estimates from what they are without each group.

    Args:
        replicates: `[groups, E]`, the estimates without each group.
        clusters: bool or numbers `[groups, E]`, whether a group takes part in an estimate.

    Returns:
        Errors `[E]`, NaN where fewer than two groups take part, or where one is left out and nothing can be said of
        the rest; and the numbers of groups `[E]`.

    Example:
        >>> jackknife(torch.tensor([[1.0], [2.0], [3.0]]), torch.ones(3, 1))
        (tensor([1.1547]), tensor([3.]))
    """
    # By estimate in one piece, so that the sums of one do not hang on how many others there are.
    replicates, clusters = replicates.mT.contiguous(), clusters.mT.to(replicates).contiguous()
    number = clusters.sum(1)
    known = clusters * replicates.isfinite()
    replicates = replicates.nan_to_num(0)
    mean = (replicates * known).sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp_min(1)
    spread = ((replicates - mean).square() * known).sum(1)
    error = (spread * (number - 1) / number.clamp_min(1)).sqrt()
    return error.masked_fill((known != clusters).any(1) | (number < 2), torch.nan), number


def jackknife_interval(
    value: Tensor, error: Tensor, groups: Weights, dialogues: Weights, share: Tensor, level: float = 0.95
) -> Interval:
    """Intervals of estimates from their jackknife errors, under Student's t.

    A share has its bounds on the scale of log odds, which no share leaves. Where it is 0 or 1 without each group too,
    no error can be seen: its far bound is then Clopper and Pearson's (Biometrika 26, 1934) of as many trials as there
    are effective dialogues, all of one outcome, as if each were right or wrong as a whole.

    Args:
        value, error: `[E]`.
        groups: what each estimate weighs in the groups: their effective number, less one, are the degrees of freedom.
        dialogues: the same of dialogues, for shares of 0 and 1.
        share: bool `[E]`, the estimates that are shares.
        level: probability that the intervals cover.

    Returns:
        Bounds, NaN with a reason where the value is undefined, fewer than two effective groups carry it, or what is no
        share of 0 or 1 does not vary.

    Example:
        >>> carried = Weights(torch.tensor([30.0, 30.0]), torch.tensor([30.0, 30.0]))
        >>> share = torch.tensor([0.9, 1.0], dtype=torch.float64)
        >>> error = torch.tensor([0.02, 0.0], dtype=torch.float64)
        >>> found = jackknife_interval(share, error, carried, carried, torch.tensor([True, True]))
        >>> [[round(float(bound), 3) for bound in bounds] for bounds in (found.lower, found.upper)]
        [[0.851, 0.884], [0.934, 1.0]]
    """
    quantile = student_quantile(groups.effective, level)
    at_end = share & ((value == 0) | (value == 1))
    half = quantile * error
    inside = value.clamp(1e-9, 1 - 1e-9)
    odds, scale = inside.logit(), (inside * (1 - inside)).reciprocal()
    tail = torch.as_tensor((1 - level) / 2, dtype=value.dtype, device=value.device)
    far = 1 - tail ** (1 / dialogues.effective.clamp_min(1))
    bounds = []
    for side, end in ((-1, 0), (1, 1)):
        bound = torch.where(share, (odds + side * half * scale).sigmoid(), value + side * half)
        bounds.append(torch.where(at_end, torch.where(value == end, value, (value + side * far)), bound))
    few = ~(groups.effective >= 2) | error.isnan()
    reason = torch.zeros_like(value).masked_fill((error == 0) & ~at_end, _CONSTANT)
    reason = reason.masked_fill(few, _FEW).masked_fill(value.isnan(), _UNDEFINED)
    lower, upper = (bound.masked_fill(reason != _FINE, torch.nan) for bound in bounds)
    return Interval(value, error, lower, upper, reason.to(torch.int8))
