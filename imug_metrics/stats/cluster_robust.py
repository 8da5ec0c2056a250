# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums over dialogues from which every estimate and its cluster-robust interval follow.

Each dialogue `d` contributes one vector of sums `v_d [P]` (its summed scores, its number of records, ...). All that is
kept is the number of dialogues, `sum v_d`, `sum v_d v_d'` and, by component, how many dialogues are not zero there.
These add over batches and processes, and by the delta method they give an interval for every smooth function `f` of the
sums that does not change when all sums are scaled (means, ratios, slopes): `Var f = c * grad' (sum v_d v_d') grad`, `c
= G / (G - 1)`. For a ratio `sum a / sum b` that is the cluster-robust variance `c * sum (a_d - f b_d)^2 / (sum b_d)^2`;
the centring term of the delta method vanishes for scale-free functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from scipy import special
from torch import Tensor


class Moments(NamedTuple):
    """Sums over dialogues of their vectors of `P` components.

    Attributes:
        dialogues: `[]`, number of dialogues.
        totals: `[P]`, sum of the vectors.
        present: `[P]`, number of dialogues whose component is not zero.
        products: `[P, P]`, sum of the outer products.
    """

    dialogues: Tensor
    totals: Tensor
    present: Tensor
    products: Tensor


class Interval(NamedTuple):
    """Estimates `[E]` with their standard errors and the bounds of their intervals; NaN where undefined."""

    value: Tensor
    error: Tensor
    lower: Tensor
    upper: Tensor


def packed_moments(vectors: Tensor) -> Tensor:
    """Moments of dialogues' vectors as one matrix that adds.

    Args:
        vectors: float64 `[G, P]`, one row a dialogue.

    Returns:
        float64 `[P + 1, P + 1]`: the first row holds the number of dialogues and the totals, the first column below it
        the number of dialogues that are not zero, the rest the products.

    Example:
        >>> packed_moments(torch.tensor([[2.0, 1.0], [0.0, 1.0]], dtype=torch.float64))
        tensor([[2., 2., 2.],
                [1., 4., 2.],
                [2., 2., 2.]], dtype=torch.float64)
    """
    present = vectors != 0
    # A dialogue that brought nothing (padding of a batch packed without validation) must not count.
    rows = torch.cat([present.any(1, keepdim=True).to(vectors), vectors], 1)
    packed = rows.mT @ rows
    packed[1:, 0] = present.sum(0)
    return packed


def unpack_moments(packed: Tensor) -> Moments:
    """The parts of a matrix made by `packed_moments`.

    Example:
        >>> unpack_moments(packed_moments(torch.ones(3, 1, dtype=torch.float64))).totals
        tensor([3.], dtype=torch.float64)
    """
    return Moments(packed[0, 0], packed[0, 1:], packed[1:, 0], packed[1:, 1:])


def delta_interval(
    estimates: Callable[[Tensor], Tensor], moments: Moments, support: Tensor, level: float = 0.95
) -> Interval:
    """Estimates from totals with intervals that are robust to the dependence within dialogues.

    Args:
        estimates: differentiable scale-free function from totals `[P]` to estimates `[E]`.
        moments: the sums.
        support: int64 `[E]`, the component of each estimate whose non-zero dialogues are its clusters, G.
        level: probability that the interval covers, under Student's t with G - 1 degrees of freedom.

    Returns:
        The estimates. With fewer than two dialogues errors and bounds are NaN; below about 20 the interval is
        approximate and somewhat too short.

    Example:
        >>> moments = unpack_moments(packed_moments(torch.tensor([[1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)))
        >>> delta_interval(lambda sums: sums[:1] / sums[1:], moments, torch.tensor([1])).error
        tensor([0.5000], dtype=torch.float64)
    """
    value, spread = delta_spread(estimates, moments)
    return student_interval(value, spread, moments.present[support], level)


def delta_spread(estimates: Callable[[Tensor], Tensor], moments: Moments) -> tuple[Tensor, Tensor]:
    """Estimates `[E]` of totals and `grad' (sum v_d v_d') grad`, see `delta_interval`."""
    with torch.inference_mode(False):  # trainers validate in inference mode, which forbids derivatives
        totals = moments.totals.detach().clone()
        gradient, value = torch.func.jacrev(lambda sums: (estimates(sums),) * 2, has_aux=True)(totals)
    return value, ((gradient @ moments.products) * gradient).sum(1)


def ratio_spread(moments: Moments, count: int) -> tuple[Tensor, Tensor]:
    """The same of ratios, whose gradient is known.

    Args:
        moments: the first `count` components are numerators, the next the denominators.
        count: number of ratios.

    Returns:
        Ratios `[count]`, NaN where the denominator is 0, and their spreads.

    Example:
        >>> moments = unpack_moments(packed_moments(torch.tensor([[1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)))
        >>> ratio_spread(moments, 1)
        (tensor([1.], dtype=torch.float64), tensor([0.1250], dtype=torch.float64))
    """
    value = ratios(moments.totals, count)
    denominator = moments.totals[count : 2 * count]
    above, across, below = (
        moments.products[rows, columns].diagonal()
        for rows, columns in (
            (slice(count), slice(count)),
            (slice(count), slice(count, 2 * count)),
            (slice(count, 2 * count), slice(count, 2 * count)),
        )
    )
    return value, (above - 2 * value * across + value * value * below) / (denominator * denominator)


def ratios(totals: Tensor, count: int) -> Tensor:
    """Ratios `[..., count]` of the first `count` of totals `[..., P]` to the next; NaN where they are 0 to 0.

    Example:
        >>> ratios(torch.tensor([1.0, 0.0, 4.0, 0.0]), 2)
        tensor([0.2500,    nan])
    """
    denominator = totals[..., count : 2 * count]
    empty = denominator == 0  # divided by 1, since a NaN there would reach the gradients of what is defined
    return (totals[..., :count] / denominator.masked_fill(empty, 1)).masked_fill(empty, torch.nan)


def student_interval(value: Tensor, spread: Tensor, clusters: Tensor, level: float) -> Interval:
    """Estimates `[E]` with intervals from their spreads and numbers of clusters, under Student's t."""
    error = torch.sqrt(spread.clamp_min(0) * clusters / (clusters - 1).clamp_min(1))
    error = error.masked_fill((clusters < 2) | value.isnan(), torch.nan)
    half = error * student_quantile(clusters, level)
    return Interval(value, error, value - half, value + half)


def student_quantile(clusters: Tensor, level: float) -> Tensor:
    """Two-sided quantile of Student's t with `clusters - 1` degrees of freedom; NaN below two clusters.

    Args:
        clusters: `[E]`.
        level: covered probability, e.g. 0.95.

    Example:
        >>> student_quantile(torch.tensor([2.0, 1e6]), 0.95)
        tensor([12.7062,  1.9600])
    """
    freedom = (clusters - 1).detach().cpu().double().numpy()
    return torch.as_tensor(special.stdtrit(freedom, (1 + level) / 2)).to(clusters)
