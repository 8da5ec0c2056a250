# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several comparisons at once: p-values and intervals that hold for all of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from scipy import special
from torch import Tensor

from imug_metrics.stats.intervals import student_quantile


class Simultaneous(NamedTuple):
    """Bounds that cover all estimates at once with the level's probability, and adjusted two-sided p-values, `[E]`."""

    lower: Tensor
    upper: Tensor
    p: Tensor


def holm(p: Tensor) -> Tensor:
    """P-values adjusted by Holm's step-down rule (Scandinavian Journal of Statistics 6, 1979).

    Rejecting those at most alpha errs once or more among all true hypotheses with a probability of at most alpha,
    however the tests depend on each other.

    Args:
        p: `[E]`; NaN ones stay NaN and are not counted.

    Example:
        >>> holm(torch.tensor([0.01, 0.04, 0.03]))
        tensor([0.0300, 0.0600, 0.0600])
    """
    order = p.argsort()  # NaN last
    count = int((~p.isnan()).sum())
    factor = (count - torch.arange(len(p), dtype=p.dtype, device=p.device)).clamp_min(1)
    adjusted = (p[order] * factor).nan_to_num(0).cummax(0).values.clamp(max=1)
    return torch.empty_like(p).index_copy(0, order, adjusted).masked_fill(p.isnan(), torch.nan)


def holm_families(families: Sequence[Tensor]) -> list[Tensor]:
    """P-values that are adjusted within each of several families, adjusted over the families by Holm's rule.

    A family is a metric, its p-values those of all pairs of models. Families are taken in the order of their smallest
    p-value; the first is multiplied by their number, the next by one less, and so on.

    Args:
        families: p-values `[E]`; NaN ones stay NaN. A family of nothing else is not counted.

    Example:
        >>> holm_families([torch.tensor([0.01, 0.2]), torch.tensor([0.04, 0.5])])
        [tensor([0.0200, 0.4000]), tensor([0.0400, 0.5000])]
    """
    smallest = [float(p[~p.isnan()].min()) if bool((~p.isnan()).any()) else math.nan for p in families]
    known = sorted((p, place) for place, p in enumerate(smallest) if not math.isnan(p))
    found, least = list(families), 0.0
    for rank, (_, place) in enumerate(known):
        found[place] = (families[place] * (len(known) - rank)).clamp(min=least, max=1)
        least = float(found[place].nan_to_num(torch.inf).min())
    return found


def holm_intervals(value: Tensor, error: Tensor, clusters: Tensor, level: float = 0.95) -> Simultaneous:
    """Bonferroni's bounds with Holm's p-values, under Student's t with `clusters - 1` degrees of freedom.

    Holm's rule has no bounds of its own kind that are as simple; Bonferroni's cover simultaneously as well.

    Args:
        value, error, clusters: estimates, their standard errors and numbers of clusters, `[E]`.
        level: probability that all intervals cover.

    Example:
        >>> holm_intervals(torch.tensor([2.0, 0.5]), torch.ones(2), torch.full((2,), 30.0)).p
        tensor([0.1099, 0.6208])
    """
    count = max(int((~(value / error).isnan()).sum()), 1)
    half = error * student_quantile(clusters, 1 - (1 - level) / count)
    t = (value / error).abs().detach().cpu().double().numpy()
    freedom = (clusters - 1).clamp_min(1).detach().cpu().double().numpy()
    p = torch.as_tensor(2 * special.stdtr(freedom, -t), dtype=value.dtype, device=value.device)
    return Simultaneous(value - half, value + half, holm(p.masked_fill(value.isnan() | error.isnan(), torch.nan)))


def max_t(value: Tensor, error: Tensor, clusters: Tensor, replicates: Tensor, level: float = 0.95) -> Simultaneous:
    """Simultaneous bounds and p-values from the largest studentised difference in each bootstrap replicate.

    With `se_e` the spread of estimate e over the replicates, the critical value is the level's quantile over replicates
    of `max_e |theta*_e - theta_e| / se_e` (Westfall and Young, 1993; Romano and Wolf, JASA 100, 2005, in one step).
    It uses the dependence between the estimates and is therefore sharper than Bonferroni where strategies share their
    luck. The bootstrap does not know that standard errors of few clusters are themselves uncertain: the critical value
    is carried over from the normal to Student's distribution with `clusters - 1` degrees of freedom.

    Args:
        value, error, clusters: estimates, their standard errors and numbers of clusters, `[E]`.
        replicates: `[R, E]`, the estimates in each replicate; undefined ones are left out.
        level: probability that all intervals cover.

    Returns:
        Bounds and p-values; NaN for estimates whose replicates do not spread.

    Example:
        >>> draws = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0)).double()
        >>> shift, count = torch.tensor([5.0, 0.0]).double(), torch.full((2,), 1000.0).double()
        >>> found = max_t(shift, torch.ones(2).double(), count, draws + shift)
        >>> round(found.upper[1].item(), 1), found.p[0].item() < 0.01
        (2.3, True)
    """
    away = replicates - value
    defined = ~away.isnan()
    count = defined.sum(0)
    away = away.nan_to_num(0)
    centred = (away - away.sum(0) / count.clamp_min(1)).masked_fill(~defined, 0)
    spread = ((centred**2).sum(0) / (count - 1).clamp_min(1)).sqrt()
    used = (spread > 0) & (error > 0) & ~value.isnan()
    largest = (away.abs() / torch.where(used, spread, 1)).masked_fill(~used, 0).amax(-1)
    freedom = (clusters - 1).clamp_min(1)
    half = torch.where(used, error * _normal_to_t(torch.quantile(largest, level).expand_as(error), freedom), torch.nan)
    # The same scale the other way round, so that a p-value below 1 - level means bounds that leave out 0.
    seen = _t_to_normal(value.abs() / torch.where(used, error, 1), freedom)
    above = (largest[:, None] >= seen).sum(0)
    p = ((1 + above) / (1 + len(replicates))).to(value).masked_fill(~used, torch.nan)
    return Simultaneous(value - half, value + half, p)


def _normal_to_t(z: Tensor, freedom: Tensor) -> Tensor:
    """The quantile of Student's distribution at which as much lies beyond as beyond z of the normal one."""
    tail = special.ndtr(-z.detach().cpu().double().numpy())
    found = -special.stdtrit(freedom.detach().cpu().double().numpy(), tail)
    return torch.as_tensor(found, dtype=z.dtype, device=z.device)


def _t_to_normal(t: Tensor, freedom: Tensor) -> Tensor:
    tail = special.stdtr(freedom.detach().cpu().double().numpy(), -t.detach().cpu().double().numpy())
    return torch.as_tensor(-special.ndtri(tail), dtype=t.dtype, device=t.device)
