# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the judge found: eval/<track>/results/<model>/<dimension>/<id>.json, checklists with an answer to each item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imug_metrics.protocols.specv.names import TaskKey, find_track
from imug_metrics.protocols.specv.tasks import item_id
from imug_metrics.reading.files import Problems, inside, kind, read_json

UNANSWERED = "N/A"
"""What the released judge writes for an item that its reply leaves out."""


@dataclass(frozen=True)
class JudgedItem:
    """One item of a checklist as it was judged.

    Attributes:
        row: its fields as they stand in the file, which `protocol="specv"` compares as they are.
    """

    row: Mapping[str, Any]

    @property
    def id(self) -> str | None:
        """The number of the item within its checklist; None where it has none."""
        return item_id(self.row.get("id"))

    @property
    def answer(self) -> bool | None:
        """Whether the judge said yes, whatever the case and the blanks; None: neither yes nor no.

        Example:
            >>> [JudgedItem({"answer": given}).answer for given in ("Yes", " no ", "N/A", True)]
            [True, False, None, None]
        """
        return read_answer(self.row.get("answer"))


@dataclass(frozen=True)
class Result:
    """The judged checklist of one task.

    Attributes:
        key: of the task; its id is the name of the file.
        file: where it is.
        items: as they stand in the file; what is no object there is kept as it is.
    """

    key: TaskKey
    file: Path
    items: tuple[JudgedItem | Any, ...]

    @property
    def judged(self) -> tuple[JudgedItem, ...]:
        """The items that are objects."""
        return tuple(item for item in self.items if isinstance(item, JudgedItem))


@dataclass(frozen=True)
class ModelResults:
    """All that was judged of one model on one track.

    Attributes:
        track: its name.
        model: name of its folder.
        dimensions: results by dimension, in the track's order and that of the files' names; a dimension without folder
            is absent, one whose folder is empty has none.
        refused: files and folders that could not be read, with the reason.
    """

    track: str
    model: str
    dimensions: Mapping[str, tuple[Result, ...]]
    refused: Mapping[Path, str] = field(default_factory=dict)

    def by_task(self) -> dict[TaskKey, Result]:
        """The results by the task that they are of."""
        return {result.key: result for results in self.dimensions.values() for result in results}


def list_models(results: Path) -> list[str]:
    """Names of the model folders below eval/<track>/results, in order; hidden ones count in the released script too."""
    return sorted(path.name for path in results.iterdir() if path.is_dir())


def read_results(folder: Path, track: str, problems: Problems) -> ModelResults:
    """What was judged of one model on one track.

    Args:
        folder: eval/<track>/results/<model>; nothing outside of it is read.
        track: its name.
        problems: collects what is wrong.

    Returns:
        The results. Files count whose names end in `.json` and that lie in the folder of a dimension itself.

    Raises:
        ArgumentError: if there is no such track.
        FileNotFoundError: if there is no such folder.
    """
    dimensions = find_track(track).dimensions
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist")
    found: dict[str, tuple[Result, ...]] = {}
    refused: dict[Path, str] = {}
    root = folder.resolve()
    for dimension in dimensions:
        place = folder / dimension
        if not place.is_dir():
            continue
        if not place.resolve().is_relative_to(root):
            _refuse(refused, problems, place, "leads out of the model's folder: not followed")
            continue
        paths = sorted((path for path in place.iterdir() if path.name.endswith(".json")), key=lambda path: path.name)
        read = (_read_result(TaskKey(track, dimension, path.stem), path, folder, refused, problems) for path in paths)
        found[dimension] = tuple(result for result in read if result is not None)
    for place in sorted(folder.iterdir()):
        if place.is_dir() and place.name not in dimensions:
            problems.warn(place, None, "", f"is no dimension of track {track}: passed over")
    return ModelResults(track, folder.name, found, refused)


def read_answer(value: Any) -> bool | None:
    """Whether an answer is yes, whatever its case and the blanks around it; None: neither yes nor no."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return {"yes": True, "no": False}.get(word)


def _read_result(key: TaskKey, path: Path, folder: Path, refused: dict[Path, str], problems: Problems) -> Result | None:
    if inside(path, folder) is None:
        _refuse(refused, problems, path, "leads out of the model's folder or is no file: not followed")
        return None
    before = problems.errors
    rows = read_json(path, problems)
    if problems.errors > before:
        refused[path] = problems[-1].message
        return None
    if rows in ({}, ""):  # of no length, as an empty list is to the released script
        problems.warn(path, None, "", f"expected a list, got {kind(rows)}; it is read as an empty one")
        rows = []
    if not isinstance(rows, list):
        _refuse(refused, problems, path, f"expected a list, got {kind(rows)}")
        return None
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            problems.error(path, None, f"[{place}]", f"expected an object, got {kind(row)}")
    return Result(key, path, tuple(JudgedItem(row) if isinstance(row, dict) else row for row in rows))


def _refuse(refused: dict[Path, str], problems: Problems, path: Path, why: str) -> None:
    problems.error(path, None, "", why)
    refused[path] = why
