# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models compared in pairs on the same dialogues: differences, intervals that hold for all pairs at once, and ranks.

Two intervals side by side are no comparison: both carry the luck of the dialogues, which both models shared. The
difference by dialogue does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import torch
from scipy import special
from torch import Tensor

from imug_metrics.stats.bootstrap import poisson_weights
from imug_metrics.stats.cluster_robust import (
    component_weights,
    packed_moments,
    ratio_spread,
    unpack_moments,
    varying_weights,
)
from imug_metrics.stats.intervals import REASONS, Interval, Weights, interval
from imug_metrics.stats.multiple_comparisons import Simultaneous, holm_intervals, max_t
from imug_metrics.stats.planning import smallest_difference


class PairedDifference(NamedTuple):
    """One model less another, on the records that both have.

    Attributes:
        first, second: places of the two models.
        value: mean difference, first less second; NaN where they have no record in common.
        error: its standard error, by dialogue.
        lower, upper: the interval of this difference alone.
        joint_lower, joint_upper: bounds that hold for all pairs at once.
        p: two-sided p-value, adjusted for all pairs.
        smallest: the smallest true difference that these dialogues would show with the wanted power.
        records, dialogues: that both have; from states, 0 records and the effective dialogues.
        reason: why there is no interval; empty where there is one.
    """

    first: int
    second: int
    value: float
    error: float
    lower: float
    upper: float
    joint_lower: float
    joint_upper: float
    p: float
    smallest: float
    records: int
    dialogues: int
    reason: str

    @property
    def leader(self) -> int | None:
        """The place of the model that scores higher by the bounds that hold for all pairs; None where they cover 0."""
        if self.joint_lower > 0:
            return self.first
        return self.second if self.joint_upper < 0 else None


def paired_differences(
    scores: Tensor,
    dialogue: Tensor,
    level: float = 0.95,
    *,
    power: float = 0.8,
    replicates: int = 2000,
    seed: int = 0,
    widest: float = math.inf,
) -> list[PairedDifference]:
    """Every two models, compared on the records that both have.

    The difference is the sum of the records' differences over their number, `sum_d a_d / sum_d n_d`, its interval that
    of `stats.intervals` by dialogue. For more than one pair the joint bounds and p-values come from the largest
    studentised difference in each of the `replicates` that draw dialogues by their ids (max-t, see
    `stats.multiple_comparisons.max_t`).

    Args:
        scores: `[M, N]`, of M models on N records; NaN where a model has none.
        dialogue: int64 `[N]`, whose records they are.
        level: probability that the intervals cover.
        power: of the smallest difference.
        replicates, seed: of the bootstrap.
        widest: how far two scores can lie apart: bounds do not reach further. 1 for shares.

    Returns:
        A difference for each two models, in the order of `itertools.combinations`.

    Raises:
        ValueError: if there are fewer than two models, or shapes do not match.

    Example:
        >>> a = torch.tensor([0.9, 0.7, 0.8, 0.9, 0.6, 0.8])
        >>> [found] = paired_differences(torch.stack([a, a - torch.tensor([0.1, 0.2] * 3)]), torch.arange(6))
        >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3), found.leader
        (0.15, 0.093, 0.207, 0)
    """
    if scores.ndim != 2 or len(scores) < 2:
        got = list(scores.shape)
        raise ValueError(f"Expected argument `scores` to have shape [models, records], two models or more, got {got}.")
    if dialogue.shape != scores.shape[1:]:
        expected, got = list(scores.shape[1:]), list(dialogue.shape)
        raise ValueError(f"Expected argument `dialogue` to have shape {expected}, got {got}.")
    ids, owner = torch.unique(dialogue, return_inverse=True)
    pairs = list(combinations(range(len(scores)), 2))
    drawn = poisson_weights(ids, replicates if len(pairs) > 1 else 0, seed)
    sums = difference_sums(scores, owner, len(ids), pairs)
    return compared_sums(*sums, drawn, pairs, level, power=power, widest=widest)


