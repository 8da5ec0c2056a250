# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The form of traces, and names of steps in every holder."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
import torch

from imug_metrics.functional import trace_compliance
from imug_metrics.functional.self_evaluation.step_names import read_step_names
from imug_metrics.functional.self_evaluation.trace_compliance import order_share


def test_every_short_trace_against_a_plain_loop() -> None:
    rows = [list(names) for length in range(5) for names in product(("a", "b", "x"), repeat=length)]
    expected = [float([name for name in row if name != "x"] == ["a", "b"]) for row in rows]
    assert trace_compliance(rows, steps=("a", "b"), reduction="none").tolist() == expected
    assert trace_compliance(rows, steps=("a", "b")).item() == pytest.approx(np.mean(expected))


def test_the_share_of_pairs_in_order_against_a_plain_loop() -> None:
    for places in product(range(3), repeat=4):
        pairs = [first < second for first, second in combinations(places, 2)]
        assert order_share(places, 3) == pytest.approx(np.mean(pairs))
    assert math.isnan(order_share([1], 3))


def test_citations_count_where_they_are_given() -> None:
    rows, cites = [["a"], ["a"], ["a"], [], ["a"]], [[1, 1], [1, 0], [], [1], None]
    assert trace_compliance(rows, cites, steps=("a",), reduction="none").tolist()[:4] == [1, 0, 1, 0]
    assert trace_compliance(rows, cites, steps=("a",), reduction="none")[4].isnan()


def test_names_are_read_from_every_holder_alike() -> None:
    expected = [(1, 2), (2, 1)]
    for given in ([[1, 2], [2, 1]], ((1, 2), (2, 1)), np.array([[1, 2], [2, 1]]), torch.tensor([[1, 2], [2, 1]])):
        assert read_step_names("preds", given).names == expected
    texts = read_step_names("preds", np.array([["a", "b"], ["b", "a"]]))
    assert texts.names == [("a", "b"), ("b", "a")]
    assert read_step_names("preds", ["a", None, float("nan"), []]).names == [("a",), None, None, ()]


@pytest.mark.parametrize("preds", ["task", 3, {"a": 1}, [{"a"}], [[b"a"]], [[["a"]], "b"], [[True]], torch.rand(2, 2)])
def test_what_holds_no_names_is_refused(preds: object) -> None:
    with pytest.raises(ValueError, match="`preds`"):
        trace_compliance(preds, steps=("a",))  # type: ignore[arg-type]


def test_other_numbers_of_citations_are_refused() -> None:
    with pytest.raises(ValueError, match="`items` to have one entry for each of `preds`"):
        trace_compliance([["a"]], [[1], [1]], steps=("a",))
    with pytest.raises(ValueError, match=r"`items` to be from 0 to 1, got 2\.0 at row 0"):
        trace_compliance([["a"]], [[2]], steps=("a",))
