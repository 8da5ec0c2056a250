# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A bounded sample is that of the union, however the rows are split, ordered and repeated."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics.stats.bounded_sample import (
    NO_KEY,
    add_rows,
    check_sample,
    empty_sample,
    folded,
    hash_keys,
    merge_samples,
    sampled_rows,
)


def rows_of(count: int = 300) -> Tensor:
    ids = torch.stack([torch.arange(count) // 5, torch.arange(count) % 5], 1)
    return torch.cat([hash_keys(*ids.unbind(1))[:, None], torch.arange(2.0 * count).view(count, 2)], 1)


@pytest.mark.parametrize("size", [2, 20, 300, 400])
@pytest.mark.parametrize("parts", [1, 3, 8])
def test_it_is_that_of_the_union_whatever_the_parts_hold_in_common(size: int, parts: int) -> None:
    rows, generator = rows_of(), torch.Generator().manual_seed(parts)
    samples = []
    for _ in range(parts):
        chosen = torch.randperm(len(rows), generator=generator)[: 200 if parts > 1 else 300]
        sample = empty_sample(size, 2)
        for batch in chosen.split(64):
            sample = add_rows(sample, rows[batch])
        samples.append((sample, chosen))
    seen = torch.cat([chosen for _, chosen in samples]).unique()
    expected = rows[seen][rows[seen, 0].argsort()][:size]
    found = merge_samples(torch.stack([sample for sample, _ in samples]))
    assert torch.equal(found[: len(expected)], expected.double())
    assert (found[len(expected) :, 0] == NO_KEY).all()
    assert not found[len(expected) :, 1:].any()
    assert torch.equal(sampled_rows(found), expected[:, 1:].double())
    one_by_one = samples[0][0]
    for sample, _ in samples[:0:-1]:
        one_by_one = merge_samples(torch.stack([sample, one_by_one]))
    assert torch.equal(one_by_one, found)
    check_sample("rows", found)


def test_rows_without_a_key_are_left_out() -> None:
    rows = rows_of(6).double()
    rows[::2, 0] = NO_KEY
    assert len(sampled_rows(add_rows(empty_sample(10, 2), rows))) == 3


def test_keys_fall_evenly_and_apart() -> None:
    ids = torch.cartesian_prod(torch.arange(-50, 50), torch.arange(10), torch.arange(1, 21))
    keys = hash_keys(*ids.unbind(1))
    assert len(keys.unique()) == len(ids)
    assert keys.min() >= 0
    assert keys.max() < NO_KEY
    lowest = keys.argsort()[: len(keys) // 10]
    for column in range(3):
        share = torch.bincount(ids[lowest, column] - ids[:, column].min()).double()
        expected = torch.bincount(ids[:, column] - ids[:, column].min()).double() / 10
        assert ((share - expected).square() / expected).sum() < 2 * len(share), "chi squared"


def test_small_ids_stay_as_they_are() -> None:
    ids = torch.tensor([0, 7, 2**53 - 1])
    assert torch.equal(folded(ids).long(), ids)
    assert len(folded(torch.arange(-1000, 1000)).unique()) == 2000


@pytest.mark.parametrize("bit", [20, 40, 52, 53, 56, 60])
def test_ids_that_differ_in_some_bits_alone_stay_apart(bit: int) -> None:
    shards = torch.arange(-(1 << 62 - bit) if bit > 53 else -200, (1 << 62 - bit) if bit > 53 else 200)[:400] << bit
    ids = (shards[:, None] + torch.arange(50)).flatten()
    assert len(folded(ids).unique()) == len(ids.unique())


@pytest.mark.parametrize("key", [-1.0, 0.5, 2.0**54])
def test_what_is_no_sample_is_refused(key: float) -> None:
    sample = add_rows(empty_sample(8, 2), rows_of(4))
    sample[1, 0] = key
    with pytest.raises(ValueError, match="rows of rising keys"):
        check_sample("rows", sample)
