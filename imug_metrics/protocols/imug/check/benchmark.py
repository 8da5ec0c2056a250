# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a benchmark's own rows: questions, input images, keys and evaluation points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
from imug_metrics.protocols.imug.check.image import check_image
from imug_metrics.protocols.imug.check.links import Tasks, check_dynamic, check_grids, check_links
from imug_metrics.protocols.imug.counting import check_benchmark_counting
from imug_metrics.protocols.imug.images import IMAGES
from imug_metrics.protocols.imug.samples import (
    CLASSES,
    DYNAMIC,
    SAMPLES,
    UNASSIGNED,
    Key,
    Sample,
    Task,
    read_samples,
    sample_key,
)
from imug_metrics.reading.files import Problems, as_turn, inside, kind, read_jsonl


def check_benchmark(root: Path, problems: Problems) -> list[Sample]:
    """Collect everything that is wrong with a benchmark folder.

    Beside what keeps a turn from being read this lists what the readers pass over in silence: input images that are
    absent or cannot be decoded, image turns without evaluation points, keys that no answer can match, links that lead
    nowhere, dynamic questions that will never be resolved, and grids without a turn.

    Args:
        root: holds data/ and, where there is one, config/.
        problems: collects what is found, with file, line and field.

    Returns:
        The samples that can be read.

    Raises:
        FileNotFoundError: if there is no data/benchmark.jsonl.
        ArgumentError: if the turns of a file count from 0: nothing else is looked at then.
    """
    samples = read_samples(root, problems)
    check_benchmark_counting(root, samples)
    tasks = {sample.key: {task.turn: task for task in sample.tasks} for sample in samples}
    drawn = _check_rows(root, tasks, problems)
    check_links(root, tasks, drawn, problems)
    check_dynamic(root, tasks, problems)
    check_grids(root, tasks, problems)
    for domain in sorted({sample.domain for sample in samples if sample.category == UNASSIGNED}):
        problems.warn(root / CLASSES, None, domain, f"the domain is in no class: it is counted as {UNASSIGNED}")
    return samples


def _check_rows(root: Path, tasks: Tasks, problems: Problems) -> set[tuple[Key, int]]:
    """Look at every row that was read; returns the turns that have an input image."""
    path, unread = root / SAMPLES, Problems()  # what keeps a row from being read is on the list already
    checker = _Inputs(root / IMAGES, path, problems)
    seen: set[Key] = set()
    drawn: set[tuple[Key, int]] = set()
    for line, row in read_jsonl(path, unread):
        key = sample_key(row, path, line, unread)
        if key is None or key in seen:
            continue
        seen.add(key)
        _check_order(tasks[key], path, line, problems)
        if not isinstance(row.get("system_prompt", ""), (str, type(None))):
            found = kind(row["system_prompt"])
            problems.error(path, line, "system_prompt", f"expected text, got {found}")
        rows = row.get("tasks")
        for place, entry in enumerate(rows if isinstance(rows, list) else ()):
            turn = as_turn(entry.get("turn")) if isinstance(entry, dict) else None
            task = None if turn is None else tasks[key].get(turn)
            if task is None:
                continue
            field = f"tasks[{place}]"
            if checker.check(entry.get("input"), task, line, f"{field}.input"):
                drawn.add((key, task.turn))
            if task.modality == "image":
                _check_points(entry.get("output"), path, line, f"{field}.output.evaluation_points", problems)
            else:
                _check_key(task, path, line, f"{field}.output.answer", problems)
    return drawn


def _check_order(tasks: Mapping[int, Task], path: Path, line: int, problems: Problems) -> None:
    if not tasks or list(tasks) != list(range(1, len(tasks) + 1)):
        found = ", ".join(map(str, list(tasks)[:20])) or "none"
        problems.warn(path, line, "tasks", f"expected turns 1, 2, ... in this order, got {found}")


def _check_points(output: Any, path: Path, line: int, field: str, problems: Problems) -> None:
    points = output.get("evaluation_points") if isinstance(output, dict) else None
    if points is None or points == []:
        problems.warn(path, line, field, "has none: the image is not scored")
    elif not isinstance(points, list):
        problems.error(path, line, field, f"expected a list, got {kind(points)}")
    elif any(not isinstance(point, str) or not point.strip() for point in points):
        problems.error(path, line, field, "expected texts that are not empty")


def _check_key(task: Task, path: Path, line: int, field: str, problems: Problems) -> None:
    if task.answer is None:
        problems.warn(path, line, field, "has no key: the turn is not scored")
    elif task.dynamic:
        if task.answer.rpartition(DYNAMIC)[2].strip():
            problems.warn(path, line, field, f"what follows {DYNAMIC} is dropped")
    elif task.answer.strip() and not _can_score(task.answer):
        problems.warn(path, line, field, f"under the official rule every answer to {task.answer[:40]!r} scores 0")


def _can_score(key: str) -> bool:
    """Whether the official rule gives a score above 0 to an answer that repeats the key."""
    letters = " ".join(letter for letter in key if letter in "ABCDEFG")
    return bool(answer_accuracy([letters], [key], kind="choice", protocol="imug", reduction="mean") > 0)


class _Inputs:
    """Checks the inputs of turns; an image that several turns share is decoded once."""

    def __init__(self, images: Path, path: Path, problems: Problems) -> None:
        self.images, self.path, self.problems = images, path, problems
        self.seen: dict[str, bool] = {}

    def check(self, inputs: Any, task: Task, line: int, field: str) -> bool:
        """Collect what is wrong; returns whether the turn brings an image that exists."""
        if not isinstance(inputs, list):
            self.problems.error(self.path, line, field, f"expected a list, got {kind(inputs)}")
            return False
        names: list[bool] = []
        for place, entry in enumerate(inputs):
            if not isinstance(entry, dict) or not {"text", "image"} & set(entry):
                self.problems.error(self.path, line, f"{field}[{place}]", "expected an object with text or image")
            else:
                names += self._check_entry(entry, line, f"{field}[{place}]")
        if not task.prompt:
            self.problems.warn(self.path, line, field, "asks nothing: there is no text")
        elif task.modality == "image" and not _has_text(inputs):
            self.problems.warn(self.path, line, f"{field}[0]", "expected the text first; the official judge stops here")
        return any(names)

    def _check_entry(self, entry: Mapping[str, Any], line: int, field: str) -> Sequence[bool]:
        if "text" in entry and not isinstance(entry["text"], str):
            self.problems.error(self.path, line, f"{field}.text", f"expected text, got {kind(entry['text'])}")
        return [self._check_image(entry["image"], line, f"{field}.image")] if "image" in entry else []

    def _check_image(self, name: Any, line: int, field: str) -> bool:
        if not isinstance(name, str):
            self.problems.error(self.path, line, field, f"expected the name of an image, got {kind(name)}")
            return False
        real = inside(self.images / name, self.images)
        if real is None:
            there = f"there is no such file in {IMAGES}"
            self.problems.error(self.path, line, field, f"expected an image, {there}: {name[:120]!r}")
        elif name not in self.seen:
            check_image(self.images / name, "", self.problems)
        self.seen[name] = real is not None
        return real is not None


def _has_text(inputs: Sequence[Any]) -> bool:
    return isinstance(inputs[0], dict) and isinstance(inputs[0].get("text"), str)
