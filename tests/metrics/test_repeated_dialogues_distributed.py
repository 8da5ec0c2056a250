# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Loaders that cut or repeat dialogues over two real processes are noticed; whole dialogues equal one process."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, DistributedSampler

from imug_metrics import Breakdown, TurnDecay
from imug_metrics.errors import InputError, RepeatedDialoguesWarning
from imug_metrics.suite import ImugSuite
from tests.processes import run_processes

COUNT, TURNS = 37, 3
Row = tuple[str, int, float]
Batches = Iterable[list[Row]]
DIALOGUES: list[list[Row]] = [
    [(f"garden/{d}", t, ((7 * d + 5 * t) % 11) / 11) for t in range(1, TURNS + 1)] for d in range(COUNT)
]
ROWS = [row for dialogue in DIALOGUES for row in dialogue]


def _flat(dialogues: list[list[Row]]) -> list[Row]:
    return [row for dialogue in dialogues for row in dialogue]


def _accelerate(even_batches: bool) -> Callable[[int], Batches]:
    def batches(rank: int) -> Batches:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
        from accelerate.utils import DataLoaderConfiguration

        # The process that was forked may have had an accelerator of its own, and there is one a process.
        AcceleratorState._reset_state(reset_partial_state=True)
        accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(even_batches=even_batches))
        assert (accelerator.num_processes, accelerator.process_index) == (2, rank)
        return accelerator.prepare(DataLoader(DIALOGUES, batch_size=4, collate_fn=_flat))  # type: ignore[arg-type]

    return batches


def _sampler(rank: int) -> Batches:
    sampler = DistributedSampler(DIALOGUES, 2, rank)  # type: ignore[arg-type]
    return DataLoader(DIALOGUES, batch_size=8, sampler=sampler, collate_fn=_flat)  # type: ignore[arg-type]


def _uneven_sampler(rank: int) -> Batches:
    return DataLoader(DIALOGUES, batch_size=8, sampler=range(rank, COUNT, 2), collate_fn=_flat)  # type: ignore[arg-type]


def _round_robin(rank: int) -> Batches:
    return [ROWS[rank::2]]


def _shards(rank: int) -> Batches:
    """The first process has all rows up to the middle of a dialogue."""
    middle = TURNS * (COUNT // 2) + 1
    return [ROWS[:middle] if rank == 0 else ROWS[middle:]]


def _rows_in_batches(rank: int) -> Batches:
    mine = ROWS[: TURNS * 20] if rank == 0 else ROWS[TURNS * 20 :]
    return DataLoader(mine, batch_size=8, collate_fn=list)  # type: ignore[arg-type]


def _by_dialogue(rank: int) -> Batches:
    return [_flat(DIALOGUES[rank::2])]


def _one_without(rank: int) -> Batches:
    return [ROWS] if rank == 0 else []


# What each hands out, and how many dialogues are counted that had been counted before.
LOADERS: dict[str, tuple[Callable[[int], Batches], int]] = {
    "accelerate, even batches": (_accelerate(True), 3),
    "DistributedSampler": (_sampler, 1),
    "round robin": (_round_robin, COUNT),
    "a shard that ends within a dialogue": (_shards, 1),
    "batches of rows": (_rows_in_batches, 9),
    "accelerate, uneven batches": (_accelerate(False), 0),
    "a sampler that repeats none": (_uneven_sampler, 0),
    "by dialogue": (_by_dialogue, 0),
    "one process without data": (_one_without, 0),
}
CUT = [name for name, (_, repeated) in LOADERS.items() if repeated]
WHOLE = [name for name, (_, repeated) in LOADERS.items() if not repeated]


def _feed(metric: Any, batches: Batches) -> Any:
    for rows in batches:
        dialogue, turn, scores = (list(column) for column in zip(*rows))
        groups = {"group": [int(name.split("/")[1]) % 2 for name in dialogue]} if isinstance(metric, Breakdown) else {}
        metric.update(scores=torch.tensor(scores), dialogue=dialogue, turn=turn, **groups)
    return metric


def _metrics() -> dict[str, Any]:
    decay = TurnDecay(detail=True)
    return {"metric": decay, "breakdown": Breakdown(decay, [0, 1]), "suite": ImugSuite([TurnDecay(detail=True)])}


def _found(rank: int) -> dict[Any, Any]:
    # Accelerate reads these, and takes the group that there is.
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"ACCELERATE_USE_CPU": "true", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    found: dict[Any, Any] = {}
    for name, (batches, _) in LOADERS.items():
        for kind, metric in _metrics().items():
            _feed(metric, batches(rank))
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", RepeatedDialoguesWarning)
                values = metric.compute()
            texts = [str(one.message) for one in said if one.category is RepeatedDialoguesWarning]
            repeats = metric.repeated_dialogues if kind == "metric" else None
            found[name, kind] = values, texts, None if repeats is None else tuple(repeats)
        found[name, "checked"] = _checked(batches(rank))
    return found


def _checked(batches: Batches) -> tuple[str, str, bool]:
    """What the exact check says at an update, and at `compute`, after which the state is this process's again."""
    metric, at_update, at_compute = TurnDecay(check_repeats=True), "", ""
    try:
        _feed(metric, batches)
    except InputError as error:
        at_update = str(error)
    before = list(metric.seen)
    try:
        metric.compute()
    except InputError as error:
        at_compute = str(error)
    kept = isinstance(metric.seen, list) and all(map(torch.equal, before, metric.seen))
    return at_update, at_compute, kept and len(before) == len(metric.seen) and not metric._is_synced


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[Any, Any]]:
    return run_processes(_found, tmp_path_factory.mktemp("processes"))


@pytest.mark.parametrize("kind", ["metric", "breakdown", "suite"])
@pytest.mark.parametrize("name", CUT)
def test_dialogues_that_are_cut_or_repeated_are_noticed_by_the_first_process(
    results: list[dict[Any, Any]], name: str, kind: str
) -> None:
    repeated = LOADERS[name][1]
    (_, said, _), (_, unsaid, _) = (found[name, kind] for found in results)
    assert [one.partition(" had been")[0] for one in said] == [f"About {repeated} of {COUNT + repeated} dialogues"]
    assert unsaid == []


@pytest.mark.parametrize("name", LOADERS)
def test_all_processes_know_how_many(results: list[dict[Any, Any]], name: str) -> None:
    first, second = (found[name, "metric"][2] for found in results)
    assert first == second
    assert first[0] == COUNT + LOADERS[name][1]


@pytest.mark.parametrize("kind", ["metric", "breakdown", "suite"])
@pytest.mark.parametrize("name", WHOLE)
def test_whole_dialogues_are_silent_and_equal_to_one_process(
    results: list[dict[Any, Any]], name: str, kind: str
) -> None:
    expected = _feed(_metrics()[kind], [ROWS]).compute()
    for found in results:
        values, said, _ = found[name, kind]
        assert said == []
        assert values.keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(
                torch.as_tensor(values[key]), torch.as_tensor(value), rtol=1e-12, atol=1e-12, equal_nan=True
            )


@pytest.mark.parametrize("name", LOADERS)
def test_the_exact_check_names_the_dialogue_and_leaves_the_state(results: list[dict[Any, Any]], name: str) -> None:
    checked = [found[name, "checked"] for found in results]
    assert all(kept for _, _, kept in checked)
    for at_update, at_compute, _ in checked:
        if name in WHOLE:
            assert at_update == at_compute == ""
        else:  # batches of rows are cut within a process, which notices it at once
            assert "of 'garden/" in (at_update if name == "batches of rows" else at_compute)
