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


def percentile_interval(replicates: Tensor, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """Percentile bounds over replicates, leaving out those in which an estimate is undefined.

    Args:
        replicates: float64 `[R, E]`.
        level: covered probability.

    Returns:
        Lower and upper bounds, each `[E]`.

    Example:
        >>> percentile_interval(torch.arange(5.0).double()[:, None], 0.5)
        (tensor([1.], dtype=torch.float64), tensor([3.], dtype=torch.float64))
    """
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=replicates.dtype, device=replicates.device)
    lower, upper = torch.nanquantile(replicates, tails, dim=0)
    return lower, upper


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
