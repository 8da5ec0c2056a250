# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tasks: eval_data/<track>/<dimension>.jsonl with the checklists eval_checklist/<track>/<dimension>/<id>.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from imug_metrics.protocols.specv.names import TRACKS, TaskKey, Track, find_track
from imug_metrics.reading.files import Problems, as_name, inside, kind, read_json, read_jsonl

DATA = "eval_data"
_HEAVIEST = 1e300  # a whole number beyond it has no float
CHECKLISTS = "eval_checklist"


@dataclass(frozen=True)
class Item:
    """One yes/no specification of a task.

    Attributes:
        id: its number within the checklist, as text.
        question: what the judge is asked.
        category, subcategory: what it is about; empty where it is not said.
        expected: the answer that meets it, as the file has it: "Yes", or "No" of what must not be.
        weight: the field `score`, finite and from 0.
    """

    id: str
    question: str
    category: str
    subcategory: str
    expected: str
    weight: float


@dataclass(frozen=True)
class Task:
    """One task with its checklist.

    Attributes:
        track, dimension, id: name it; the dimension is the name of the file that it is in.
        question: the prompt, with placeholders such as [IMAGE1] in some tracks.
        images: paths of its input images, none of which leads out of the folder of the track; they need not be there.
        answer: the reference answer, which two of the tracks have.
        items: its specifications; none where its checklist is absent or cannot be read.
    """

    track: str
    dimension: str
    id: str
    question: str
    images: tuple[Path, ...] = ()
    answer: str | None = None
    items: tuple[Item, ...] = ()

    @property
    def key(self) -> TaskKey:
        """What names the task in every file."""
        return TaskKey(self.track, self.dimension, self.id)


def read_tasks(root: Path, problems: Problems, tracks: Iterable[str] | None = None) -> list[Task]:
    """All tasks of a checkout of the benchmark, or of some of its tracks.

    Args:
        root: holds eval_data and eval_checklist.
        problems: collects what is wrong: a task without checklist, a checklist without task, a field that is not as
            expected. Of tasks and items that occur twice the first is kept.
        tracks: their names; None: all of which there is a folder in eval_data.

    Returns:
        The tasks in the order of tracks, dimensions and lines.

    Raises:
        FileNotFoundError: if there is no folder eval_data, or none of a track that was named.
        ArgumentError: if there is no track of a name.
    """
    if not (root / DATA).is_dir():
        raise FileNotFoundError(f"{root / DATA} does not exist")
    if tracks is None:
        chosen = [track for track in TRACKS.values() if (root / DATA / track.name).is_dir()]
    else:
        chosen = [find_track(name) for name in dict.fromkeys(tracks)]
    for track in chosen:
        if not (root / DATA / track.name).is_dir():
            raise FileNotFoundError(f"{root / DATA / track.name} does not exist")
    return [task for track in chosen for task in _track_tasks(root, track, problems)]


def _track_tasks(root: Path, track: Track, problems: Problems) -> Iterator[Task]:
    folder = root / DATA / track.name
    for path in sorted(folder.glob("*.jsonl")):
        if path.stem not in track.dimensions:
            problems.warn(path, None, "", f"is no dimension of track {track.name}: passed over")
    absent = 0
    for dimension in track.dimensions:
        found = _dimension_tasks(root, track, dimension, problems)
        absent += sum(not image.exists() for task in found for image in task.images)
        yield from found
    if absent:
        problems.warn(folder, None, "question_img", f"{absent} input images are not there")


