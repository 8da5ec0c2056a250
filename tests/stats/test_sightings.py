# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of sightings: exact sums, probabilities held against exact ones and simulation, estimates near the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.stats import add_sightings, count_repeats
from imug_metrics.stats import sightings as table_of_sightings
from imug_metrics.stats.sightings import BUCKETS, FALSE_ALARM, TABLE_SIZE
from tests.pieces.simulation import drawn, table

GENERATOR = torch.Generator().manual_seed(0)


def test_sums_are_whole_and_do_not_depend_on_order_or_division() -> None:
    ids = drawn(50_000, GENERATOR)
    whole, parts = table(ids), table(*ids.flip(0).split(777))
    assert torch.equal(whole, parts)
    assert torch.equal(whole, whole.round())
    assert torch.equal(table(ids[:20_000]) + table(ids[20_000:]), whole)


def test_the_place_and_the_mark_follow_from_the_id_alone_for_ever() -> None:
    """A checkpoint of an earlier version has to add up with what is seen later; worked out in integers of Python."""
    found = table(torch.tensor([0, 1, -1, 2**62])).view(BUCKETS, 3)
    rows = found[:, 0].nonzero().flatten().tolist()
    assert [(row, int(found[row, 1])) for row in rows] == [(0, 0), (2471, 913809), (2700, 152486), (2730, 200875)]
    assert torch.equal(found[rows, 2], found[rows, 1] ** 2)


def test_dialogues_that_are_not_there_are_not_counted() -> None:
    ids, there = torch.arange(10), torch.arange(10) % 3 == 0
    found = torch.zeros(TABLE_SIZE, dtype=torch.float64)
    add_sightings(found, ids, there)
    assert torch.equal(found, table(ids[there]))


@pytest.mark.parametrize(("dialogues", "pieces"), [(0, 0), (1, 1)])
def test_less_than_two_sightings_tell_nothing(dialogues: int, pieces: int) -> None:
    assert count_repeats(table(torch.arange(dialogues))) == (pieces, 0.0, 1.0)


