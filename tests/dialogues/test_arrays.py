# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What people hold values in, read as tensors or as cells; what cannot be read is named with its row."""

from __future__ import annotations

import array
import datetime
from collections import UserList
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay
from imug_metrics.dialogues.arrays import BOOLEANS, INTEGERS, REALS, read_array
from imug_metrics.dialogues.cells import read_cells
from imug_metrics.dialogues.ids import hash_ids, read_ids
from imug_metrics.errors import InputError

NAN = float("nan")
HALVES = [0.5, None, 1.5]
FLAT: list[Any] = [
    torch.tensor([0.5, NAN, 1.5]),
    torch.tensor([0.5, NAN, 1.5], dtype=torch.bfloat16),
    [0.5, NAN, 1.5],
    (0.5, None, 1.5),
    UserList([0.5, None, 1.5]),
    array.array("d", [0.5, NAN, 1.5]),
    [Decimal("0.5"), NAN, Fraction(3, 2)],
    [np.float32(0.5), None, np.float64(1.5)],
    [torch.tensor(0.5), None, torch.tensor(1.5)],
    [np.array(0.5), None, np.array(1.5)],
    np.array([0.5, NAN, 1.5]),
    np.array([0.5, NAN, 1.5], np.float16),
    np.array([0.5, NAN, 1.5], np.longdouble),
    np.array([0.5, NAN, 1.5], ">f4"),
    np.array([1.5, NAN, 0.5])[::-1],
    np.array(HALVES, object),
    np.ma.array([0.5, 9.0, 1.5], mask=[False, True, False]),
    pd.Series(HALVES),
    pd.Series(HALVES, dtype="Float64"),
    pd.Series(HALVES, dtype=object),
    pd.Series(HALVES, dtype=pd.ArrowDtype(pa.float64())),
    pd.Index(HALVES),
    pd.DataFrame({"score": HALVES})["score"],
    pl.Series(HALVES),
    pl.Series(HALVES, dtype=pl.Float32),
    pl.DataFrame({"score": HALVES})["score"],
    pa.array(HALVES),
    pa.chunked_array([[0.5], [], [None, 1.5]]),
    pa.table({"score": HALVES})["score"],
]
WHOLE: list[Any] = [
    torch.tensor([3, 1, 2], dtype=torch.int8),
    [3, 1, 2],
    [np.int64(3), np.uint8(1), np.int32(2)],
    np.array([3, 1, 2], np.int8),
    np.array([3, 1, 2], np.uint16),
    np.array([3, 1, 2], np.uint64),
    np.array([3, 1, 2], object),
    pd.Series([3, 1, 2]),
    pd.Series([3, 1, 2], dtype="Int64"),
    pd.Series([3, 1, 2], dtype="UInt8"),
    pl.Series([3, 1, 2], dtype=pl.UInt32),
    pa.array([3, 1, 2]),
    pa.chunked_array([[3], [1, 2]], pa.int16()),
]
LISTS: list[Any] = [
    [[0.5, 1.0], [2.0]],
    ((0.5, 1.0), [2]),
    [torch.tensor([0.5, 1.0]), torch.tensor([2.0])],
    [np.array([0.5, 1.0], np.float16), np.array([2], np.int8)],
    [pd.Series([0.5, 1.0]), pl.Series([2.0])],
    [torch.tensor([0.5, 1.0]), [2.0]],
    np.array([[0.5, 1.0], [2.0], None], object)[:2],
    pd.Series([[0.5, 1.0], [2.0]]),
    pl.Series([[0.5, 1.0], [2.0]]),
    pa.array([[0.5, 1.0], [2.0]]),
    torch.nested.nested_tensor([torch.tensor([0.5, 1.0]), torch.tensor([2.0])], layout=torch.jagged),
]


def as_list(values: torch.Tensor) -> list[Any]:
    return [None if value != value else value for value in values.double().flatten().tolist()]


@pytest.mark.parametrize("row", range(len(FLAT)))
def test_numbers_are_read_from_whatever_holds_them(row: int) -> None:
    found = read_array("scores", FLAT[row], REALS)
    assert as_list(found.values) == HALVES
    assert found.ends is None


