# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Real processes that form one group over gloo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def run_processes(work: Callable[[int], Any], folder: Path, count: int = 2) -> list[Any]:
    """What `work` gives for the rank of each process, in a group of so many; `folder` is empty and theirs."""
    # Forked, because each new interpreter would import torchmetrics again: ten seconds instead of one.
    mp.start_processes(_process, (work, folder, count), nprocs=count, start_method="fork")
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(count)]


def _process(rank: int, work: Callable[[int], Any], folder: Path, count: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count)
    torch.save(work(rank), folder / f"{rank}.pt")
    dist.destroy_process_group()
