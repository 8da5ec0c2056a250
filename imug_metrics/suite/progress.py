# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A progress bar of the first process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch

Progress: TypeAlias = "Callable[[int, int | None], None]"


@contextmanager
def progress_bar(progress: bool | Progress, label: str = "dialogues") -> Iterator[Progress]:
    """What to call with the number of things done and of all things, or None where that is not known.

    Args:
        progress: True for a bar on standard error, which shows on the first process alone and only on a terminal;
            False for none; a function is returned as it is.
        label: stands before the bar.

    Example:
        >>> with progress_bar(False) as show:
        ...     show(1, 2)
    """
    if not isinstance(progress, bool):
        yield progress
        return
    if not (progress and sys.stderr.isatty() and _is_first_process()):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _is_first_process() -> bool:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank() == 0
    return os.environ.get("RANK", "0") == "0"
