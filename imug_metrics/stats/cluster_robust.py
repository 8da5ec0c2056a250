# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums over dialogues from which every estimate and its cluster-robust interval follow.

Each dialogue `d` contributes one vector of sums `v_d [P]` (its summed scores, its number of records, ...). All that is
kept is the number of dialogues, `sum v_d`, `sum v_d v_d'` and, by component, which dialogues are not zero there. These
add over batches and processes, and by the delta method they give the spread of every smooth function `f` of the sums
that does not change when all sums are scaled (means, ratios, slopes): `grad' (sum v_d v_d') grad`. For a ratio `sum a /
sum b` that is `sum (a_d - f b_d)^2 / (sum b_d)^2`, the cluster-robust variance (Liang and Zeger, Biometrika 73, 1986)
but for its factor for small samples; the centring term of the delta method vanishes for scale-free functions. What
follows from a spread is decided in `stats.intervals`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.stats.intervals import Interval, Weights, interval

_ZERO = 1e-12
"""A dialogue's own ratio below this is 0: what is left of a slope of nothing depends on the order of its sums."""
_ROUNDING = 1e-14
"""A spread below this share of the terms that it is the difference of is what rounding leaves of none."""


class Moments(NamedTuple):
    """Sums over dialogues of their vectors of `P` components, of which the first are `C` numerators and denominators.

    Attributes:
        dialogues: `[]`, number of dialogues.
        totals: `[P]`, sum of the vectors.
        present: `[P]`, of components behind the ratios: number of dialogues that are not zero there. Of the ratios'
            numerators and denominators: the sum of the denominators, and of their squares, over dialogues whose
            numerator is not zero.
        products: `[P, P]`, sum of the outer products.
    """

    dialogues: Tensor
    totals: Tensor
    present: Tensor
    products: Tensor


def packed_moments(vectors: Tensor, ratios: int = 0) -> Tensor:
    """Moments of dialogues' vectors as one matrix that adds.

    Args:
        vectors: float64 `[G, P]`, one row a dialogue.
        ratios: C, how many numerators come first, and as many denominators next.

    Returns:
        float64 `[P + 1, P + 1]`: the first row holds the number of dialogues and the totals, the first column below it
        what `Moments.present` says, the rest the products.

    Example:
        >>> packed_moments(torch.tensor([[2.0, 1.0], [0.0, 1.0]], dtype=torch.float64))
        tensor([[2., 2., 2.],
                [1., 4., 2.],
                [2., 2., 2.]], dtype=torch.float64)
    """
    present = (vectors != 0).to(vectors)
    # A dialogue that brought nothing (padding of a batch packed without validation) must not count.
    rows = torch.cat([present.amax(1, keepdim=True), vectors], 1)
    packed = rows.mT @ rows
    below = vectors[:, ratios : 2 * ratios]
    weights = below.masked_fill(vectors[:, :ratios].abs() <= _ZERO * below, 0)
    packed[1:, 0] = torch.cat([weights, weights * weights, present[:, 2 * ratios :]], 1).sum(0)
    return packed


def unpack_moments(packed: Tensor) -> Moments:
    """The parts of a matrix made by `packed_moments`.

    Example:
        >>> unpack_moments(packed_moments(torch.ones(3, 1, dtype=torch.float64))).totals
        tensor([3.], dtype=torch.float64)
    """
    return Moments(packed[..., 0, 0], packed[..., 0, 1:], packed[..., 1:, 0], packed[..., 1:, 1:])


def component_weights(moments: Moments, components: Tensor) -> Weights:
    """Weights of the dialogues behind estimates that rest on single components, int64 `[E]`.

    Example:
        >>> moments = unpack_moments(packed_moments(torch.tensor([[2.0], [4.0]], dtype=torch.float64)))
        >>> component_weights(moments, torch.tensor([0])).effective
        tensor([1.8000], dtype=torch.float64)
    """
    squares = moments.products.diagonal(dim1=-2, dim2=-1)
    return Weights(moments.totals[..., components], squares[..., components])


def varying_weights(moments: Moments, ratios: int) -> Weights:
    """Weights `[ratios]` of the dialogues whose numerator is not zero, of moments packed with so many ratios.

    Example:
        >>> vectors = torch.tensor([[0.5, 2.0], [0.0, 4.0]], dtype=torch.float64)
        >>> varying_weights(unpack_moments(packed_moments(vectors, 1)), 1).effective
        tensor([1.], dtype=torch.float64)
    """
    return Weights(moments.present[..., :ratios], moments.present[..., ratios : 2 * ratios])


def delta_interval(
    estimates: Callable[[Tensor], Tensor], moments: Moments, support: Tensor, level: float = 0.95
) -> Interval:
    """Estimates from totals with intervals that are robust to the dependence within dialogues.

    Args:
        estimates: differentiable scale-free function from totals `[P]` to estimates `[E]`.
        moments: the sums.
        support: int64 `[E]`, the component of each estimate that says how much each dialogue weighs.
        level: probability that the interval covers, see `stats.intervals.interval`.

    Returns:
        The estimates. With fewer than two effective dialogues errors and bounds are NaN.

    Example:
        >>> moments = unpack_moments(packed_moments(torch.tensor([[1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)))
        >>> delta_interval(lambda sums: sums[:1] / sums[1:], moments, torch.tensor([1])).error
        tensor([0.5000], dtype=torch.float64)
    """
    value, spread = delta_spread(estimates, moments)
    return interval(value, spread, component_weights(moments, support), level=level)


def delta_spread(estimates: Callable[[Tensor], Tensor], moments: Moments) -> tuple[Tensor, Tensor]:
    """Estimates `[E]` of totals and `grad' (sum v_d v_d') grad`, see `delta_interval`."""
    with torch.inference_mode(False):  # trainers validate in inference mode, which forbids derivatives
        totals = moments.totals.detach().clone()
        gradient, value = torch.func.jacrev(lambda sums: (estimates(sums),) * 2, has_aux=True)(totals)
    spread = ((gradient @ moments.products) * gradient).sum(1)
    return value, _without_rounding(spread, ((gradient.abs() @ moments.products.abs()) * gradient.abs()).sum(1))


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
    first, second = slice(count), slice(count, 2 * count)
    above, across, below = (
        moments.products[..., rows, columns].diagonal(dim1=-2, dim2=-1)
        for rows, columns in ((first, first), (first, second), (second, second))
    )
    terms = above, -2 * value * across, value * value * below
    spread = _without_rounding(torch.stack(terms).sum(0), torch.stack(terms).abs().sum(0))
    return value, spread / moments.totals[..., second] ** 2


def ratios(totals: Tensor, count: int) -> Tensor:
    """Ratios `[..., count]` of the first `count` of totals `[..., P]` to the next; NaN where they are 0 to 0.

    Example:
        >>> ratios(torch.tensor([1.0, 0.0, 4.0, 0.0]), 2)
        tensor([0.2500,    nan])
    """
    denominator = totals[..., count : 2 * count]
    empty = denominator == 0  # divided by 1, since a NaN there would reach the gradients of what is defined
    return (totals[..., :count] / denominator.masked_fill(empty, 1)).masked_fill(empty, torch.nan)


def _without_rounding(spread: Tensor, size: Tensor) -> Tensor:
    """Spreads of which only rounding is left as 0: what is the same in every dialogue must not pass for precise."""
    return spread.masked_fill(spread <= _ROUNDING * size, 0)
