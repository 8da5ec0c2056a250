# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two real processes over gloo, one of them without data, give what one process gives."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import imug_metrics


def _table() -> Any:
    """The table of all metrics; workers start without pytest's import hooks, so it is loaded by path."""
    path = Path(__file__).with_name("test_invariances.py")
    spec = importlib.util.spec_from_file_location("invariances", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["invariances"] = module
    spec.loader.exec_module(module)
    return module


def _share(split: str, dialogue: torch.Tensor, rank: int) -> torch.Tensor:
    """Which rows a rank sees."""
    if split == "one rank without data":
        return torch.full_like(dialogue, rank == 0, dtype=torch.bool)
    if split == "even":
        return dialogue % 2 == rank
    return (dialogue == dialogue[0]) == (rank == 0)


def _by_parity(table: Any, dialogue: torch.Tensor, turn: torch.Tensor) -> Any:
    """A metric by group, of which a rank may have some records or none."""
    metric = imug_metrics.Breakdown(imug_metrics.TurnDecay(detail=True), groups=["0", "1"])
    if len(turn):
        metric.update(
            **table.CASES["decay-within"].columns(dialogue, turn), dialogue=dialogue, turn=turn, group=turn % 2
        )
    return metric


def _worker(rank: int, meeting: str, results: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    table = _table()
    dialogue, turn = table.places()
    found = {}
    for split in SPLITS:
        for name in table.CASES:
            for option, options in table.options_of(name).items():
                metric = table.CASES[name].make(detail=True, **options)
                rows = _share(split, dialogue, rank)
                if rows.any():
                    table.feed(metric, name, dialogue[rows], turn[rows])
                found[split, name, option] = metric.compute()
        rows = _share(split, dialogue, rank)
        found[split, "breakdown"] = _by_parity(table, dialogue[rows], turn[rows]).compute()
    torch.save(found, f"{results}/{rank}.pt")
    dist.destroy_process_group()


SPLITS = ("one rank without data", "even", "one dialogue against the rest")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[Any, Any]]:
    folder = tmp_path_factory.mktemp("processes")
    mp.spawn(_worker, (str(folder / "meeting"), str(folder)), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("split", SPLITS)
def test_two_processes_equal_one(results: list[dict[Any, Any]], split: str) -> None:
    table = _table()
    compared = 0
    for name in table.CASES:
        for option, options in table.options_of(name).items():
            expected = table.whole(name, {"detail": True, **options})
            for found in results:
                table.assert_same(found[split, name, option], expected, name)
                compared += 1
    assert compared == 2 * sum(len(table.options_of(name)) for name in table.CASES)


@pytest.mark.parametrize("split", SPLITS)
def test_groups_on_two_processes_equal_one(results: list[dict[Any, Any]], split: str) -> None:
    table = _table()
    expected = _by_parity(table, *table.places()).compute()
    for found in results:
        table.assert_same(found[split, "breakdown"], expected, "breakdown")
