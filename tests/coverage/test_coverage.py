# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A part of the grid of `make coverage`: intervals hold the truth wherever they are given, and keep to their range."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.stats.intervals import REASONS, UNDEFINED
from tests.coverage.data import EVEN, RIGHT, SKEWED, records, uniform
from tests.coverage.grid import ESTIMATORS, WANTED, Row, cells, simulate, simulate_groups

# Five times as many where there is doubt: what covers 88 of 100 is seen 9 times of 10. A quarter as many of estimates
# that are made one by one: there it is what covers 84.
RUNS = 150
SHARES = ("mean", "mean of dialogues", "curve, turn 1")


def judged(rows: list[Row]) -> None:
    """Where bounds are usual they cover; they are there or say why; none leaves its range."""
    for row in rows:
        low, high = row.certain
        where = f"{row.estimate}: {row.dialogues} dialogues, {row.lengths}, {row.scores}, {row.correlation}"
        print(f"{where}: {row.covered:.1%} of {row.given} ({low:.1%} to {high:.1%}), none in {dict(row.reasons)}")
        assert row.beyond == 0, where
        assert row.given + row.reasons.total() == row.runs
        assert set(row.reasons) <= set(REASONS) - {""}
        if row.is_judged:
            assert high >= WANTED, where
        if row.estimate in SHARES:
            assert (row.given, row.flat) == (row.runs, 0), where
    assert any(row.is_judged for row in rows)


@pytest.mark.parametrize("name", [name for name, (_, _, fewer) in ESTIMATORS.items() if fewer == 1])
def test_intervals_from_sums_cover(name: str) -> None:
    few = {"survival": (RIGHT[1], RIGHT[3]), "correlations": ESTIMATORS[name][1]}
    scores = few.get(name, (RIGHT[0], RIGHT[3], EVEN))
    rows = [row for cell in cells(scores, (10, 40), correlations=(0.3,)) for row in simulate(name, cell, RUNS, 0)]
    judged(rows)


@pytest.mark.parametrize("name", ["median_slopes", "powered_means"])
def test_intervals_of_single_runs_cover(name: str) -> None:
    scores = (EVEN, SKEWED) if name == "median_slopes" else (RIGHT[2], EVEN)
    rows = [row for cell in cells(scores, (20,), correlations=(0.3,)) for row in simulate(name, cell, RUNS, 0)]
    judged(rows)


def test_intervals_of_correlations_between_groups_cover() -> None:
    judged([row for groups in (5, 20) for row in simulate_groups(groups, 1000, 0)])


def test_a_tight_interval_would_be_seen() -> None:
    row = Row("mean", "all of 4 turns", 10, "graded", 0.0, runs=RUNS, given=RUNS, held=127)
    with pytest.raises(AssertionError):
        judged([row])


def test_data_have_the_mean_and_the_correlation_they_say() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = records("all of 4 turns", 50, 800, generator)
    for kind in (*RIGHT, EVEN, SKEWED):
        mean = torch.full_like(rows.turn, kind.mean, dtype=torch.float64)
        numbers = uniform(rows, 0.3, generator)
        scores = kind.draw(numbers, mean).view(-1, 4)
        assert abs(float(scores.mean()) - kind.mean) < 5 * float(scores.mean(1).std()) / len(scores) ** 0.5
        shared = torch.corrcoef(numbers.view(-1, 4).mT)
        assert abs(float(shared[0, 1]) - 0.3) < 0.03
    assert UNDEFINED in REASONS
