# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A bounded sample of rows: those with the smallest keys, where a key is a hash of what the row is of.

It is the same whatever the order, the batches and the processes in which rows come, and a row that comes twice is one:
the smallest of a union are the smallest of the smallest of its parts. So it is a state of fixed shape that can be
merged (bottom-k sampling: Cohen and Kaplan, PODC 2007). Every row of what was seen is as likely to be in it.

A sample is float64 `[size, 1 + W]`: each row's key, and W numbers, by rising key. Behind the rows that there are, keys
are `NO_KEY` and numbers 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

NO_KEY = 2.0**53
"""The key of a row that there is not; keys are whole numbers below, which float64 holds."""

LARGEST_KEY = 2**53 - 1
"""All bits that keys and folded ids have."""
_FACTOR = 0x2545F4914F6CDD1D  # odd: that of Xorshift64*
_MIXER = 0xBF58476D1CE4E5B9 - (1 << 64)  # of SplitMix64


def folded(ids: Tensor) -> Tensor:
    """Int64 ids as whole numbers below 2**53, float64: ids from 0 to 2**53 - 1 stay as they are, others almost apart.

    Their upper bits are mixed into the lower ones, for ids may tell shards apart by these alone.

    Example:
        >>> folded(torch.tensor([3, 1 << 56, 2 << 56])).unique().numel()
        3
    """
    return (torch.add(ids, ids >> 53, alpha=_FACTOR) & LARGEST_KEY).double()


def hash_keys(*ids: Tensor) -> Tensor:
    """A key for each row, float64 `[N]`, from the columns of ids, int64 `[N]`, that tell it from others.

    A linear form that no small numbers solve, mixed. Two of a million rows have one key with a probability of about
    6e-5; they are taken for one then.

    Example:
        >>> first, second = hash_keys(torch.tensor([1, 2]), torch.tensor([2, 1])).tolist()
        >>> first != second
        True
    """
    form = ids[0] * _FACTOR
    for power, column in enumerate(ids[1:], 2):
        form = torch.add(form, column, alpha=pow(_FACTOR, power, 2**63))
    mixed = (form ^ (form >> 32)) * _MIXER
    return ((mixed >> 11) & LARGEST_KEY).double()


def empty_sample(size: int, width: int) -> Tensor:
    """A sample of no rows."""
    sample = torch.zeros(size, 1 + width, dtype=torch.float64)
    sample[:, 0] = NO_KEY
    return sample


def add_rows(sample: Tensor, rows: Tensor) -> Tensor:
    """A sample `[size, 1 + W]` of its own rows and of others.

    Args:
        sample: what there is.
        rows: float64 `[N, 1 + W]`, equal where keys are; `NO_KEY` leaves a row out.

    Example:
        >>> sample = add_rows(empty_sample(2, 1), torch.tensor([[5.0, 50.0], [3, 30], [4, 40], [3, 30]]))
        >>> sampled_rows(sample)
        tensor([[30.],
                [40.]], dtype=torch.float64)
    """
    return _smallest(torch.cat([sample, rows.to(sample)]), len(sample))


def merge_samples(samples: Tensor) -> Tensor:
    """One sample `[size, 1 + W]` of several, `[K, size, 1 + W]`: what torchmetrics calls to merge states of this kind.

    Example:
        >>> one = add_rows(empty_sample(2, 1), torch.tensor([[5.0, 50.0], [3, 30]]))
        >>> two = add_rows(empty_sample(2, 1), torch.tensor([[4.0, 40.0], [3, 30]]))
        >>> sampled_rows(merge_samples(torch.stack([one, two])))
        tensor([[30.],
                [40.]], dtype=torch.float64)
    """
    return _smallest(samples.flatten(0, 1), samples.shape[1])


def sampled_rows(sample: Tensor) -> Tensor:
    """The rows `[n, W]` that there are, without their keys."""
    return sample[sample[:, 0] < NO_KEY, 1:]


def check_sample(name: str, sample: Tensor) -> None:
    """Raise ValueError unless keys are whole numbers, each there once and rising, as in every sample.

    Example:
        >>> check_sample("rows", torch.zeros(2, 3, dtype=torch.float64))
        Traceback (most recent call last):
        ValueError: Expected the state rows to hold rows of rising keys.
    """
    keys = sample[:, 0]
    whole = (keys == keys.floor()) & (keys >= 0) & (keys <= NO_KEY)
    rising = (keys[1:] > keys[:-1]) | (keys[1:] == NO_KEY)
    if not bool(whole.all() & rising.all()):
        raise ValueError(f"Expected the state {name} to hold rows of rising keys.")


def _smallest(rows: Tensor, size: int) -> Tensor:
    """The rows of the smallest keys, each once, by rising key."""
    keys, order = rows[:, 0].sort(stable=True)
    # What comes again goes behind all keys, where only what is empty is; taken from there, it is emptied.
    keys[1:].masked_fill_(keys[1:] == keys[:-1], NO_KEY)
    keys, place = keys.sort(stable=True)
    keys = keys[:size, None]
    found = rows[order[place[:size]], 1:].masked_fill(keys == NO_KEY, 0)
    return torch.cat([keys, found], 1)
