# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Accelerate on two real processes: whole dialogues from the loader, or rows brought together, score as one process."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from torch.utils.data import DataLoader

from imug_metrics import AnswerAccuracy
from imug_metrics.dialogues.batch_sampler import DialogueBatchSampler
from imug_metrics.dialogues.gathering import gather_dialogues
from imug_metrics.errors import InputError, RepeatedDialoguesWarning
from tests.integrations.recorded import DIALOGUES, expected, rows
from tests.processes import run_processes

pytest.importorskip("accelerate", reason="accelerate is not installed")

COLUMNS = {"preds": "reply", "target": "answer", "dialogue": "dialogue", "turn": "turn"}
NUMBERED = [{**row, "sample": number} for number, row in enumerate(rows())]


def accelerator(even_batches: bool) -> Any:
    from accelerate import Accelerator
    from accelerate.utils import DataLoaderConfiguration

    made = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(even_batches=even_batches))
    assert made.num_processes == 2
    return made


def columns(given: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[key] for row in given] for name, key in COLUMNS.items()}


def batches(even_batches: bool) -> list[list[dict[str, Any]]]:
    loader = DataLoader(NUMBERED, batch_size=8, collate_fn=list)  # type: ignore[arg-type]
    return list(accelerator(even_batches).prepare(loader))


def whole_dialogues(even_batches: bool = False) -> AnswerAccuracy:
    """The loader makes batches of whole dialogues, an odd number of them, which Accelerate deals out."""
    metric = AnswerAccuracy(detail=True)
    sampler = DialogueBatchSampler([row["dialogue"] for row in rows()], 6)
    for batch in accelerator(even_batches).prepare(DataLoader(rows(), batch_sampler=sampler, collate_fn=list)):  # type: ignore[arg-type]
        metric.update(**columns(batch))
    return metric


def brought_together(even_batches: bool) -> AnswerAccuracy:
    """Rows lie apart, and some twice; they are brought together once."""
    mine = [row for batch in batches(even_batches) for row in batch]
    metric = AnswerAccuracy(detail=True)
    metric.update(**gather_dialogues(columns(mine), sample=[row["sample"] for row in mine]))
    return metric


def gathered_by_accelerate() -> AnswerAccuracy:
    """Every process has all rows, cut by Accelerate to those of the data set: each takes dialogues of its own."""
    made, found = accelerator(True), []
    for batch in made.prepare(DataLoader(NUMBERED, batch_size=8, collate_fn=list)):  # type: ignore[arg-type]
        found += made.gather_for_metrics(batch, use_gather_object=True)
    metric = AnswerAccuracy(detail=True)
    metric.update(**columns([row for row in found if int(row["dialogue"].split("/")[1]) % 2 == made.process_index]))
    return metric


WAYS: dict[str, Callable[[], AnswerAccuracy]] = {
    "whole dialogues": whole_dialogues,
    "brought together, even batches": lambda: brought_together(True),
    "brought together, uneven batches": lambda: brought_together(False),
    "gathered by Accelerate": gathered_by_accelerate,
}


def work(rank: int) -> dict[str, Any]:
    from accelerate.state import AcceleratorState

    # The process that was forked may have had an accelerator of its own, and there is one a process.
    AcceleratorState._reset_state(reset_partial_state=True)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"ACCELERATE_USE_CPU": "true", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    found: dict[str, Any] = {way: scores(make()) for way, make in WAYS.items()}
    mine = [row for batch in batches(True) for row in batch]
    found["rows"] = len(mine)
    with pytest.raises(InputError) as refused:
        gather_dialogues(columns(mine))
    found["refused"] = str(refused.value)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RepeatedDialoguesWarning)
        found["filled up"] = scores(whole_dialogues(even_batches=True))
    found["said"] = [str(one.message) for one in said if one.category is RepeatedDialoguesWarning]
    return found


def scores(metric: AnswerAccuracy) -> dict[str, float]:
    return {name: value.item() for name, value in metric.compute().items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return run_processes(work, tmp_path_factory.mktemp("processes"))


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_score_as_one(found: list[dict[str, Any]], way: str) -> None:
    for process in found:
        for name, value in expected().items():
            score = process[way][name]
            assert math.isclose(score, value, rel_tol=1e-12) or (math.isnan(score) and math.isnan(value)), name


def test_batches_of_dialogues_that_are_repeated_to_fill_up_are_warned_of(found: list[dict[str, Any]]) -> None:
    assert found[0]["filled up"]["answer_accuracy_dialogues"] == DIALOGUES + 6
    assert "had been counted before" in found[0]["said"][0]


def test_even_batches_do_repeat_samples_which_are_refused_where_nothing_names_them(found: list[dict[str, Any]]) -> None:
    assert sum(process["rows"] for process in found) > len(rows())
    assert all("name the rows by `sample`" in process["refused"] for process in found)
