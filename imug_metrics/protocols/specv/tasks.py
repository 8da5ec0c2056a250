# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks of SpecV and their checklists, from `eval_data/<track>/<dimension>.jsonl` and `eval_checklist/<track>/`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from imug_metrics.protocols.specv.tracks import TRACKS, Track
from imug_metrics.reading.files import Problems, as_name, inside, kind, read_json, read_jsonl

DATA, CHECKLISTS = "eval_data", "eval_checklist"


class TaskKey(NamedTuple):
    """Which task: ids are repeated over dimensions."""

    track: str
    dimension: str
    id: str

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True)
class Item:
    """One specification.

    Attributes:
        id: within its list.
        question: what the judge answers.
        expected: "yes" or "no".
        weight: its released `score`.
        category, subcategory: its place.
    """

    id: str
    question: str
    expected: str
    weight: float
    category: str
    subcategory: str


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        key: which.
        question: what the model was asked, with `[IMAGE1]`, ... where an image stands.
        images: of the question, files that are there.
        answer: the reference, or None.
        items: the checklist.
    """

    key: TaskKey
    question: str
    images: tuple[Path, ...] = ()
    answer: str | None = None
    items: tuple[Item, ...] = ()


def read_tasks(root: Path, problems: Problems, tracks: Iterable[str] = tuple(TRACKS)) -> list[Task]:
    """The tasks of a checkout, in the order of tracks, dimensions and files.

    The dimension is that of the file; the field `dimension` of a line says something else in places.

    Args:
        root: the checkout.
        problems: collects what is wrong: a task without a checklist is an error and is left out, a checklist without a
            task a warning. Images of questions that are not there are warnings: they are fetched apart.
        tracks: names of `TRACKS`.
    """
    found: dict[TaskKey, Task] = {}
    for name in tracks:
        for dimension in TRACKS[name].dimensions:
            for task in _dimension(root, TRACKS[name], dimension, problems):
                if task.key in found:
                    problems.warn(root / DATA / name / f"{dimension}.jsonl", None, task.key.id, "comes twice")
                found.setdefault(task.key, task)
    return [*found.values()]


def _dimension(root: Path, track: Track, dimension: str, problems: Problems) -> Iterable[Task]:
    path = root / DATA / track.name / f"{dimension}.jsonl"
    folder = root / CHECKLISTS / track.name / dimension
    seen = set()
    for line, row in read_jsonl(path, problems):
        name = as_name(row.get("id"))
        if name is None:
            problems.error(path, line, "id", f"expected a name, got {str(row.get('id'))[:80]!r}")
            continue
        seen.add(name)
        items = read_checklist_file(folder / f"{name}.json", problems)
        if items:
            images = _images(root / DATA / track.name, row.get("question_img"), path, line, problems)
            answer = row.get("answer")
            question, text = str(row.get("question", "")), answer if isinstance(answer, str) else None
            yield Task(TaskKey(track.name, dimension, name), question, images, text, items)
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        if file.stem not in seen:
            problems.warn(file, None, "", "a checklist without a task: it is not used")


def read_checklist_file(path: Path, problems: Problems) -> tuple[Item, ...]:
    """The items of a checklist; none, with the reason collected, where it cannot be read."""
    value = read_json(path, problems)
    if not isinstance(value, list):
        if value is not None:
            problems.error(path, None, "", f"expected a list of items, got {kind(value)}")
        return ()
    found = [_item(row, place, path, problems) for place, row in enumerate(value)]
    return tuple(item for item in found if item is not None)


def _item(row: Any, place: int, path: Path, problems: Problems) -> Item | None:
    if not isinstance(row, Mapping):
        problems.error(path, None, f"[{place}]", f"expected an object, got {kind(row)}")
        return None
    expected = plain_answer(row.get("expected_answer"))
    if expected is None:
        told = str(row.get("expected_answer"))[:80]
        problems.error(path, None, f"[{place}].expected_answer", f"expected Yes or No, got {told!r}")
        return None
    weight = row.get("score", 1.0)
    fine = isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 <= weight < math.inf
    if not fine:
        problems.error(
            path, None, f"[{place}].score", f"expected a number from 0, got {str(weight)[:80]!r}; 1 is taken"
        )
    category, subcategory = (str(row.get(name) or "") for name in ("category", "subcategory"))
    number = str(row.get("id", place + 1))
    return Item(number, str(row.get("question", "")), expected, float(weight) if fine else 1.0, category, subcategory)


def plain_answer(value: Any) -> str | None:
    """An answer as "yes" or "no", whatever the case, the blanks and the full stop; None for anything else.

    Example:
        >>> [plain_answer(value) for value in ("Yes", " no. ", True, "N/A", "Partly", None)]
        ['yes', 'no', 'yes', None, None, None]
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value).strip().rstrip(".").lower()
    return text if text in ("yes", "no") else None


def _images(root: Path, names: Any, path: Path, line: int, problems: Problems) -> tuple[Path, ...]:
    found = []
    for place, name in enumerate(names if isinstance(names, list) else ()):
        file = inside(root / name, root) if isinstance(name, str) else None
        if file is None:
            problems.warn(path, line, f"question_img[{place}]", f"no file {str(name)[:120]!r} below {root}")
        else:
            found.append(file)
    return tuple(found)
