# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`protocol="strict"`: weighted shares of the items that were answered, with coverage and intervals by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imug_metrics.errors import ArgumentError
from imug_metrics.functional.answers.checklist_score import checklist_score
from imug_metrics.protocols.specv.names import TaskKey, find_track
from imug_metrics.protocols.specv.results import ModelResults, Result, read_answer
from imug_metrics.protocols.specv.scoring import OVERALL
from imug_metrics.protocols.specv.tasks import Task
from imug_metrics.stats.clustered_mean import clustered_mean
from imug_metrics.stats.intervals import REASONS


@dataclass(frozen=True)
class TaskShare:
    """One task under `protocol="strict"`.

    Attributes:
        key: of the task.
        share: of its items that are met, by their weights, among those that were answered; 0 to 1, higher is better;
            NaN where none was answered or those that were weigh nothing.
        unweighted: the same with all items alike.
        answered: items that were answered yes or no.
        items: of its checklist.
    """

    key: TaskKey
    share: float
    unweighted: float
    answered: int
    items: int


@dataclass(frozen=True)
class StrictScore:
    """A dimension, or all tasks of a track, under `protocol="strict"`.

    Attributes:
        name: of the dimension, or "overall".
        score: mean over tasks of their weighted share, 0 to 1, higher is better; NaN without a task that has one.
        lower, upper: its 95 % interval by task; NaN where there is none.
        without_interval: why there is none; empty where there is one.
        unweighted: mean over tasks of their unweighted share.
        tasks: of the benchmark.
        scored: those that have a share.
        items, answered: of all tasks.
    """

    name: str
    score: float
    lower: float
    upper: float
    without_interval: str
    unweighted: float
    tasks: int
    scored: int
    items: int
    answered: int

    @property
    def coverage(self) -> float:
        """Share of tasks that could be scored, 0 to 1; NaN without tasks."""
        return self.scored / self.tasks if self.tasks else float("nan")


def task_shares(tasks: Sequence[Task], results: ModelResults) -> list[TaskShare]:
    """The tasks of a track as shares.

    An item is met where the judge's yes or no is the expected one, whatever the case and the blanks. One that was not
    answered ("N/A", absent, anything else) is missing, and so is a task without a result. What is asked is read from
    the checklist of the task, what was answered from the result, by the id of the item; of an id that comes twice in a
    result the first counts. Results of no task are passed over.

    Args:
        tasks: of the track of the results.
        results: of one model.

    Returns:
        One entry a task, in their order.

    Raises:
        ArgumentError: if a task is of another track.

    Example:
        >>> from pathlib import Path
        >>> from imug_metrics.protocols.specv import Item, JudgedItem
        >>> items = tuple(Item(name, "Is it?", "", "", "Yes", weight) for name, weight in (("1", 3.0), ("2", 1.0)))
        >>> task = Task("t2i", "style", "a", "Draw a cat.", items=items)
        >>> judged = (JudgedItem({"id": 1, "answer": "yes "}), JudgedItem({"id": 2, "answer": "No"}))
        >>> found = ModelResults("t2i", "mine", {"style": (Result(task.key, Path("a.json"), judged),)})
        >>> [(entry.share, entry.unweighted) for entry in task_shares([task], found)]
        [(0.75, 0.5)]
    """
    other = next((task.track for task in tasks if task.track != results.track), None)
    if other is not None:
        raise ArgumentError("tasks", f"expected tasks of track {results.track}, got one of {other}")
    if not tasks:
        return []
    by_task = results.by_task()
    answers = [answers_of(task, by_task.get(task.key)) for task in tasks]
    expected = [[_number(read_answer(item.expected)) for item in task.items] for task in tasks]
    columns = [[None if given is None else float(given) for given in row] for row in answers]
    weights = [[item.weight for item in task.items] for task in tasks]
    weighted = checklist_score(columns, expected, weights=weights, reduction="none")
    plain = checklist_score(columns, expected, reduction="none")
    return [
        TaskShare(task.key, share, unweighted, sum(given is not None for given in row), len(row))
        for task, row, share, unweighted in zip(tasks, answers, weighted.tolist(), plain.tolist(), strict=True)
    ]


def strict_scores(tasks: Sequence[Task], results: ModelResults, *, level: float = 0.95) -> list[StrictScore]:
    """All tasks of a track, then each of its dimensions that has tasks.

    Args:
        tasks: of the track of the results.
        results: of one model.
        level: of the intervals.

    Returns:
        `"overall"`, the mean over tasks, then the dimensions in the track's order.

    Raises:
        ArgumentError: if a task is of another track.
    """
    shares = task_shares(tasks, results)
    groups = {OVERALL: shares}
    for dimension in find_track(results.track).dimensions:
        members = [entry for entry in shares if entry.key.dimension == dimension]
        if members:
            groups[dimension] = members
    return [_score(name, members, level) for name, members in groups.items()]


def answers_of(task: Task, result: Result | None) -> list[bool | None]:
    """Yes, no or None of each item of a task, as its result has them; see `task_shares`."""
    given: dict[str, bool | None] = {}
    for item in () if result is None else result.judged:
        if item.id is not None:
            given.setdefault(item.id, item.answer)
    return [given.get(item.id) for item in task.items]


def _score(name: str, shares: Sequence[TaskShare], level: float) -> StrictScore:
    values, plain = (_column(shares, field) for field in ("share", "unweighted"))
    found = clustered_mean(values, torch.arange(len(shares)), low=0.0, high=1.0, level=level)
    return StrictScore(
        name,
        float(found.value),
        float(found.lower),
        float(found.upper),
        REASONS[int(found.reason)],
        float(plain.nanmean()),
        len(shares),
        int((~values.isnan()).sum()),
        sum(entry.items for entry in shares),
        sum(entry.answered for entry in shares),
    )


def _column(shares: Sequence[TaskShare], field: str) -> Tensor:
    return torch.tensor([getattr(entry, field) for entry in shares], dtype=torch.float64)


def _number(answer: bool | None) -> float | None:
    return None if answer is None else float(answer)
