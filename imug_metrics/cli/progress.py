# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imug_metrics.report.sanitize import plain

Progress = Callable[[int, int], None]


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Progress]]:
    """Progress bars on standard error, one a model; none where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:

        def track(model: str) -> Progress:
            task = bars.add_task(plain(model), total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield track
