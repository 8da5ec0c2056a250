# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Poisson bootstrap over dialogues whose weights depend on the dialogue's id alone.

Each replicate draws every dialogue Poisson(1) times. The draw is a hash of (dialogue id, replicate, seed), so the
result is the same for any order of batches, any sharding and any number of processes, and nothing is stored but sums.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.stats.intervals import student_quantile

# Poisson(1) never reaches 20 in 2**53 equally likely steps of a uniform number.
_STEPS = [math.ceil(2**53 * math.exp(-1) * sum(1 / math.factorial(i) for i in range(k + 1))) for k in range(20)]


def poisson_weights(ids: Tensor, replicates: int, seed: int = 0) -> Tensor:
    """How often each bootstrap replicate draws each dialogue.

    Args:
        ids: int64 `[G]`, dialogue ids.
        replicates: number R of replicates.
        seed: any integer; another seed gives independent draws.

    Returns:
        float64 `[G, R]` of whole numbers with mean 1 and variance 1.

    Example:
        >>> poisson_weights(torch.tensor([7, 8]), 6)
        tensor([[1., 0., 0., 1., 1., 1.],
                [0., 0., 0., 2., 1., 1.]], dtype=torch.float64)
    """
    keys = mix_bits(ids + constant(_mixed_seed, seed, like=ids))[:, None] + constant(
        _mixed_columns, replicates, like=ids
    )
    uniform = (mix_bits(keys) >> 11) & (2**53 - 1)
    return torch.searchsorted(constant(_steps, like=ids), uniform, right=True).double()


def _mixed_columns(replicates: int, device: torch.device) -> Tensor:
    return mix_bits(torch.arange(1, replicates + 1, device=device))


def _mixed_seed(seed: int, device: torch.device) -> Tensor:
    return mix_bits(torch.tensor(seed, device=device))


def _steps(device: torch.device) -> Tensor:
    return torch.tensor(_STEPS, device=device)


def id_fingerprint(ids: Tensor, there: Tensor) -> Tensor:
    """What tells sets of dialogues apart and adds over batches and processes: whoever saw the same has the same sums.

    Args:
        ids: int64 `[G]`, dialogue ids.
        there: bool `[G]`, those that count.

    Returns:
        float64 `[4]`: their number, and the sum of each third of 64 hashed bits, which at most 2**29 dialogues keep
        exact.

    Example:
        >>> every = torch.tensor([True, True])
        >>> id_fingerprint(torch.tensor([7, 8]), every).equal(id_fingerprint(torch.tensor([8, 7]), every))
        True
    """
    bits = mix_bits(ids)
    parts = [torch.ones_like(bits), _shift(bits, 40), (bits >> 16) & (2**24 - 1), bits & (2**16 - 1)]
    return (torch.stack(parts).double() * there).sum(1)


def percentile_interval(
    replicates: Tensor, level: float = 0.95, clusters: Tensor | None = None, value: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Percentile bounds over replicates, leaving out those in which an estimate is undefined.

    Of few dialogues plain percentiles are too narrow: they are those of a normal distribution whose spread lacks the
    factor for small samples. With the number of clusters n the percentiles are moved outwards to where Student's bounds
    would be, `Phi(-t sqrt(n / (n - 1)))` (the expanded percentile interval; Hesterberg, The American Statistician 69,
    2015, section 3.2).

    Args:
        replicates: float64 `[R, E]`.
        level: covered probability.
        clusters: `[E]`, effective dialogues behind each estimate; None: very many.
        value: `[E]`, the estimates, which replicates of a biased one may all lie beside: the bounds hold them.

    Returns:
        Lower and upper bounds, each `[E]`; NaN below two clusters, and where all replicates are equal.

    Example:
        >>> percentile_interval(torch.arange(5.0).double()[:, None], 0.5)
        (tensor([1.], dtype=torch.float64), tensor([3.], dtype=torch.float64))
    """
    tail = replicates.new_full(replicates.shape[1:], (1 - level) / 2)
    if clusters is not None:
        away = student_quantile(clusters, level) * (clusters / (clusters - 1).clamp_min(1)).sqrt()
        tail = torch.special.ndtr(-away).to(tail)
    bounds = [
        torch.nanquantile(column, torch.stack([end, 1 - end])) if end == end else column.new_full((2,), torch.nan)
        for column, end in zip(replicates.unbind(1), tail.unbind())
    ]
    lower, upper = torch.stack(bounds, 1) if bounds else replicates.new_zeros(2, 0)
    equal = lower == upper  # nothing varied: that is not to know all
    if value is not None:
        lower, upper = torch.minimum(lower, value), torch.maximum(upper, value)
    return lower.masked_fill(equal, torch.nan), upper.masked_fill(equal, torch.nan)


def mix_bits(keys: Tensor) -> Tensor:
    """SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014) on int64 with wrap-around."""
    keys = keys + _signed(0x9E3779B97F4A7C15)
    keys = (keys ^ _shift(keys, 30)) * _signed(0xBF58476D1CE4E5B9)
    keys = (keys ^ _shift(keys, 27)) * _signed(0x94D049BB133111EB)
    return keys ^ _shift(keys, 31)


def _shift(keys: Tensor, bits: int) -> Tensor:
    """Logical shift to the right; int64's own shift copies the sign."""
    return (keys >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    return word - (1 << 64)