@pytest.mark.parametrize("row", range(len(WHOLE)))
def test_integers_are_read_from_whatever_holds_them(row: int) -> None:
    assert read_array("turn", WHOLE[row], INTEGERS).values.tolist() == [3, 1, 2]
    assert read_ids("dialogue", WHOLE[row]).values.tolist() == [3, 1, 2]
    assert read_array("scores", WHOLE[row], REALS).values.double().tolist() == [3, 1, 2]


@pytest.mark.parametrize("row", range(len(LISTS)))
def test_lists_of_different_lengths_say_where_they_end(row: int) -> None:
    values, ends = read_array("scores", LISTS[row], REALS, filler=NAN)
    assert as_list(values) == [0.5, 1.0, 2.0, None]
    assert ends == (2, 1)


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3]],
        [torch.tensor([1, 2]), torch.tensor([3])],
        pd.Series([[1, 2], [3]]),
        pl.Series([[1, 2], [3]]),
        pa.array([[1, 2], [3]]),
    ],
)
def test_ids_and_turns_come_in_lists_too(values: Any) -> None:
    turns = read_array("turn", values, INTEGERS)
    assert (turns.values.tolist(), turns.ends) == ([[1, 2], [3, 0]], (2, 1))
    ids = read_ids("dialogue", values)
    assert (ids.values.tolist(), ids.ends) == ([[1, 2], [3, 3]], (2, 1))  # a line goes on as it began


def test_integers_of_64_bits_are_exact() -> None:
    large = [2**53 + 1, -(2**63), 2**63 - 1]
    for values in (large, np.array(large), pd.Series(large, dtype="Int64"), pl.Series(large), pa.array(large)):
        assert read_ids("dialogue", values).values.tolist() == large
    for one_absent in (pd.Series([*large, None], dtype="Int64"), pl.Series([*large, None]), pa.array([*large, None])):
        with pytest.raises(InputError, match=r"`dialogue` to hold ids, .* got None at row 3"):
            read_ids("dialogue", one_absent)


@pytest.mark.parametrize(
    "names",
    [
        ["猫", None, "b"],
        ("猫", None, "b"),
        np.array(["猫", None, "b"], object),
        pd.Series(["猫", None, "b"]),
        pd.Series(["猫", None, "b"], dtype="string"),
        pd.Series(["猫", None, "b"], dtype="category"),
        pd.Series(["猫", np.nan, "b"], dtype=object),
        pl.Series(["猫", None, "b"]),
        pl.Series(["猫", None, "b"], dtype=pl.Categorical),
        pa.array(["猫", None, "b"]),
        pa.array(["猫", None, "b"]).dictionary_encode(),
        pa.chunked_array([["猫"], [None, "b"]]),
    ],
)
def test_texts_are_read_from_whatever_holds_them(names: Any) -> None:
    assert read_cells("texts", names).entries == ["猫", None, "b"]
    assert read_cells("texts", [names, ["c"]]).entries == ["猫", None, "b", "c", None, None]


def test_ranges_are_lists() -> None:
    assert read_array("turn", range(1, 4), INTEGERS).values.tolist() == [1, 2, 3]
    assert read_array("turn", [range(1, 3), range(1, 2)], INTEGERS).values.tolist() == [[1, 2], [1, 0]]


def test_names_of_arrays_are_ids() -> None:
    for names in (np.array(["a", "ü"]), pd.Series(["a", "ü"]), pl.Series(["a", "ü"]), pa.array(["a", "ü"])):
        found = read_ids("dialogue", names)
        assert found.values.tolist() == hash_ids(["a", "ü"]).tolist()
        assert [found.names(row) for row in range(2)] == ["a", "ü"]


def test_embeddings_come_in_lists_of_vectors_or_one_matrix_a_dialogue() -> None:
    one, two = torch.rand(2, 4, requires_grad=True), torch.rand(1, 4)
    values, ends = read_array("images", [one, two], REALS, inner=1, even=True)
    assert (values.shape, ends) == ((2, 2, 4), (2, 1))
    assert torch.equal(values[1, 1], torch.zeros(4))
    values.sum().backward()
    assert torch.equal(one.grad, torch.ones(2, 4))
    for rows in (
        [*one, *two],
        [one[0].detach().numpy(), None, two[0].tolist()],
        [[*one], [*two]],
        [[one[0], None], []],
    ):
        assert read_array("images", rows, REALS, inner=1, even=True).values.shape[-1] == 4
    values, ends = read_array("images", [two[0], None], REALS, inner=1, even=True)
    assert (values.tolist(), ends) == ([two[0].tolist(), [0.0] * 4], None)


