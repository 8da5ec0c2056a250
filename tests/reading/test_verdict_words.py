# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts as logs write them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.reading.verdict_words import ACCEPTS, REJECTS, logged_verdict


@pytest.mark.parametrize("value", ["accept", "PASS", " True ", True, 1, 1.0, "1", "1.0", "yes"])
def test_what_accepts(value: Any) -> None:
    assert logged_verdict(value) == 1.0


@pytest.mark.parametrize("value", ["reject", "FALSE", "fail", False, 0, 0.0, "0", "0.0", "No"])
def test_what_rejects(value: Any) -> None:
    assert logged_verdict(value) == 0.0


@pytest.mark.parametrize("value", [None, "", " ", "nan", math.nan, "null", "N/A"])
def test_what_is_absent(value: Any) -> None:
    assert logged_verdict(value) is None


@pytest.mark.parametrize("value", ["maybe", 2, 0.5, "0.5", -1, [1], {"verdict": 1}, math.inf, 10**400, "9" * 10_000])
def test_what_is_neither_is_never_taken_for_either(value: Any) -> None:
    with pytest.raises(ValueError, match="expected accept or reject"):
        logged_verdict(value)


def test_numbers_have_a_threshold() -> None:
    assert [logged_verdict(value, 3) for value in (2.9, 3, "4", math.nan, "pass", True)] == [0, 1, 1, None, 1, 1]
    with pytest.raises(ValueError, match="threshold"):
        logged_verdict("four", 3)


def test_no_word_is_both() -> None:
    assert not ACCEPTS & REJECTS


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers(), st.booleans(), st.none()))
def test_any_value_is_a_verdict_or_absent_or_refused(value: Any) -> None:
    try:
        found = logged_verdict(value)
    except ValueError:
        return
    assert found in (None, 0.0, 1.0)
