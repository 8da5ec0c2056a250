# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What may be spent, and what stops a run."""

from __future__ import annotations

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.limits import GIVE_UP_AFTER, Spending, SpendLimits, StoppedError


@pytest.mark.parametrize("limit", ["requests", "tokens", "seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_are_numbers_above_0(limit, value):
    with pytest.raises(ArgumentError, match=f"`{limit}`: expected a number above 0"):
        SpendLimits(**{limit: value})


def test_requests_end_at_their_limit():
    spending = Spending(SpendLimits(requests=2))
    for _ in range(2):
        spending.begin()
    with pytest.raises(StoppedError, match="the limit of 2 requests is reached"):
        spending.begin()
    assert spending.spent["requests"] == 2


def test_tokens_end_at_their_limit():
    spending = Spending(SpendLimits(tokens=100))
    spending.begin()
    spending.end({"tokens": 99.0})
    spending.begin()
    spending.end({"tokens": 2.0})
    with pytest.raises(StoppedError, match="the limit of 100 tokens"):
        spending.begin()


def test_tokens_of_replies_that_cannot_be_used_count():
    spending = Spending(SpendLimits(tokens=100))
    spending.begin()
    spending.fail("it holds no image", {"tokens": 100.0}, is_final=True)
    with pytest.raises(StoppedError, match="the limit of 100 tokens"):
        spending.begin()


def test_a_limit_of_tokens_needs_a_model_that_tells_them():
    spending = Spending(SpendLimits(tokens=100))
    spending.begin()
    spending.end({"seconds": 1.0})
    with pytest.raises(StoppedError, match="does not tell"):
        spending.begin()


def test_time_runs_from_the_first_request(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    spending = Spending(SpendLimits(seconds=10))
    spending.begin()
    now[0] = 109.0
    spending.begin()
    now[0] = 110.0
    with pytest.raises(StoppedError, match="10 seconds"):
        spending.begin()


def test_many_failures_in_a_row_stop_it():
    spending = Spending(SpendLimits())
    for _ in range(GIVE_UP_AFTER - 1):
        spending.fail("no connection", {}, is_final=False)
    spending.begin()
    spending.fail("no connection", {}, is_final=False)
    with pytest.raises(StoppedError, match="no connection"):
        spending.begin()


def test_replies_and_refusals_show_that_the_model_is_there():
    spending = Spending(SpendLimits())
    for i in range(4 * GIVE_UP_AFTER):
        if i % 15 == 0:
            spending.end({})
        elif i % 15 == 7:
            spending.fail("it will not draw that", {}, is_final=True)
        else:
            spending.fail("busy", {}, is_final=False)
    spending.begin()