def difference_sums(
    scores: Tensor, owner: Tensor, dialogues: int, pairs: Sequence[tuple[int, int]]
) -> tuple[Tensor, Tensor]:
    """Sums of the records' differences, and numbers of records that both models have, `[P, G]` by pair and dialogue.

    Args:
        scores: `[M, N]`; NaN where a model has no record.
        owner: int64 `[N]`, the place of each record's dialogue, from 0 to `dialogues - 1`.
        dialogues: their number G.
        pairs: the places of the models of each pair.
    """
    first, second = torch.tensor(pairs, device=scores.device).unbind(1)
    away = scores[first].double() - scores[second].double()
    parts = away.nan_to_num(0), (~away.isnan()).double()
    above, below = (part.new_zeros(len(pairs), dialogues).index_add_(1, owner, part) for part in parts)
    return above, below


def compared_sums(
    above: Tensor,
    below: Tensor,
    drawn: Tensor,
    pairs: Sequence[tuple[int, int]],
    level: float = 0.95,
    *,
    power: float = 0.8,
    widest: float = math.inf,
) -> list[PairedDifference]:
    """The same from sums by dialogue: of differences and numbers of records, or of products and squares for slopes.

    Args:
        above, below: float64 `[P, G]`, numerators and denominators of the ratio `sum_d above / sum_d below`.
        drawn: `[G, R]`, how often each replicate draws each dialogue (`poisson_weights`); not read for a single pair.
        pairs: the places of the models of each of the P pairs.
        level, power, widest: as for `paired_differences`.
    """
    count = len(pairs)
    moments = unpack_moments(packed_moments(torch.cat([above, below]).mT, count))
    value, spread = ratio_spread(moments, count)
    weights = component_weights(moments, torch.arange(count, 2 * count, device=value.device))
    varying = varying_weights(moments, count)
    found = interval(value, spread, weights, varying=varying, level=level)
    clusters = torch.minimum(weights.effective, varying.effective)
    replicates = None if count == 1 else ((above @ drawn) / (below @ drawn)).mT
    counts = below.sum(1).round().long(), below.count_nonzero(1)
    return _differences(pairs, found, clusters, replicates, counts, level, power, widest)


def replicated_differences(
    values: Tensor,
    drawn: Tensor,
    effective: Tensor,
    pairs: Sequence[tuple[int, int]],
    level: float = 0.95,
    *,
    power: float = 0.8,
    widest: float = math.inf,
) -> list[PairedDifference]:
    """The same from estimates and their replicates, which drew the same dialogues for all models.

    Args:
        values: float64 `[M]`, of M models.
        drawn: `[M, R]`, in each replicate.
        effective: `[M]`, effective dialogues behind each.
        pairs: the places of the models of each pair.
        level, power, widest: as for `paired_differences`.
    """
    first, second = torch.tensor(pairs, device=values.device).unbind(1)
    value, away = values[first] - values[second], (drawn[first] - drawn[second]).mT
    clusters = torch.minimum(effective[first], effective[second])
    spread = (away - away.nanmean(0)).square().nanmean(0)
    found = interval(value, spread, Weights(clusters, clusters), level=level)  # as many dialogues of weight 1
    replicates = None if len(pairs) == 1 else away
    counts = torch.zeros_like(first), clusters.round().long()
    return _differences(pairs, found, clusters, replicates, counts, level, power, widest)


def _differences(
    pairs: Sequence[tuple[int, int]],
    found: Interval,
    clusters: Tensor,
    replicates: Tensor | None,
    counts: tuple[Tensor, Tensor],
    level: float,
    power: float,
    widest: float,
) -> list[PairedDifference]:
    """Differences `[P]` with what holds for all pairs at once, from replicates `[R, P]`; None: there is one pair."""
    error = found.error.masked_fill(found.lower.isnan(), torch.nan)
    if replicates is None:
        joint = Simultaneous(found.lower, found.upper, _two_sided(found.value / error, clusters))
    else:
        joint = max_t(found.value, error, clusters, replicates, level)
    columns = {
        "value": found.value,
        "error": error,
        "lower": found.lower.clamp_min(-widest),
        "upper": found.upper.clamp_max(widest),
        "joint_lower": joint.lower.clamp_min(-widest),
        "joint_upper": joint.upper.clamp_max(widest),
        "p": joint.p,
        "smallest": _smallest(error, clusters, joint, power),
        "records": counts[0],
        "dialogues": counts[1],
    }
    reasons = [REASONS[code] for code in found.reason.tolist()]
    rows = [dict(zip(columns, row)) for row in zip(*(column.tolist() for column in columns.values()))]
    return [
        PairedDifference(first, second, reason=why, **row)
        for (first, second), row, why in zip(pairs, rows, reasons, strict=True)
    ]


