# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two real processes over gloo, one of them without data, give what one process gives."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import pytest
import torch

from imug_metrics.errors import RepeatedDialoguesWarning
from tests.metrics.cases import Case, all_cases, places
from tests.processes import run_processes


def _share(split: str, dialogue: torch.Tensor, rank: int) -> torch.Tensor:
    """Which rows a rank sees."""
    if split == "one rank without data":
        return torch.full_like(dialogue, rank == 0, dtype=torch.bool)
    if split == "even":
        return dialogue % 2 == rank
    return (dialogue == dialogue[0]) == (rank == 0)


def _values(rank: int) -> dict[Any, Any]:
    warnings.simplefilter("error", RepeatedDialoguesWarning)
    dialogue, turn = places()
    found = {}
    for split in SPLITS:
        rows = _share(split, dialogue, rank)
        for name, case, option, options in _metrics(split):
            metric = case.make(detail=True, **options)
            if rows.any():
                case.feed(metric, dialogue[rows], turn[rows])
            found[split, name, option] = metric.compute()
    return found


SPLITS = ("one rank without data", "even", "one dialogue against the rest")


def _metrics(split: str) -> Iterator[tuple[str, Case, str, dict[str, Any]]]:
    """Every case with each of its options; with the first alone where a rank sees less, but something."""
    for name, case in all_cases().items():
        for option, options in islice(case.options().items(), 1 if split == "one dialogue against the rest" else None):
            yield name, case, option, options


@cache
def _whole(name: str, option: str) -> dict[str, Any]:
    """What one process gives of all."""
    case = all_cases()[name]
    found: dict[str, Any] = case.whole(detail=True, **case.options()[option])
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[Any, Any]]:
    return run_processes(_values, tmp_path_factory.mktemp("processes"))


@pytest.mark.parametrize("split", SPLITS)
def test_two_processes_equal_one(results: list[dict[Any, Any]], split: str) -> None:
    compared = set()
    for name, case, option, _ in _metrics(split):
        expected = _whole(name, option)
        for found in results:
            case.assert_same(found[split, name, option], expected)
        compared.add((split, name, option))
    assert {key for found in results for key in found if key[0] == split} == compared
