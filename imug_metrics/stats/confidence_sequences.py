# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals of a mean that hold at every time at once, and a bound that holds at one time chosen beforehand.

Both rest on one inequality. For `x` in [0, 1] with mean `m`, given all that came before, and any `t` in [0, 1], the
function `(t/m)^x ((1-t)/(1-m))^(1-x)` is convex in `x`, so that it is at most the straight line between its ends,
`x t/m + (1-x) (1-t)/(1-m)`, whose mean is 1. Products of it over units are non-negative supermartingales that begin at
1, and so are their mixtures over `t`: such a one ever reaches `1/alpha` with a probability of at most `alpha` (Ville,
Etude critique de la notion de collectif, 1939). So means of dialogues, whatever they are made of, do as well as single
verdicts that are 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from imug_metrics.errors import ArgumentError

Values: TypeAlias = NDArray[np.float64]

_PRIOR = 0.5  # of both sides, Jeffreys' and that of Krichevsky and Trofimov: no rate is far from it
_HALVINGS = 100


def log_evidence_against(mean: ArrayLike, count: ArrayLike, total: ArrayLike) -> Values:
    """Logarithm of the evidence against a mean, from number and sum alone.

        log( B(1/2 + S, 1/2 + n - S) / B(1/2, 1/2) / (m^S (1 - m)^(n - S)) )

    for `n` units of sum `S`: the mixture over `t` of the products above, with weights of a Beta(1/2, 1/2) distribution
    (Robbins, Annals of Mathematical Statistics 41, 1970). Of the true mean it ever reaches `log(1/alpha)` with a
    probability of at most `alpha`.

    Args:
        mean: from 0 to 1, any shape.
        count: number of units so far, 0 or more, of a shape that goes with it.
        total: their sum, likewise.

    Returns:
        float64; 0 where there is no unit, infinite where the mean is 0 or 1 and a unit says otherwise.

    Example:
        >>> log_evidence_against(0.5, count=[0, 20], total=[0, 18]).round(2).tolist()
        [0.0, 5.61]
    """
    m, n, s = (np.asarray(values, np.float64) for values in (mean, count, total))
    mixed = special.betaln(_PRIOR + s, _PRIOR + n - s) - special.betaln(_PRIOR, _PRIOR)
    found: Values = mixed - special.xlogy(s, m) - special.xlog1py(n - s, -m)
    return found


def confidence_sequence(count: ArrayLike, total: ArrayLike, level: float = 0.95) -> tuple[Values, Values]:
    """Bounds of a mean from number and sum alone, for looking after every unit: a confidence sequence.

    With the probability `level` the mean lies within the bounds after the first, the second, ... unit, all of them at
    once: they hold the means whose `log_evidence_against` is below `log(1 / (1 - level))` (Howard et al.,
    arXiv:1810.08240; Waudby-Smith and Ramdas, arXiv:2010.09686). Sums of parts add up to the sums of the whole, in any
    order.

    Args:
        count: number of units so far, 0 or more, any shape.
        total: their sum, from 0 to `count`, of a shape that goes with it. Units are in [0, 1] and have the same mean,
            given the ones before.
        level: probability with which all bounds hold together.

    Returns:
        Lower and upper bounds, float64, in [0, 1]; 0 and 1 where there is no unit.

    Raises:
        ArgumentError: if a sum is not between 0 and its count, or the level not between 0 and 1.

    Example:
        >>> lower, upper = confidence_sequence([10, 100, 1000], [3, 30, 300])
        >>> lower.round(3).tolist(), upper.round(3).tolist()
        ([0.033, 0.166, 0.249], [0.748, 0.463, 0.355])
    """
    n, s = _sums(count, total)
    _check_level(level)

    def evidence(m: Values) -> Values:
        found: Values = log_evidence_against(m, n, s) + np.log1p(-level)
        return found

    middle = np.divide(s, n, out=np.full_like(n, 0.5), where=n > 0)
    return _farthest(evidence, middle, 0.0), _farthest(evidence, middle, 1.0)


def chernoff_upper_bound(count: ArrayLike, total: ArrayLike, level: float = 0.95) -> Values:
    """An upper bound of a mean at one time that was chosen beforehand, from number and sum alone.

    It is the largest `m` with `n KL(S/n, m) <= log(1 / (1 - level))`, where `KL(p, m) = p log(p/m) + (1-p) log((1-p) /
    (1-m))` (Chernoff 1952; Hoeffding 1963, theorem 1). At its one time it is tighter than `confidence_sequence`.

    Args:
        count: number of units, 1 or more, any shape.
        total: their sum, from 0 to `count`, of a shape that goes with it.
        level: probability with which the bound holds.

    Returns:
        float64, in (0, 1].

    Raises:
        ArgumentError: if there is no unit, the sum is not between 0 and the count, or the level not between 0 and 1.

    Example:
        >>> round(float(chernoff_upper_bound(200, 40, level=0.975)), 3)
        0.284
    """
    n, s = _sums(count, total)
    _check_level(level)
    if (n <= 0).any():
        raise ArgumentError("count", f"expected numbers of units above 0, got {n[n <= 0].ravel()[:3]}")
    start = special.xlogy(s, s / n) + special.xlogy(n - s, 1 - s / n) + np.log1p(-level)

    def evidence(m: Values) -> Values:
        found: Values = start - special.xlogy(s, m) - special.xlog1py(n - s, -m)
        return found

    return _farthest(evidence, s / n, 1.0)


def _farthest(evidence: Callable[[Values], Values], middle: Values, end: float) -> Values:
    """The value between `middle`, where the evidence is below 0, and `end` that is the last one below 0."""
    inside, outside = middle.copy(), np.full_like(middle, end)
    with np.errstate(divide="ignore"):
        reached = evidence(outside) < 0
        for _ in range(_HALVINGS):
            between = (inside + outside) / 2
            within = evidence(between) < 0
            inside, outside = np.where(within, between, inside), np.where(within, outside, between)
    return np.where(reached, end, inside)


def _sums(count: ArrayLike, total: ArrayLike) -> tuple[Values, Values]:
    given: list[Any] = [np.asarray(count, np.float64), np.asarray(total, np.float64)]
    n, s = np.broadcast_arrays(*given)
    if not (np.isfinite(n).all() and (n >= 0).all()):
        raise ArgumentError("count", f"expected finite numbers from 0, got {n[~(n >= 0)].ravel()[:3]}")
    wrong = ~((s >= 0) & (s <= n))
    if wrong.any():
        raise ArgumentError("total", f"expected sums from 0 to their count, got {s[wrong][:3]} of {n[wrong][:3]}")
    return np.array(n), np.array(s)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ArgumentError("level", f"expected a number between 0 and 1, got {level}")