def test_a_dialogue_without_turns_is_a_list_without_entries() -> None:
    assert read_array("scores", [[], [0.5]], REALS, filler=NAN).ends == (0, 1)
    assert read_array("images", [torch.ones(2, 3), torch.ones(0, 3)], REALS, inner=1).ends == (2, 0)
    assert read_array("images", [[[1.0, 2.0]], []], REALS, inner=1).ends == (1, 0)
    assert read_array("scores", [], REALS).values.shape == (0,)
    assert read_array("scores", [[]], REALS).values.shape == (1, 0)


HOLDER = "to be a tensor, an array, a column of a table or a list"
WRONG: list[tuple[Any, str]] = [
    (None, f"{HOLDER}, got None"),
    (3, f"{HOLDER}, got 3"),
    (0.5, f"{HOLDER}, got 0.5"),
    (True, f"{HOLDER}, got True"),
    ("0.5, 0.6", f"{HOLDER}, got '0.5, 0.6'"),
    (b"ab", f"{HOLDER}, got bytes"),
    (bytearray(b"ab"), f"{HOLDER}, got bytearray"),
    ({"a": 1.0}, f"{HOLDER}, got dict"),
    ({0.5}, f"{HOLDER}, got set"),
    ((x for x in [0.5]), f"{HOLDER}, got generator"),
    (map(float, [1]), f"{HOLDER}, got map"),
    (iter([1.0]), f"{HOLDER}, got list_iterator"),
    ({"a": 1.0}.values(), f"{HOLDER}, got dict_values"),
    (datetime.datetime(2026, 1, 1), f"{HOLDER}, got datetime"),
    (object(), f"{HOLDER}, got object"),
    (float, f"{HOLDER}, got type"),
    (torch.tensor(0.5), f"{HOLDER}, got a tensor of one number"),
    (np.array(0.5), f"{HOLDER}, got 0.5"),
    (np.float64(0.5), f"{HOLDER}, got 0.5"),
    (["0.5", "0.6"], "to hold real numbers, got '0.5' at row 0"),
    ([0.5, "n/a"], "to hold real numbers, got 'n/a' at row 1"),
    ([0.5, 1j], "to hold real numbers, got 1j at row 1"),
    ([0.5, b"1"], "to hold real numbers, got bytes at row 1"),
    ([0.5, {}], "to hold real numbers, got dict at row 1"),
    ([0.5, {0.5}], "to hold real numbers, got set at row 1"),
    ([0.5, datetime.date(2026, 1, 1)], "to hold real numbers, got date at row 1"),
    ([0.5, 10**400], "to hold real numbers, got 1000000"),
    ([[0.5, 0.6], [0.7, "x"]], r"to hold real numbers, got 'x' at row \[1, 1\]"),
    ([[0.5, 0.6], None], "one list a dialogue, got None beside a list at row 1"),
    ([[0.5, 0.6], 0.7], "one list a dialogue, got 0.7 beside a list at row 1"),
    ([0.7, [0.5, 0.6]], "one list a dialogue, got a list beside 0.7 at row 1"),
    ([[0.5, 0.6], [[0.7]]], "to hold lists of one depth, got 1 dimensions beside 2 at row 0"),
    ([[0.5], {"a": 1}], "one list a dialogue, got dict beside a list at row 1"),
    (torch.tensor([1j]), "to hold real numbers, got complex64"),
    ([torch.tensor([0.5]), torch.tensor([1j])], "to hold real numbers, got complex64 at row 1"),
    (np.array([1j]), "an array of complex128"),
    (np.array(["a", "b"]), "to hold real numbers, got 'a' at row 0"),
    (np.array(["2026-01-01"], "M8[D]"), r"an array of datetime64\[D\]"),
    (np.array([b"a"]), r"an array of \|S1"),
    (np.array([(1, 2)], [("a", int), ("b", int)]), "an array of"),
    (np.array([0.5, "x"], object), "to hold real numbers, got 'x' at row 1"),
    (pd.Series(["a", "b"]), "to hold real numbers, got 'a' at row 0"),
    (pd.Series(pd.to_datetime(["2026-01-01"])), "to hold real numbers, got Timestamp at row 0"),
    (pl.Series(["a", "b"]), "to hold real numbers, got 'a' at row 0"),
    (pl.Series([datetime.date(2026, 1, 1)]), "to hold real numbers, got date at row 0"),
    (pa.array(["a", "b"]), "to hold real numbers, got 'a' at row 0"),
    (pa.array([{"a": 1}]), "to hold real numbers, got dict at row 0"),
    (torch.eye(2).to_sparse(), "to be a dense tensor"),
]


