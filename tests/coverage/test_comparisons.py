# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Equal models are rarely told apart; unequal ones far more often by their differences than by two intervals."""

from __future__ import annotations

from scipy import stats

from tests.coverage.comparisons import AHEAD, tell_apart


def test_three_equal_models_are_told_apart_in_5_of_100() -> None:
    # From 2 to 21 of 200 pass: where they are told apart in 15 of 100 it is seen 19 times of 20.
    found = tell_apart("graded", 3, 30, 200)
    print(f"size {found.share:.1%}, {found.certain}")
    assert stats.binomtest(found.paired, found.runs, 0.05).pvalue > 0.001


def test_differences_see_what_two_intervals_do_not() -> None:
    found = tell_apart("right or wrong", 2, 60, 100, AHEAD)
    print(f"paired {found.paired}, by overlap {found.apart} of {found.runs}")
    assert found.paired > 2 * found.apart
    assert found.share > 0.4
