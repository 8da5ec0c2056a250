# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every rule in which `protocol="strict"` departs from the released scripts of SpecV, and how much each one touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from imug_metrics.protocols.specv.names import TaskKey, Track, find_track
from imug_metrics.protocols.specv.results import JudgedItem, ModelResults, Result
from imug_metrics.protocols.specv.scoring import OfficialError, official_scores
from imug_metrics.protocols.specv.tasks import Task

Unit = Literal["items", "tasks", "results", "dimensions", "numbers"]


@dataclass(frozen=True)
class Rule:
    """One difference between the protocols.

    Attributes:
        name: what it is about.
        official: what the released scripts do, and `protocol="specv"` with them.
        strict: what `protocol="strict"` does.
        unit: what is counted.
    """

    name: str
    official: str
    strict: str
    unit: Unit


@dataclass(frozen=True)
class Difference:
    """A rule, and how many of its units it touches: those that the two protocols read differently."""

    rule: Rule
    touched: int

    def __str__(self) -> str:
        rule = self.rule
        return f"{rule.name}: touches {self.touched} {rule.unit}; released: {rule.official}; strict: {rule.strict}"


RULES: tuple[Rule, ...] = (
    Rule("spelling", 'an answer such as "yes " is not met', "case and blanks of an answer do not matter", "items"),
    Rule(
        "no answer",
        'an item that was answered neither yes nor no ("N/A") counts as not met',
        "it is missing, and shows in the coverage",
        "items",
    ),
    Rule("expected answer", "as the result has it", "as the checklist has it", "items"),
    Rule(
        "absent item",
        "an item that the result lacks does not count",
        "it is missing, as one without an answer",
        "items",
    ),
    Rule("other items", "an item of the result that the checklist lacks counts", "it is passed over", "items"),
    Rule("repeated item", "an item that comes twice in a result counts twice", "the first counts", "items"),
    Rule("weights", "the field `score` is not used", "items weigh by it", "tasks"),
    Rule("group weights", "the items of a group share its weight", "there are no groups", "tasks"),
    Rule("other groups", "items of no group, or of one that weighs 0, do not count", "they count", "items"),
    Rule("absent group", "a group that a task does not have counts 0", "there are no groups", "tasks"),
    Rule("empty list", "a task without items scores 0", "it has no score", "results"),
    Rule("absent result", "a task without result is left out in silence", "it is missing: see the coverage", "tasks"),
    Rule("other results", "a result of no task counts", "it is passed over", "results"),
    Rule("overall", "mean of the dimensions that have a folder, empty ones 0", "mean over tasks", "dimensions"),
    Rule("rounding", "to 2 places, of tasks, dimensions and tracks, each from the last", "none", "numbers"),
)
"""All differences."""


def differences(tasks: Sequence[Task], results: ModelResults) -> list[Difference]:
    """How much each of `RULES` touches in one model's results on one track.

    Args:
        tasks: of the track of the results.
        results: of one model.

    Returns:
        One entry a rule, in their order; `str` of it is a sentence.
    """
    track, by_task = find_track(results.track), results.by_task()
    known = {task.key: task for task in tasks}
    found = [result for result in by_task.values() if result.key in known]
    items = [item for result in found for item in result.judged]
    counts = {
        "spelling": sum(item.answer is not None and item.row.get("answer") not in ("Yes", "No") for item in items),
        "no answer": sum(item.answer is None for item in items),
        "expected answer": sum(_other_expected(known[result.key], result) for result in found),
        "absent item": sum(len({i.id for i in known[r.key].items} - {i.id for i in r.judged}) for r in found),
        "other items": sum(item.id not in known_ids for item, known_ids in _beside_checklists(found, known)),
        "repeated item": sum(len(result.judged) - len({item.id for item in result.judged}) for result in found),
        "weights": sum(len({item.weight for item in task.items}) > 1 for task in tasks),
        "group weights": sum(_weighs_groups(result, track) for result in found),
        "other groups": sum(not _counts(item, track) for item in items),
        "absent group": sum(
            track.divides_by_all and len(_groups(result, track)) < len(track.weights) for result in found
        ),
        "empty list": sum(not result.items for result in found),
        "absent result": sum(task.key not in by_task for task in tasks),
        "other results": sum(key not in known for key in by_task),
        "overall": _uneven(results),
        "rounding": sum(_is_rounded(result, track) for result in by_task.values()) + _rounded_means(results),
    }
    return [Difference(rule, counts[rule.name]) for rule in RULES]


def _other_expected(task: Task, result: Result) -> int:
    expected = {item.id: item.expected for item in task.items}
    judged = [item for item in result.judged if item.id in expected]
    return sum(expected[item.id or ""] != item.row.get("expected_answer") for item in judged)


def _beside_checklists(
    found: Sequence[Result], known: Mapping[TaskKey, Task]
) -> Iterator[tuple[JudgedItem, frozenset[str]]]:
    """Judged items, each with the ids of the items of its task."""
    for result in found:
        ids = frozenset(item.id for item in known[result.key].items)
        yield from ((item, ids) for item in result.judged)


def _group(item: JudgedItem, track: Track) -> str | None:
    given = item.row.get(track.grouped_by or "", "")
    return track.group(given) if isinstance(given, str) else None


def _counts(item: JudgedItem, track: Track) -> bool:
    name = _group(item, track)
    return track.grouped_by is None or (name is not None and track.weights[name] > 0)


def _groups(result: Result, track: Track) -> set[str]:
    return {name for item in result.judged if (name := _group(item, track)) is not None}


def _weighs_groups(result: Result, track: Track) -> bool:
    """Whether items count differently because of their groups."""
    sizes = Counter(name for item in result.judged if _counts(item, track) and (name := _group(item, track)))
    return len({track.weights[name] / size for name, size in sizes.items()}) > 1


def _rounded_means(results: ModelResults) -> int:
    """Released means of dimensions and of the track that cannot be written with 2 places; 0 where there are none."""
    try:
        scores = official_scores(results)
    except OfficialError:
        return 0
    means = [[task.score for task in tasks] for tasks in scores.tasks.values()] + [[*scores.means.values()]]
    return sum(round(100 * sum(values)) % len(values) != 0 for values in means if values)


def _uneven(results: ModelResults) -> int:
    """Dimensions, where they do not all have as many results: then their mean is not that over tasks."""
    sizes = [len(found) for found in results.dimensions.values()]
    return len(sizes) if len(set(sizes)) > 1 else 0


def _is_rounded(result: Result, track: Track) -> bool:
    """Whether the released score of a task cannot be written with 2 places."""
    return any(10_000 * count % total for count, total in _parts(result, track))


def _parts(result: Result, track: Track) -> Iterator[tuple[int, int]]:
    """Met items and all items, of a task or of each of its groups that count."""
    groups: dict[str | None, list[bool]] = {}
    for item in result.judged:
        if _counts(item, track):
            met = str(item.row.get("expected_answer")) == str(item.row.get("answer"))
            groups.setdefault(_group(item, track), []).append(met)
    yield from ((sum(met), len(met)) for met in groups.values())