def independent_differences(
    value: Tensor, error: Tensor, clusters: Tensor, pairs: Sequence[tuple[int, int]], level: float = 0.95
) -> Simultaneous:
    """Every two models' estimates compared by their own errors alone, as if they had met other dialogues.

    For estimates of which nothing is known by dialogue. The difference of two has the error
    `sqrt(error_a^2 + error_b^2)` and Welch's degrees of freedom; bounds are Bonferroni's, p-values Holm's. On the same
    dialogues, whose luck models share as a rule, that is wider than a paired comparison, not narrower.

    Args:
        value, error, clusters: float64 `[M]`, by model: estimates, their standard errors, numbers of dialogues.
        pairs: the places of the models of each of the P pairs.
        level: probability that all intervals cover.

    Returns:
        Bounds and p-values `[P]` of the first less the second; NaN where an error is not known.

    Example:
        >>> value, error = torch.tensor([0.9, 0.4]).double(), torch.tensor([0.03, 0.04]).double()
        >>> found = independent_differences(value, error, torch.tensor([40.0, 40.0]).double(), [(0, 1)])
        >>> round(found.lower.item(), 3), found.p.item() < 0.001
        (0.4, True)
    """
    first, second = torch.tensor(pairs, device=value.device).unbind(1)
    parts = error.square() / (clusters - 1).sqrt()
    joint = error[first].square() + error[second].square()
    freedom = joint.square() / (parts[first].square() + parts[second].square())
    return holm_intervals(value[first] - value[second], joint.sqrt(), freedom + 1, level)


def rank_bounds(
    differences: Sequence[PairedDifference], models: int, *, higher_is_better: bool = True
) -> list[tuple[int, int]]:
    """Ranks that each model can have, from 1 (the best), by bounds that hold for all pairs at once.

    A model ranks behind those that are ahead of it for certain, and ahead of those that are behind for certain (Mogstad
    et al., Review of Economic Studies 91, 2024): with the level's probability all models' true ranks lie within.

    Args:
        differences: of all pairs.
        models: their number.
        higher_is_better: whether the highest score ranks first, and not the lowest.

    Returns:
        The first and the last rank of each model.

    Example:
        >>> scores = torch.tensor([[0.9, 0.8, 0.9, 0.8], [0.5, 0.5, 0.6, 0.4], [0.5, 0.6, 0.4, 0.5]])
        >>> rank_bounds(paired_differences(scores, torch.arange(4)), 3)
        [(1, 1), (2, 3), (2, 3)]
    """
    ahead, behind = [0] * models, [0] * models
    for found in differences:
        highest = found.leader
        if highest is not None:
            lowest = found.second if highest == found.first else found.first
            behind[highest if higher_is_better else lowest] += 1
            ahead[lowest if higher_is_better else highest] += 1
    return [(1 + ahead[place], models - behind[place]) for place in range(models)]


def _two_sided(t: Tensor, clusters: Tensor) -> Tensor:
    """P-values of Student's distribution with `clusters - 1` degrees of freedom."""
    tail = special.stdtr((clusters - 1).cpu().numpy(), -t.abs().cpu().numpy())
    return torch.as_tensor(2 * tail).to(t)


def _smallest(error: Tensor, clusters: Tensor, joint: Simultaneous, power: float) -> Tensor:
    """The smallest differences that bounds of this width would show, adjusted for all pairs as they are."""
    found, half = torch.full_like(error, torch.nan), (joint.upper - joint.lower) / 2
    for row in (half > 0).nonzero()[:, 0].tolist():
        size, dialogues = float(error[row]), float(clusters[row])
        level = 1 - 2 * float(special.stdtr(dialogues - 1, -float(half[row]) / size))
        found[row] = smallest_difference(size, max(round(dialogues), 2), level, power)
    return found
