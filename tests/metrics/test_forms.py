# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every argument of every metric comes in any form that people hold values in, and gives what tensors give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from torch import Tensor

from tests.metrics.cases import Case, metric_cases, places, present

CASES = metric_cases()
WHERE = ("dialogue", "turn", "valid")


def column(make: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    """A column of a table, of entries or of lists of them."""
    return lambda value: make(as_lists(value))


def as_lists(value: Any) -> Any:
    return value.tolist() if isinstance(value, Tensor) else list(value)


def as_array(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.numpy()
    found = np.empty(len(value), object)
    found[:] = value
    return found


def with_none(value: Any) -> Any:
    """Lists in which None stands for NaN."""
    if isinstance(value, list):
        return [with_none(entry) for entry in value]
    return None if isinstance(value, float) and value != value else value


def is_mixed(value: list[Any]) -> bool:
    """Whether mappings stand beside texts, of which there is no column."""
    return any(isinstance(entry, dict) for entry in value)


def polars(value: list[Any]) -> Any:
    return value if is_mixed(value) else pl.Series(values=value)


def arrow(value: list[Any], cut: int | None = None) -> Any:
    """A column in one piece or in two."""
    if is_mixed(value):
        return value
    return pa.array(value) if cut is None else pa.chunked_array([value[:cut], value[cut:]])


def as_tuples(value: Any) -> Any:
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


FLAT: dict[str, Callable[[Any], Any]] = {
    "lists": as_lists,
    "lists with None": lambda value: with_none(as_lists(value)),
    "tuples": lambda value: as_tuples(as_lists(value)),
    "arrays": as_array,
    "arrays of objects": lambda value: np.array([*as_array(value), None], object)[:-1],
    "lists of tensors": lambda value: list(value),
    "lists of arrays": lambda value: [row.numpy() if isinstance(row, Tensor) else row for row in value],
    "pandas": column(pd.Series),
    "pandas with its own types": column(lambda value: pd.Series(value).convert_dtypes()),
    "polars": column(lambda value: polars(with_none(value))),
    "pyarrow": column(lambda value: arrow(with_none(value))),
    "pyarrow in chunks": column(lambda value: arrow(with_none(value), 5)),
}


def by_dialogue(value: Any, lengths: list[int], hold: Callable[[Any], Any]) -> list[Any]:
    """One part a dialogue."""
    return [hold(part) for part in pieces(value, lengths)]


def pieces(value: Any, lengths: list[int]) -> list[Any]:
    if isinstance(value, Tensor):
        return list(value.split(lengths))
    ends = np.cumsum(lengths)
    return [value[end - length : end] for end, length in zip(ends, lengths)]


RAGGED: dict[str, Callable[[Any], Any]] = {
    "lists of lists": as_lists,
    "lists of tuples": lambda value: as_tuples(as_lists(value)),
    "lists of tensors": lambda value: value,
    "lists of arrays": as_array,
    "lists of columns": column(lambda value: polars(with_none(value))),
}


def records(case: Case) -> dict[str, Any]:
    """Records dialogue by dialogue."""
    dialogue, turn = places()
    return {**case.columns(dialogue, turn), "dialogue": dialogue, "turn": turn, "valid": present(dialogue, turn)}


def is_column(key: str, value: Any, count: int) -> bool:
    return key != "links" and value is not None and not isinstance(value, (str, dict)) and len(value) == count


def check(case: Case, batch: dict[str, Any]) -> None:
    metric = case.make(detail=True)
    metric.update(**batch)
    case.assert_same(metric.compute(), case.whole(detail=True), 1e-6)  # of lists numbers are float64


@pytest.mark.parametrize("form", FLAT)
@pytest.mark.parametrize("name", CASES)
def test_flat_records_come_in_any_form(name: str, form: str) -> None:
    case, hold = CASES[name], FLAT[form]
    batch = records(case)
    count = len(batch["turn"])
    check(case, {key: hold(value) if is_column(key, value, count) else value for key, value in batch.items()})


@pytest.mark.parametrize("form", RAGGED)
@pytest.mark.parametrize("name", CASES)
def test_dialogues_of_different_lengths_come_in_lists_of_any_form(name: str, form: str) -> None:
    case, hold = CASES[name], RAGGED[form]
    if "graph" in name:
        pytest.skip("links count rows")
    batch = records(case)
    count, lengths = len(batch["turn"]), batch["dialogue"].unique_consecutive(return_counts=True)[1].tolist()
    check(
        case,
        {
            key: by_dialogue(value, lengths, hold) if is_column(key, value, count) else value
            for key, value in batch.items()
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_lists_say_where_dialogues_end_without_lengths_or_turns(name: str) -> None:
    case = CASES[name]
    if "graph" in name:
        pytest.skip("links count rows")
    dialogue, turn = places()
    batch = case.columns(dialogue, turn)
    ids, lengths = dialogue.unique_consecutive(return_counts=True)
    lists = {
        key: by_dialogue(value, lengths.tolist(), lambda part: part) if is_column(key, value, len(turn)) else value
        for key, value in batch.items()
    }
    ragged, flat = case.make(detail=True), case.make(detail=True)
    ragged.update(**lists, dialogue=ids)
    flat.update(**batch, dialogue=dialogue, turn=turn)
    case.assert_same(ragged.compute(), flat.compute())
