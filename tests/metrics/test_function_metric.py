# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A plain function as a metric: what it is given, what its values mean, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import imug_metrics
from imug_metrics import Record, TurnDecay
from imug_metrics.errors import InputError
from imug_metrics.suite import FunctionMetric, ImugSuite


def records() -> list[Record]:
    return [
        Record(f"d{d}", turn, "text", "Which? " * turn, text="a " * (d + turn), target="A")
        for d in range(6)
        for turn in (1, 2, 3)
    ]


def words(record: Record) -> float | None:
    """How many words an answer has."""
    return None if record.text is None else len(record.text.split())


def all_words(records: list[Record]) -> list[float | None]:
    return [words(record) for record in records]


def said(preds: list[str]) -> torch.Tensor:
    return torch.tensor([float(len(text.split())) for text in preds])


@pytest.mark.parametrize("function", [words, all_words, said])
def test_records_lists_and_columns_give_the_same_scores(function: Any) -> None:
    scores = imug_metrics.evaluate({"mine": records()}, metrics={"words": function}).scores["mine"]
    expected = TurnDecay(detail=True)
    values = [float(words(record) or 0) for record in records()]
    places = {"dialogue": [r.dialogue for r in records()], "turn": [r.turn for r in records()]}
    expected.update(values, **places)
    found = expected.compute()
    assert scores["words"] == pytest.approx(float(found["turn_decay_mean"]))
    for end in ("slope", "turn_2", "mean_lower", "n", "coverage"):
        assert scores[f"words_{end}"] == pytest.approx(float(found[f"turn_decay_{end}"]), nan_ok=True)


def test_none_leaves_a_record_out_and_nan_lowers_the_coverage() -> None:
    values = iter([1.0, None, math.nan, 3.0])

    def mine(record: Record) -> float | None:
        return next(values)

    given = [Record("a", turn, "text", "Which?", text="x") for turn in (1, 2, 3, 4)]
    found = imug_metrics.evaluate({"m": given}, metrics=[mine])
    assert found.scores["m"]["mine"] == 2.0
    assert found.scores["m"]["mine_n"] == 2
    assert found.scores["m"]["mine_coverage"] == pytest.approx(2 / 3)
    assert [row["mine"] for row in found.items["m"]] == [1.0, None, None, 3.0]


def test_columns_are_handed_to_a_function_as_they_are() -> None:
    suite = ImugSuite({"asked": lambda texts: [len(text) for text in texts]})
    suite.update(texts=["ab", "abcd"], dialogue=["a", "a"], turn=[1, 2])
    assert suite.compute()["asked"] == 3


def test_words_of_the_maker_are_those_of_the_description() -> None:
    found = FunctionMetric(words, "w", higher_is_better=False, low=0, high=50, label="Words").describe()
    assert (found.label, found.range, found.direction, found.meaning) == (
        "Words", "0 to 50", "lower is better", "How many words an answer has."
    )  # fmt: skip
    assert found.name == "w"
    assert found.higher_is_better is False
    assert found.is_mean


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda answers: [1.0], "to be a function of `record`"),
        (lambda record, preds: 1.0, "to be a function of `record`"),
        (lambda: 1.0, "to be a function of `record`"),
        (3, "to be callable"),
    ],
)
def test_a_function_of_something_else_is_refused(function: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        FunctionMetric(function, "mine")


def test_a_function_without_a_name_needs_one() -> None:
    with pytest.raises(InputError, match="name"):
        FunctionMetric(lambda record: 1.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda records: [1.0], "to give one value a record, 18 from mine, got 1"),
        (lambda record: "much", "to give numbers or None"),
        (lambda record: 2.0, "to give values from 0 to 1"),
        (lambda record: "1", "to give numbers or None"),
        (lambda record: 10**400, "to give numbers or None"),
        (lambda records: "1" * 18, "to give one value a record, from mine, got a str"),
        (lambda records: dict.fromkeys(range(18), 1.0), "to give one value a record, from mine, got a dict"),
        (lambda records: {float(n) for n in range(18)}, "to give one value a record, from mine, got a set"),
        (lambda records: None, "to give one value a record, from mine, got a NoneType"),
        (lambda records: torch.tensor(1.0), "to give one value a record, from mine, got a float"),
    ],
)
def test_values_that_cannot_be_are_refused_and_change_nothing(function: Any, message: str) -> None:
    suite = ImugSuite([FunctionMetric(function, "mine", low=0, high=1), FunctionMetric(words)])
    with pytest.raises(InputError, match=message):
        suite.update(records())
    assert not suite["words"].update_called


@pytest.mark.parametrize("name", ["turn", "dialogue", "modality", "class", "model"])
def test_a_metric_takes_no_column_of_rows(name: str) -> None:
    """Its values would stand where rows say which record they are of."""
    with pytest.raises(InputError, match=f"other names than columns of rows, got '{name}'"):
        imug_metrics.evaluate(records(), metrics={name: words})


@pytest.mark.parametrize("name", ["", "a.b"])
def test_names_that_no_collection_can_hold_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="names without dots"):
        ImugSuite({name: words})


def test_a_column_that_is_asked_for_and_not_given_is_named() -> None:
    with pytest.raises(InputError, match="`target`"):
        FunctionMetric(lambda preds, target: preds, "mine").update(preds=["a"])


def test_what_is_left_out_takes_its_place_with_it() -> None:
    metric = FunctionMetric(lambda preds: [None, 1.0, 3.0], "mine")
    metric.update(preds=["a", "b", "c"], dialogue=torch.tensor([1, 1, 1]), turn=torch.tensor([1, 2, 3]))
    found = metric.compute()
    assert [float(found[f"mine_turn_{turn}"]) for turn in (2, 3)] == [1.0, 3.0]
    assert math.isnan(found["mine_turn_1"])