@pytest.mark.parametrize("row", range(len(WRONG)))
def test_what_are_no_numbers_is_named(row: int) -> None:
    values, message = WRONG[row]
    with pytest.raises(InputError, match=f"Expected argument `scores` .*{message}") as found:
        read_array("scores", values, REALS, filler=NAN)
    assert found.value.argument == "scores"
    assert len(str(found.value)) < 250


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2.5], "got 2.5 at row 1"),
        ([1, 2.0], "got 2.0 at row 1"),
        ([1, True], "got True at row 1"),
        ([1, None], "got None at row 1"),
        ([1, "2"], "got '2' at row 1"),
        ([1, 2**63], "got 9223372036854775808 at row 1"),
        ([[1, 2], [3, 4.5]], r"got 4.5 at row \[1, 1\]"),
        (torch.tensor([1.0]), "got float32"),
        (torch.tensor([True]), "got bool"),
        (np.array([1.0]), "got float64"),
        (pd.Series([1, None]), "got float64"),
        (pd.Series([1, None], dtype="Int64"), "got NAType at row 1"),
        (pl.Series([1, None]), "got None at row 1"),
        (pa.array([1, None]), "got None at row 1"),
    ],
)
def test_what_are_no_integers_is_named(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"`turn` to hold integers, {message}"):
        read_array("turn", values, INTEGERS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([True, 1], "got 1 at row 1"),
        ([True, None], "got None at row 1"),
        ([True, "yes"], "got 'yes' at row 1"),
        ([True, NAN], "got nan at row 1"),
        ([[True], [0]], r"got 0 at row \[1, 0\]"),
        (torch.tensor([1, 0]), "got int64"),
        (np.array([1.0, 0.0]), "got float64"),
        (pd.Series([True, None], dtype="boolean"), "got NAType at row 1"),
        (pl.Series([True, None]), "got None at row 1"),
        (pa.array([True, None]), "got None at row 1"),
    ],
)
def test_what_are_no_booleans_is_named(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"`valid` to be boolean, {message}"):
        read_array("valid", values, BOOLEANS)


def test_embeddings_of_several_widths_are_named() -> None:
    for values, row in (
        ([torch.ones(4), torch.ones(3)], "1"),
        ([torch.ones(2, 4), torch.ones(2, 3)], "1"),
        ([[[1.0, 2.0], [3.0]], [[4.0, 5.0]]], r"\[0, 1\]"),
        ([torch.ones(2, 3), None, torch.ones(2, 4)], "1"),
    ):
        with pytest.raises(InputError, match=f"`images` .* at row {row}"):
            read_array("images", values, REALS, inner=1, even=True)


def test_arrays_are_not_changed_through_what_is_read() -> None:
    values = np.array([0.5, 0.6])
    values.flags.writeable = False
    read_array("scores", values, REALS).values.mul_(2)
    assert values.tolist() == [0.5, 0.6]


@pytest.mark.parametrize("nothing", [[], (), np.zeros((0, 0)), torch.zeros(0, 8), torch.zeros(0, 0)])
def test_no_embeddings_are_no_records(nothing: Any) -> None:
    metric = TurnAlignment()
    metric.update(nothing, [], dialogue=[], turn=[])
    metric.update(torch.ones(1, 8), torch.ones(1, 8), dialogue=[1], turn=[1])
    assert metric.compute() > 0


@pytest.mark.parametrize("shape", [(3, 0), (3, 2, 0)])
def test_embeddings_without_a_number_are_named(shape: tuple[int, ...]) -> None:
    where = {"dialogue": [1, 1, 1], "turn": [1, 2, 3]} if len(shape) == 2 else {}
    with pytest.raises(InputError, match="`images` to hold embeddings of at least one number"):
        TurnConsistency().update(torch.zeros(shape), **where)


def test_any_text_is_an_id() -> None:
    metric = TurnDecay()
    metric.update([[0.5, 0.4], [0.5, 0.4]], dialogue=["\udc80", "größe"])
    assert metric.compute().isclose(torch.tensor(-0.1, dtype=torch.float64))
