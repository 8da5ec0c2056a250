# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How many dialogues came more than once, from sums of fixed size that add over batches and processes.

Every *sighting* of a dialogue (one update that holds it) falls by a hash of its id into one of 4,096 buckets, and adds
`1`, `f` and `f**2` there, `f` being 20 other bits of the hash. Two tests are made of the three sums of a bucket.

- *Equal fingerprints*. Where a bucket has `c >= 2` sightings, `c * sum f**2 = (sum f)**2` holds when all have the same
  `f`, and only then (Cauchy and Schwarz). Of different dialogues they do with a probability of `2**-20` at most, so
  that among `n` different ones `k` such buckets have a probability of at most `mu**k / k!`, `mu = min(n * (n - 1) / 2
  / 2**32, 4096 / 2**20)`. A dialogue that came back is seen where it has its bucket for itself: surely up to hundreds
  of dialogues, hardly beyond 20,000.
- *Pairs*. With functions `1, p(f), q(f)` that are orthonormal over all `f` (Legendre's polynomials), `S`, the sum of `1
  + p p' + q q'` over all pairs of sightings in a bucket, has the mean `n * (n - 1) / 2 / 4096` if all differ, and every
  pair of one dialogue adds 3 on average: three of the tug-of-war sketches of Alon, Matias and Szegedy (Journal of
  Computer and System Sciences 58, 1999) at once. A share `r` that came twice moves it by about `r / (1 + r) * sqrt(6 *
  4096)` standard deviations, whatever `n` is. Its tail is that of a gamma distribution with its first three moments.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imug_metrics._constants import constant, integers

_BUCKET_BITS = 12
BUCKETS = 1 << _BUCKET_BITS
TABLE_SIZE = 3 * BUCKETS
"""Numbers of a table of sightings."""
FALSE_ALARM = 1e-6
"""How often dialogues that all differ are taken for repeated, at most."""

_BITS = 20  # of the fingerprint: its square and the sums of 8,192 squares are exact in float64
_MANY = 4 * BUCKETS  # sightings from which on the sum over pairs has a smooth distribution
_FEW_EMPTY = BUCKETS // 64  # empty buckets below which hardly a dialogue has its bucket for itself
_FOURTH = 15 / 7  # mean of q**4
_CUBES = 1 + 3 + 3 + 12 / 5 + 20 / 49  # mean of (1 + p p' + q q')**3
_Sums = NDArray[np.float64]


class Repeats(NamedTuple):
    """What a table of sightings says.

    Attributes:
        sightings: how often a dialogue was counted as one.
        repeated: about how many of these were of dialogues that had been counted before. Beyond 17,000 dialogues, where
            less than a 64th of the buckets is empty, it is right if none came more than twice or all came equally
            often, and otherwise above the truth.
        chance: an upper bound of the probability to see as much where all dialogues differ.
    """

    sightings: int
    repeated: float
    chance: float

    @property
    def noticed(self) -> bool:
        """Whether chance does not explain it."""
        return self.chance < FALSE_ALARM


def add_sightings(table: Tensor, ids: Tensor, there: Tensor | None = None) -> None:
    """Add one sighting of each dialogue to a table, in place; sums of whole numbers, the same in any order.

    Args:
        table: float64 `[TABLE_SIZE]`, zeros at first.
        ids: int64 `[G]`, one a dialogue.
        there: bool `[G]`, the dialogues that count; None: all.

    Example:
        >>> table = torch.zeros(TABLE_SIZE, dtype=torch.float64)
        >>> add_sightings(table, torch.tensor([7, 8, 9]))
        >>> add_sightings(table, torch.tensor([7, 10]))
        >>> found = count_repeats(table)
        >>> found.sightings, round(found.repeated), found.noticed
        (5, 1, True)
    """
    keys = mixed_ids(ids)
    marks = keys & ((1 << _BITS) - 1)
    rows = marks[:, None] ** constant(integers, (0, 1, 2), like=ids)
    rows = rows.double() if there is None else torch.where(there[:, None], rows, constant(_zero, like=ids))
    # The upper bits with their sign: places below 0 count from the end.
    table.view(BUCKETS, 3).index_put_((keys >> (64 - _BUCKET_BITS),), rows, accumulate=True)


def count_repeats(table: Tensor) -> Repeats:
    """How many sightings of a table were of dialogues that had been seen before.

    Args:
        table: float64 `[TABLE_SIZE]`, made by `add_sightings`, or a sum of such tables.

    Returns:
        What was found; without a sighting `Repeats(0, 0.0, 1.0)`.
    """
    count, marks, squares = table.view(BUCKETS, 3).numpy(force=True).T
    sightings = float(count.sum())
    if sightings < 2:
        return Repeats(int(sightings), 0.0, 1.0)
    equal = _equal_fingerprints(count, marks, squares)
    chance = _chance_of_equal(sightings, int(equal.sum()))
    empty = int((count == 0).sum())
    pairs = 0.0
    if sightings >= _MANY:
        excess, tail = _pairs(count, marks, squares)
        pairs, chance = max(excess / 3, 0.0), 2 * min(chance, tail)
    if empty >= _FEW_EMPTY:
        repeated = _alone(sightings, float((count[equal] - 1).sum()), empty / BUCKETS)
    else:  # of `k` sightings of one dialogue `k - 1` are repeated, and the sum of `k**2` bounds their number
        repeated = min(pairs, sightings - sightings**2 / (sightings + 2 * pairs))
    return Repeats(int(sightings), min(max(repeated, 0.0), sightings - 1), min(chance, 1.0))


def _alone(sightings: float, found: float, empty: float) -> float:
    """Repeated sightings from those found in buckets of one dialogue, or from the share of empty buckets.

    The first has the smaller error while few are repeated, the second (linear counting; Whang, Vander-Zanden and
    Taylor, ACM Transactions on Database Systems 15, 1990) where many are.
    """
    repeated = found / empty
    return repeated if repeated < sightings / 6 else sightings + BUCKETS * math.log(empty)


def _equal_fingerprints(count: _Sums, marks: _Sums, squares: _Sums) -> NDArray[np.bool_]:
    """The buckets of several sightings that all have one fingerprint."""
    mark = marks // np.maximum(count, 1)
    same: NDArray[np.bool_] = (count >= 2) & (mark * count == marks) & (mark * mark * count == squares)
    return same


def _chance_of_equal(sightings: float, found: int) -> float:
    expected = min(sightings * (sightings - 1) / 2 / (BUCKETS << _BITS), BUCKETS / (1 << _BITS))
    return min(math.exp(found * math.log(expected) - math.lgamma(found + 1)), 1.0)


def _pairs(count: _Sums, marks: _Sums, squares: _Sums) -> tuple[float, float]:
    """How far the sum over pairs is above its mean if all sightings differ, and the probability of as much."""
    steps, centre = 1 << _BITS, (1 << _BITS) / 2 - 0.5
    first = (marks - centre * count) / steps
    second = (squares - 2 * centre * marks + centre**2 * count) / steps**2
    n = float(count.sum())
    p, q = math.sqrt(12) * first, math.sqrt(5) * (6 * second - count / 2)
    every = (count**2 + p**2 + q**2).sum() - n - 12 * second.sum() - n
    pairs = n * (n - 1) / 2 / BUCKETS
    excess = float(every) / 2 - pairs
    variance = pairs * (3 - 1 / BUCKETS) + n * (_FOURTH - 1) / 4
    third = pairs * (_CUBES + 6 * (n - 2) / BUCKETS)
    return excess, _gamma_tail(excess / math.sqrt(variance), third / variance**1.5)


def _gamma_tail(z: float, skew: float) -> float:
    """Probability that a shifted gamma variable of mean 0, variance 1 and this skewness is above z.

    By the cube root of Wilson and Hilferty (PNAS 17, 1931).
    """
    shape = 4 / skew**2
    root = max(1 + z / math.sqrt(shape), 0.0) ** (1 / 3)
    return math.erfc((root - 1 + 1 / (9 * shape)) * 3 * math.sqrt(shape / 2)) / 2


def mixed_ids(ids: Tensor) -> Tensor:
    """Ids whose bits are mixed: numbers in any regular order fall like random ones.

    The shifts copy the sign, so that `x` and `~x` would fall alike were they not multiplied before.
    """
    keys = ids * (0x9E3779B97F4A7C15 - (1 << 64))
    keys = (keys ^ (keys >> 32)) * (0xBF58476D1CE4E5B9 - (1 << 64))
    return (keys ^ (keys >> 29)) * (0x94D049BB133111EB - (1 << 64))


def _zero(device: torch.device) -> Tensor:
    return torch.zeros((), dtype=torch.float64, device=device)