REGULAR: dict[str, Callable[[int], Tensor]] = {
    "in order": lambda n: torch.arange(n),
    "downwards": lambda n: -torch.arange(n),
    "from far": lambda n: 10**9 + torch.arange(n),
    "by 1000": lambda n: 1000 * torch.arange(n),
    "by 4096": lambda n: 4096 * torch.arange(n),
    "by 2**20": lambda n: torch.arange(n) << 20,
    "by 2**32": lambda n: torch.arange(n) << 32,
    "by 2**40": lambda n: torch.arange(n) << 40,
    "in a grid": lambda n: torch.arange(n) // 100 * 100_000 + torch.arange(n) % 100,
    "two halves": lambda n: ((torch.arange(n) // 64) << 32) + torch.arange(n) % 64,
    "time stamps": lambda n: 1_700_000_000_000_000_000 + 10**9 * torch.arange(n),
    "squares": lambda n: torch.arange(n) ** 2,
    "bits of floats": lambda n: torch.arange(n).double().view(torch.int64),
    "names": lambda n: hash_ids([f"cooking/{k}" for k in range(n)]),
}


@pytest.mark.parametrize("kind", REGULAR)
@pytest.mark.parametrize("dialogues", [2, 10, 92, 93, 400, 3113, 12_034, 20_000, 100_000])
def test_ids_in_any_regular_order_that_all_differ_are_not_taken_for_repeated(kind: str, dialogues: int) -> None:
    found = count_repeats(table(REGULAR[kind](dialogues)))
    assert found.sightings == dialogues
    assert found.chance > 1e-4  # of 126 tables; an alarm is at 1e-6


@pytest.mark.parametrize("kind", REGULAR)
@pytest.mark.parametrize("dialogues", [1, 2, 10, 60, 400, 3113, 12_034, 20_000, 100_000])
def test_a_twentieth_of_them_that_comes_back_is_noticed(kind: str, dialogues: int) -> None:
    ids = REGULAR[kind](dialogues)
    found = count_repeats(table(ids, ids[: max(dialogues // 20, 1)]))
    assert found.noticed
    assert found.repeated == pytest.approx(max(dialogues // 20, 1), rel=0.5)


@pytest.mark.parametrize("dialogues", range(2, 91))
def test_one_that_comes_back_among_less_than_91_is_noticed_where_it_has_a_bucket(dialogues: int) -> None:
    """Markov's bound: among n that differ, the expected number of equal pairs is below a millionth."""
    ids = drawn(dialogues, GENERATOR)
    found = count_repeats(table(ids, ids[:1]))
    alone = table(ids).view(BUCKETS, 3)[:, 0] == 1
    its_own = alone[table(ids[:1]).view(BUCKETS, 3)[:, 0] == 1].item()
    assert found.noticed == its_own


@pytest.mark.parametrize(
    ("sightings", "found"), [(2, 1), (92, 1), (93, 1), (400, 1), (400, 2), (3113, 2), (12_034, 3), (10**6, 4)]
)
def test_the_chance_of_equal_fingerprints_is_at_least_the_exact_one(sightings: int, found: int) -> None:
    """Of buckets with two sightings that are alike; their number has the mean of all pairs in the buckets at most."""
    two = stats.binom.pmf(2, sightings, 1 / BUCKETS)
    assert stats.binom.sf(found - 1, BUCKETS, two / 2**20) <= table_of_sightings._chance_of_equal(sightings, found)


def _chances(sightings: int, buckets: int, marks: int) -> list[Fraction]:
    """Probability of at least 0, 1, ... buckets whose sightings, several, have one mark; by listing all cases."""
    counts = [0] * (buckets + 1)
    places = [*product(range(buckets), range(marks))]
    for case in product(places, repeat=sightings):
        held = [[mark for bucket, mark in case if bucket == one] for one in range(buckets)]
        counts[sum(len(found) >= 2 and len({*found}) == 1 for found in held)] += 1
    return [Fraction(sum(counts[least:]), len(places) ** sightings) for least in range(buckets + 1)]


@pytest.mark.parametrize(
    ("sightings", "buckets", "bits"), [(2, 2, 1), (3, 2, 1), (4, 2, 1), (5, 2, 1), (4, 3, 1), (4, 2, 2)]
)
def test_the_bound_holds_in_tables_so_small_that_all_can_be_listed(
    sightings: int, buckets: int, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_of_sightings, "BUCKETS", buckets)
    monkeypatch.setattr(table_of_sightings, "_BITS", bits)
    for found, exact in enumerate(_chances(sightings, buckets, 1 << bits)[1:], 1):
        assert exact <= table_of_sightings._chance_of_equal(sightings, found) + 1e-12


@pytest.mark.parametrize("dialogues", [16_384, 40_000, 400_000])
def test_the_sum_over_pairs_has_the_moments_that_are_said(dialogues: int) -> None:
    runs = 300 if dialogues < 100_000 else 60
    found = [
        table_of_sightings._pairs(*table(drawn(dialogues, GENERATOR)).view(BUCKETS, 3).numpy().T) for _ in range(runs)
    ]
    excess, chances = np.array(found).T
    pairs = dialogues * (dialogues - 1) / 2 / BUCKETS
    deviation = math.sqrt(pairs * (3 - 1 / BUCKETS) + dialogues * 2 / 7)
    assert abs(excess.mean()) < 4 * deviation / math.sqrt(runs)
    assert excess.std() == pytest.approx(deviation, rel=4 / math.sqrt(2 * runs))
    assert stats.kstest(chances, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("skew", [0.02, 0.036, 0.05])
@pytest.mark.parametrize("z", [-2.0, 0.0, 2.0, 4.0, 4.9, 6.0])
def test_the_tail_is_that_of_the_gamma_distribution(z: float, skew: float) -> None:
    assert table_of_sightings._gamma_tail(z, skew) == pytest.approx(stats.pearson3.sf(z, skew), rel=0.01)


@pytest.mark.parametrize(
    ("dialogues", "copies"), [(400, 3), (400, 100), (3113, 2), (3113, 4), (12_034, 2), (20_000, 3), (50_000, 2)]
)
def test_dialogues_that_all_come_equally_often_are_counted(dialogues: int, copies: int) -> None:
    found = count_repeats(table(*[drawn(dialogues, GENERATOR)] * copies))
    assert found.repeated == pytest.approx(dialogues * (copies - 1), rel=0.1)
    assert found.noticed


def test_where_no_bucket_is_empty_the_estimate_is_never_far_below_the_truth() -> None:
    ids = drawn(30_000, GENERATOR)
    found = count_repeats(table(ids, *[ids[:1000]] * 4))
    assert found.repeated > 4000
    assert found.repeated == pytest.approx(1000 * 5 * 4 / 2, rel=0.15)  # pairs of sightings of one dialogue


def test_what_is_noticed_is_what_chance_does_not_explain() -> None:
    assert table_of_sightings.Repeats(10, 1.0, FALSE_ALARM / 2).noticed
    assert not table_of_sightings.Repeats(10, 1.0, FALSE_ALARM).noticed
