# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The share of hallucinated objects, from lists of names in any form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from imug_metrics.errors import InputError
from imug_metrics.functional import object_hallucination

NAN = float("nan")


def same(found: torch.Tensor, expected: Any) -> bool:
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), equal_nan=True)
    return True


def test_the_share_of_all_mentions_and_of_each_record() -> None:
    said, there = [["dog", "dog", "cat"], ["cup"], [], None, ["cup"]], [["dog"], ["cup"], ["hat"], ["hat"], None]
    assert same(object_hallucination(said, there), 1 / 4)
    assert same(object_hallucination(said, there, reduction="none"), [1 / 3, 0, NAN, NAN, NAN])
    assert same(object_hallucination(said, there, reduction="none", count="objects"), [1 / 2, 0, NAN, NAN, NAN])
    assert same(object_hallucination(said, there, valid=[False, True, True, True, True]), 0)


def test_dialogues_keep_their_shape() -> None:
    said, there = [[["a"], ["b", "c"]], [["a", "d"]]], [[["a"], ["b"]], [["a"]]]
    assert same(object_hallucination(said, there, reduction="none"), [[0, 1 / 2], [1 / 2, NAN]])


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ([[], []], [["a"], ["b"]]),
        ([[None], [None]], [[["a"]], [["b"]]]),
        ([[[]], [None]], [[["a"]], [["b"]]]),
        ([None, None], [["a"], None]),
    ],
)
def test_lists_without_a_name_have_no_share(said: Any, there: Any) -> None:
    assert object_hallucination(said, there).isnan()


@pytest.mark.parametrize(
    "hold",
    [tuple, np.array, pd.Series, lambda names: pd.Series(names).convert_dtypes()],
    ids=["tuple", "array", "pandas", "pandas' texts"],
)
def test_names_come_in_any_holder(hold: Any) -> None:
    assert object_hallucination([hold(["a", "b"]), None], pd.Series([["a"], NAN])) == 0.5


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["dog", "cat"], "to hold a list of names of objects, or None, for each record, got 'dog' at row 0"),
        ([["dog"], {"cat"}], "list of names .* got set at row 1"),
        ([["dog"], [1]], "names of objects, .* got 1 at row 1"),
        ([["dog"], [["cat"]]], "names of objects, .* got list at row 1"),
        (torch.ones(2), "list of names .* got 1.0 at row 0"),
        ("dog", "to be a tensor, an array"),
    ],
)
def test_what_holds_no_names_is_refused(said: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"`preds` {'.*' if message[0] != 't' else ''}{message}"):
        object_hallucination(said, [["dog"], ["cat"]])


def test_other_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="`target` to have one entry"):
        object_hallucination([["a"]], [["a"], ["b"]])
    with pytest.raises(InputError, match="`target` to have the dialogues of `preds`"):
        object_hallucination([[["a"]], [["a"], ["b"]]], [[["a"], ["b"]], [["a"]]])
    with pytest.raises(ValueError, match="`reduction`"):
        object_hallucination([["a"]], [["a"]], reduction="sum")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`count`"):
        object_hallucination([["a"]], [["a"]], count="all")  # type: ignore[arg-type]


@pytest.mark.parametrize("made", ["", None, 3])
def test_a_function_that_makes_no_name_is_named_with_the_place(made: Any) -> None:
    def normalize(name: str) -> Any:
        return made if name == "the" else name

    with pytest.raises(InputError, match=r"`normalize` to make .* in `preds`, got no name of 'The' at row \[0, 1\]"):
        object_hallucination([[["dog"], ["cat", "The"]]], [[["dog"], ["cat"]]], normalize=normalize)
    with pytest.raises(InputError, match=r"`normalize` .* in `target`, got no name of 'the' at row 1"):
        object_hallucination([["dog"], ["cat"]], [["dog"], ["the"]], normalize=normalize)
