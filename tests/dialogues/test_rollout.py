# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The buffer of turn-by-turn rollouts takes what metrics take, and refuses with the name of argument and row."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from imug_metrics import RolloutBuffer
from imug_metrics.errors import InputError

SCORES = torch.tensor([0.5, 0.25])

FORMS: dict[str, tuple[Any, Any]] = {
    "names and one turn": (["a", "b"], 3),
    "a tuple of names, turns in a list": (("a", "b"), [3, 3]),
    "integers": ([7, 8], 3),
    "a tensor": (torch.tensor([7, 8]), torch.tensor([3, 3])),
    "small integers": (torch.tensor([7, 8], dtype=torch.uint8), torch.tensor([3, 3], dtype=torch.int16)),
    "arrays": (np.array([7, 8]), np.array([3, 3])),
    "an array of names": (np.array(["a", "b"]), np.int64(3)),
    "a turn without dimensions": (["a", "b"], torch.tensor(3)),
    "Japanese": (["会話一", "会話二"], 3),
    "Arabic": (["حوار", "سؤال"], 3),
    "none at all": ([], 3),
}


@pytest.mark.parametrize("form", FORMS)
def test_ids_and_turns_of_any_form_come_back(form: str) -> None:
    dialogue, turn = FORMS[form]
    names = [name.item() if hasattr(name, "item") else name for name in dialogue]
    buffer = RolloutBuffer()
    buffer.add(dialogue, turn, scores=SCORES[: len(names)])
    assert len(buffer) == len(names)
    released = buffer.release(dialogue)
    if names:
        assert released["dialogue"] == names
        assert released["turn"].tolist() == [3] * len(names)
        assert torch.equal(released["scores"], SCORES)


WRONG: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a column too short": ({"dialogue": ["a", "b"], "turn": 2, "scores": SCORES[:1]}, "scores", None),
    "a column too long": ({"dialogue": ["c"], "turn": 1, "scores": [0.1, 0.2]}, "scores", None),
    "a number for a column": ({"dialogue": ["c"], "turn": 1, "scores": 0.5}, "scores", None),
    "a scalar tensor": ({"dialogue": ["c"], "turn": 1, "scores": torch.tensor(0.5)}, "scores", None),
    "a string for a column": ({"dialogue": ["c"], "turn": 1, "scores": "x"}, "scores", None),
    "a dict": ({"dialogue": ["c"], "turn": 1, "scores": {0: 0.5}}, "scores", None),
    "turns too few": ({"dialogue": ["c", "d"], "turn": [1], "scores": SCORES}, "turn", None),
    "turn 0": ({"dialogue": ["c", "d"], "turn": [1, 0], "scores": SCORES}, "turn", 1),
    "a negative turn": ({"dialogue": ["c", "d"], "turn": -1, "scores": SCORES}, "turn", 0),
    "half a turn": ({"dialogue": ["c", "d"], "turn": [1.5, 2], "scores": SCORES}, "turn", 0),
    "a turn in words": ({"dialogue": ["c", "d"], "turn": "one", "scores": SCORES}, "turn", None),
    "a boolean": ({"dialogue": ["c", "d"], "turn": True, "scores": SCORES}, "turn", 0),
    "a turn that waits": ({"dialogue": ["b", "a"], "turn": [2, 1], "scores": SCORES}, "turn", 1),
    "a turn twice": ({"dialogue": ["c", "c"], "turn": 1, "scores": SCORES}, "turn", 1),
    "one string for all ids": ({"dialogue": "ab", "turn": 1, "scores": SCORES}, "dialogue", None),
    "mixed ids": ({"dialogue": ["c", 4], "turn": 1, "scores": SCORES}, "dialogue", 1),
    "ids with a fraction": ({"dialogue": [1.5, 2.0], "turn": 1, "scores": SCORES}, "dialogue", 0),
    "None as an id": ({"dialogue": ["c", None], "turn": 1, "scores": SCORES}, "dialogue", 1),
    "ids in lists": ({"dialogue": [["c"], ["d"]], "turn": 1, "scores": SCORES}, "dialogue", None),
    "no ids": ({"dialogue": None, "turn": 1, "scores": SCORES}, "dialogue", None),
    "a column that is missing": ({"dialogue": ["c"], "turn": 1}, "scores", None),
    "a column too many": ({"dialogue": ["c"], "turn": 1, "scores": [0.5], "texts": ["x"]}, "texts", None),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_added(name: str) -> None:
    call, argument, row = WRONG[name]
    buffer = RolloutBuffer()
    buffer.add(["a", "b"], 1, scores=SCORES)
    before = copy.deepcopy(buffer._dialogues)
    with pytest.raises(InputError) as found:
        buffer.add(**call)
    assert (found.value.argument, found.value.row) == (argument, row)
    assert buffer._dialogues == before


@pytest.mark.parametrize(
    ("dialogue", "said", "row"),
    [
        (["c"], "to name dialogues that wait, got 'c' at row 0", 0),
        (["a", "c"], "to name dialogues that wait, got 'c' at row 1", 1),
        (["b", "b"], "to name each dialogue once, got 'b' at row 1", 1),
        ([1], "to name dialogues that wait, got 1 at row 0", 0),
        (["A"], "to name dialogues that wait, got 'A' at row 0", 0),
        ("a", "`dialogue`", None),
    ],
)
def test_ids_that_do_not_wait_are_named_and_nothing_is_released(dialogue: Any, said: str, row: int | None) -> None:
    buffer = RolloutBuffer()
    buffer.add(["a", "b"], 1, scores=SCORES)
    with pytest.raises(InputError, match=said) as found:
        buffer.release(dialogue)
    assert found.value.row == row
    assert len(buffer) == 2