def _dimension_tasks(root: Path, track: Track, dimension: str, problems: Problems) -> list[Task]:
    path = root / DATA / track.name / f"{dimension}.jsonl"
    if inside(path, root) is None:
        there = path.is_symlink() or path.exists()
        problems.error(path, None, "", "leads out of the benchmark or is no file" if there else "does not exist")
        return []
    checklists = root / CHECKLISTS / track.name / dimension
    tasks: dict[str, Task] = {}
    others: Counter[str] = Counter()
    for line, row in read_jsonl(path, problems):
        name, question = as_name(row.get("id")), row.get("question")
        if name is None:
            given = str(row.get("id"))[:80]
            problems.error(path, line, "id", f"expected text that can name a file, got {given!r}")
        elif not isinstance(question, str):
            problems.error(path, line, "question", f"expected text, got {kind(question)}")
        elif name in tasks:
            problems.warn(path, line, "id", f"task {name} occurs twice; the first is kept")
        else:
            stated = row.get("dimension", dimension)
            others[str(stated)[:80]] += stated != dimension
            images = _images(row.get("question_img"), path, line, problems)
            items = _read_items(checklists / f"{name}.json", root, problems)
            tasks[name] = Task(track.name, dimension, name, question, images, _text(row.get("answer")), items)
    for stated, count in (+others).items():
        problems.warn(path, None, "dimension", f"{count} rows say {stated!r}; the name of the file counts")
    for file in sorted(checklists.glob("*.json")):
        if file.stem not in tasks:
            problems.warn(file, None, "", "is the checklist of no task")
    return list(tasks.values())


def _text(value: Any) -> str | None:
    """A reference answer as text; a number is turned into it."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)


def _images(given: Any, path: Path, line: int, problems: Problems) -> tuple[Path, ...]:
    """Paths of input images below the track's folder; they may be absent, as they are not part of the repository."""
    if given is None:
        return ()
    if not isinstance(given, list):
        problems.error(path, line, "question_img", f"expected a list, got {kind(given)}")
        return ()
    images = []
    for place, name in enumerate(given):
        image = _below(path.parent, name)
        if image is None:
            message = f"expected a path below the folder of the track, got {str(name)[:80]!r}"
            problems.error(path, line, f"question_img[{place}]", message)
        else:
            images.append(image)
    return tuple(images)


def _below(folder: Path, name: Any) -> Path | None:
    if not isinstance(name, str) or not name or len(name) > 1024 or "\0" in name or "\\" in name:
        return None
    parts = PurePosixPath(name)
    if (
        parts.is_absolute()
        or ".." in parts.parts
        or any(len(part.encode("utf-8", "replace")) > 255 for part in parts.parts)
    ):
        return None
    path = folder / parts
    leads = path.is_symlink() or path.exists()
    return None if leads and inside(path, folder) is None else path


def _read_items(path: Path, root: Path, problems: Problems) -> tuple[Item, ...]:
    if inside(path, root) is None:
        there = path.is_symlink() or path.exists()
        why = "leads out of the benchmark or is no file" if there else "does not exist: the task has no checklist"
        problems.error(path, None, "", why)
        return ()
    rows = read_json(path, problems)
    if not isinstance(rows, list):
        if rows is not None:
            problems.error(path, None, "", f"expected a list, got {kind(rows)}")
        return ()
    items: dict[str, Item] = {}
    for place, row in enumerate(rows):
        item = _read_item(row, path, f"[{place}]", problems)
        if item is not None and item.id in items:
            problems.warn(path, None, f"[{place}].id", f"item {item.id} occurs twice; the first is kept")
        elif item is not None:
            items[item.id] = item
    return tuple(items.values())


def _read_item(row: Any, path: Path, field: str, problems: Problems) -> Item | None:
    if not isinstance(row, dict):
        problems.error(path, None, field, f"expected an object, got {kind(row)}")
        return None
    name, weight = item_id(row.get("id")), row.get("score")
    if name is None:
        problems.error(path, None, f"{field}.id", f"expected a number or text, got {kind(row.get('id'))}")
        return None
    for key in ("question", "expected_answer"):
        if not isinstance(row.get(key), str):
            problems.error(path, None, f"{field}.{key}", f"expected text, got {kind(row.get(key))}")
            return None
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= _HEAVIEST:
        problems.error(path, None, f"{field}.score", f"expected a number from 0, got {str(weight)[:80]!r}")
        return None
    category, subcategory = (row.get(key) for key in ("category", "subcategory"))
    return Item(
        name,
        row["question"],
        category if isinstance(category, str) else "",
        subcategory if isinstance(subcategory, str) else "",
        row["expected_answer"],
        float(weight),
    )


def item_id(value: Any) -> str | None:
    """The id of an item as text, or None where it is neither a whole number nor text.

    Example:
        >>> item_id(7), item_id("7"), item_id(True), item_id(None)
        ('7', '7', None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    return str(value)[:200] or None
