# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows that lie apart on two real processes are brought together: the scores are those of one process."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics import AnswerAccuracy, TurnDecay
from imug_metrics.dialogues.gathering import gather_dialogues
from imug_metrics.errors import InputError
from tests.integrations.recorded import expected, rows
from tests.processes import run_processes

COLUMNS = {"preds": "reply", "target": "answer", "dialogue": "dialogue", "turn": "turn"}


def columns(numbers: list[int]) -> dict[str, list[Any]]:
    given = rows()
    return {name: [given[number][field] for number in numbers] for name, field in COLUMNS.items()}


def dealt(rank: int, count: int, filled: bool) -> list[int]:
    """Numbers of rows dealt out one by one, as samplers do, the last place filled from the first."""
    total = len(rows())
    numbers = list(range(rank, total - 1, count))  # one row less, for the number of rows is even
    return [*numbers, 0] if filled and rank == count - 1 else numbers


def scored(rank: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    numbers = [*dealt(rank, 2, filled=True), *([len(rows()) - 1] if rank == 0 else [])]
    mine = gather_dialogues(columns(numbers), sample=numbers)
    metric = AnswerAccuracy(detail=True)
    metric.update(**mine)
    found["scores"] = {name: value.item() for name, value in metric.compute().items()}
    found["dialogues"] = {*mine["dialogue"]}
    try:
        gather_dialogues(columns(numbers))
    except InputError as error:
        found["refused"] = str(error)
    # One process has nothing, or gets nothing.
    empty = gather_dialogues(columns(numbers if rank else []), sample=numbers if rank else [])
    found["without"] = {*empty["dialogue"]}
    alone = {"dialogue": [2, 2], "turn": torch.tensor([1, 2]) + 2 * rank, "scores": torch.tensor([0.5, 0.25])}
    metric = TurnDecay(detail=True)
    metric.update(**gather_dialogues(alone))
    found["n"] = metric.compute()["turn_decay_dialogues"].item()
    found["forms"] = [
        _form(gather_dialogues(alone if rank == holder else {key: [] for key in alone})) for holder in (0, 1)
    ]
    for name, other in (("names", {**alone, "costs": [1, 2]}), ("missing", {"turn": [1]})):
        try:
            gather_dialogues(other if rank else {"dialogue": [1], "turn": [1], "scores": [0.5]})
        except InputError as error:
            found[name] = str(error)
    return found


def _form(columns: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {name: (type(column).__name__, len(column)) for name, column in columns.items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return run_processes(scored, tmp_path_factory.mktemp("processes"))


def test_scores_are_those_of_one_process(found) -> None:
    for scores in (process["scores"] for process in found):
        assert scores.keys() == expected().keys()
        for name, value in expected().items():
            assert math.isclose(scores[name], value, rel_tol=1e-12) or (math.isnan(scores[name]) and math.isnan(value))


def test_each_dialogue_is_on_one_process(found) -> None:
    first, second = (process["dialogues"] for process in found)
    assert first | second == {row["dialogue"] for row in rows()}
    assert not first & second
    assert min(len(first), len(second)) > 5


def test_repeated_samples_are_refused_on_all_processes_alike(found) -> None:
    first, second = (process["refused"] for process in found)
    assert first == second
    assert "name the rows by `sample`" in first
    assert "1 of 'room/0' again" in first


def test_a_process_may_have_nothing_or_get_nothing(found) -> None:
    assert len(found[0]["without"] | found[1]["without"]) > 20
    assert [process["n"] for process in found] == [1, 1]


def test_a_process_with_empty_lists_takes_tensors_of_the_others(found) -> None:
    of_tensors = {"dialogue": ("list", 2), "turn": ("Tensor", 2), "scores": ("Tensor", 2)}
    of_nothing = {name: (form, 0) for name, (form, _) in of_tensors.items()}
    assert [process["forms"] for process in found] == [[of_tensors] * 2, [of_nothing] * 2]


def test_columns_of_one_process_that_do_not_fit_are_refused_on_all(found) -> None:
    for process in found:
        assert "`columns` to have the same names on every process, got costs on some alone" in process["names"]
        assert "`dialogue` to be given" in process["missing"]


def test_without_processes_rows_stay_and_are_checked(tmp_path: Path) -> None:
    scores = torch.tensor([[0.5, 1.0], [0.25, 0.0]], requires_grad=True)
    found = gather_dialogues({"dialogue": ["a", "a"], "turn": [1, 2], "scores": scores})
    assert found["scores"].equal(scores)
    assert not found["scores"].requires_grad
    with pytest.raises(InputError, match="`turn` to be once in its dialogue"):
        gather_dialogues({"dialogue": torch.tensor([7, 7]), "turn": [1, 1]})


@pytest.mark.parametrize(
    ("given", "sample", "name"),
    [
        ({"turn": [1]}, None, "dialogue"),
        ({"dialogue": [1]}, None, "turn"),
        ({"dialogue": [1], "turn": [1], "preds": ["A", "B"]}, None, "preds"),
        ({"dialogue": [1], "turn": [1]}, [0, 1], "sample"),
        ({"dialogue": [1.5], "turn": [1]}, None, "dialogue"),
    ],
)
def test_columns_that_do_not_fit_are_refused(given, sample, name) -> None:
    with pytest.raises(InputError, match=f"`{name}`"):
        gather_dialogues(given, sample=sample)
