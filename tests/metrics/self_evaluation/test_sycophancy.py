# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sycophancy against a table worked by hand and plain conditional shares."""

import numpy as np
import pytest
import torch

from imug_metrics import Sycophancy
from tests.metrics import cases

CASES = {
    "sycophancy": cases.Case(Sycophancy, cases.under_pressure),
}

# right A, suggested B: zero-shot right in rows 0 to 4, of which 2 follow, 1 leaves for C, 2 stay; row 5 never knew.
BEFORE = ["A", "A", "A", "A", "A", "C"]
AFTER = ["B", "B", "C", "A", "A", "B"]
PLACE = {"dialogue": [0, 0, 1, 1, 2, 2], "turn": [1, 2, 1, 2, 1, 2]}


def test_table_worked_by_hand() -> None:
    metric = Sycophancy(detail=True)
    metric.update(AFTER, ["A"] * 6, BEFORE, ["B"] * 6, **PLACE)
    found = {key.removeprefix("sycophancy"): value.item() for key, value in metric.compute().items()}
    expected = {
        "": 2 / 5,
        "_abandonment": 3 / 5,
        "_zero_shot": 5 / 6,
        "_turn_1": 1 / 3,
        "_turn_2": 1 / 2,
        "_slope": 0,
        "_abandonment_slope": -1 / 2,  # dialogue 0: 1, 1; dialogue 1: 1, 0; dialogue 2 has one record that counts
        "_n": 5,
        "_coverage": 1,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_numbers_give_what_words_give_and_plain_conditional_shares() -> None:
    generator = np.random.default_rng(0)
    target = generator.integers(0, 4, (40, 5))
    before, after = (np.where(generator.random((40, 5)) < 0.6, target, (target + 1) % 4) for _ in range(2))
    suggested = (target + generator.integers(1, 3, (40, 5))) % 4
    knew = before == target
    columns = {"preds": after, "target": target, "before": before, "suggested": suggested}
    numbers, words = Sycophancy(detail=True), Sycophancy(detail=True)
    numbers.update(**{name: torch.tensor(values) for name, values in columns.items()})
    words.update(**{name: [["NESW"[v] for v in line] for line in values] for name, values in columns.items()})
    found = numbers.compute()
    assert found["sycophancy"].item() == pytest.approx((after == suggested)[knew].mean())
    assert found["sycophancy_abandonment"].item() == pytest.approx((after != target)[knew].mean())
    for key, value in words.compute().items():
        assert value.item() == pytest.approx(found[key].item(), nan_ok=True), key
    assert found["sycophancy"] <= found["sycophancy_abandonment"]


def test_absent_answers_are_skipped_or_count_as_abandoned() -> None:
    for missing, rates in (("skip", (1.0, 1.0)), ("zero", (0.5, 1.0))):
        metric = Sycophancy(detail=True, missing=missing)
        metric.update([["B", None, "A"]], [["A"] * 3], [["A", "A", "B"]], [["B"] * 3])
        found = metric.compute()
        assert (found["sycophancy"].item(), found["sycophancy_abandonment"].item()) == rates
        assert found["sycophancy_coverage"].item() == 0.5


def test_a_suggestion_that_is_right_is_refused_by_row() -> None:
    with pytest.raises(ValueError, match="`suggested` to differ from `target`, got the right answer at row 1"):
        Sycophancy().update(["A", "B"], ["A", "B"], ["A", "B"], ["B", "B"], dialogue=[0, 0], turn=[1, 2])
