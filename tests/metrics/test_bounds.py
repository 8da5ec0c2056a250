# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Bounds of every metric: within the range of their estimate, never without width, and missing only for a reason."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from torch import Tensor

from imug_metrics.stats import unpack_moments
from tests.metrics.cases import Case, metric_cases, places

CASES = metric_cases()
SIZES = {"one": 1, "two": 2, "few": 5, "many": 40}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def fed(case: Case, size: str, **options: Any) -> Any:
    return case.feed(case.make(detail=True, **options), *places(SIZES[size], seed=1))


def estimates(found: dict[str, Tensor]) -> list[str]:
    """Keys that have bounds."""
    return [key for key in found if f"{key}_lower" in found and f"{key}_upper" in found]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("average", ["record", "dialogue"])
def test_bounds_are_missing_only_for_a_reason_and_a_reason_stands_only_for_missing_bounds(
    case: Case, size: str, average: str
) -> None:
    if "average" in case.refuses:
        pytest.skip("it has no average")
    metric = fed(case, size, average=average)
    found = metric.compute()
    missing = {key for key in estimates(found) if found[f"{key}_lower"].isnan() or found[f"{key}_upper"].isnan()}
    points = {key for key in missing if found[key].isnan() and re.search(r"_\d+\Z", key)}
    assert set(metric.reasons) == missing - points
    assert all(metric.reasons.values())


@pytest.mark.parametrize("size", SIZES)
def test_bounds_hold_their_estimate_and_have_a_width(case: Case, size: str) -> None:
    found = fed(case, size).compute()
    for key in estimates(found):
        value, lower, upper = (found[f"{key}{end}"].item() for end in ("", "_lower", "_upper"))
        if not math.isnan(lower):
            assert lower <= value <= upper, key
            assert lower < upper, key


@pytest.mark.parametrize("size", SIZES)
def test_bounds_do_not_leave_the_range_of_their_estimate(case: Case, size: str) -> None:
    metric = fed(case, size)
    names, found = metric._intervals(unpack_moments(metric.moments))
    for name, lower, upper in zip(names, found.lower.tolist(), found.upper.tolist()):
        low, high = metric._range(name)
        if not math.isnan(lower):
            assert low <= lower <= upper <= high, name
    results = metric.compute()
    for name in names:
        low, high = metric._range(name)
        key = metric.name if name == metric.primary else f"{metric.name}_{name}"
        if f"{key}_lower" in results and not results[f"{key}_lower"].isnan():
            assert low <= results[f"{key}_lower"], key
            assert results[f"{key}_upper"] <= high, key
