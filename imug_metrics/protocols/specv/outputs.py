# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model left for the tasks of a track, in the layout of the released outputs, and the records made of it.

Model outputs are untrusted: a file is read, and an image named, only if it lies in the model's folder once all links
are followed, and an image of response.json only if it lies beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.protocols.specv.names import TaskKey, find_track
from imug_metrics.protocols.specv.tasks import Task
from imug_metrics.reading.files import Problems, inside, kind, read_json

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
"""Of single images, in the order in which the released judge looks for them."""

Part = str | Path
"""A piece of an output: text, or the path of an image."""


@dataclass(frozen=True)
class Output:
    """What a model left for one task.

    Attributes:
        key: of the task.
        parts: texts and paths of images, in their order; none where nothing was left that can be read.
        error: why it is not whole, in words; None: it is.
    """

    key: TaskKey
    parts: tuple[Part, ...] = ()
    error: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts among the parts."""
        return tuple(part for part in self.parts if isinstance(part, str))

    @property
    def images(self) -> tuple[Path, ...]:
        """The images among the parts."""
        return tuple(part for part in self.parts if isinstance(part, Path))


def read_outputs(folder: Path, tasks: Sequence[Task], problems: Problems) -> dict[TaskKey, Output]:
    """A model's outputs on a track.

    Args:
        folder: model_outputs/<track>/<model>. It holds `<id>.png` (or another of `SUFFIXES`) of single images,
            `<id>/response.json` with images beside it of interleaved outputs, and `<id>.json` of texts.
        tasks: of one track.
        problems: collects what is wrong; an output that is not whole keeps the parts that can be read.

    Returns:
        One entry a task, in their order.

    Raises:
        ArgumentError: if the tasks are of several tracks.
        FileNotFoundError: if there is no such folder.

    Example:
        >>> read_outputs(Path("."), [], Problems())
        {}
    """
    tracks = list(dict.fromkeys(task.track for task in tasks))
    if len(tracks) > 1:
        raise ArgumentError("tasks", f"expected tasks of one track, got {', '.join(tracks)}")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist")
    if not tracks:
        return {}
    read = {"image": _image, "interleaved": _interleaved, "text": _response}[find_track(tracks[0]).form]
    owners: dict[str, Task] = {}
    found: dict[TaskKey, Output] = {}
    for task in tasks:
        if owners.setdefault(task.id, task) is not task:
            problems.warn(folder, None, task.id, "is the id of tasks of several dimensions, which share the output")
        parts, error = read(folder, task.id, problems)
        found[task.key] = Output(task.key, parts, error)
    return found


def output_records(tasks: Sequence[Task], outputs: Mapping[TaskKey, Output]) -> list[Record]:
    """The outputs as records, one dialogue a task.

    Args:
        tasks: with or without an output.
        outputs: as `read_outputs` gives them.

    Returns:
        One record a task, at turn 1: its texts joined by blank lines, and of several images the last, as a turn has
        one. Its class is the dimension, its domain the track.

    Example:
        >>> task = Task("understanding", "mmmu", "mmmu_001", "How many?", answer="5")
        >>> (record,) = output_records([task], {task.key: Output(task.key, ("5.",))})
        >>> record.dialogue, record.modality, record.text, record.groups["class"]
        ('understanding/mmmu/mmmu_001', 'text', '5.', 'mmmu')
    """
    records = []
    for task in tasks:
        output = outputs.get(task.key, Output(task.key))
        texts, images = output.texts, output.images
        records.append(
            Record(
                dialogue=str(task.key),
                turn=1,
                modality="text" if find_track(task.track).form == "text" else "image",
                prompt=task.question,
                text="\n\n".join(texts) if texts else None,
                image=images[-1] if images else None,
                groups={"class": task.dimension, "domain": task.track},
                attempted=bool(output.parts),
            )
        )
    return records


def _image(folder: Path, name: str, problems: Problems) -> tuple[tuple[Part, ...], str | None]:
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if inside(path, folder) is not None:
            return (path,), None
        if path.is_symlink() or path.exists():
            return (), _told(problems, path, "", "leads out of the model's folder or is no file: not followed")
    return (), _told(problems, folder, name, f"expected an image {name}{SUFFIXES[0]}, found none")


def _interleaved(folder: Path, name: str, problems: Problems) -> tuple[tuple[Part, ...], str | None]:
    path = folder / name / "response.json"
    content, error = _object(path, folder, problems)
    if error is not None:
        return (), error
    rows = content.get("content")
    if not isinstance(rows, list) or not rows:
        got = "an empty list" if isinstance(rows, list) else kind(rows)
        return (), _told(problems, path, "content", f"expected a list of texts and images, got {got}")
    parts: list[Part] = []
    for place, row in enumerate(rows):
        part, why = _part(row, path.parent)
        if part is not None:
            parts.append(part)
        if why is not None:
            error = _told(problems, path, f"content[{place}]", why)
    return tuple(parts), error


def _part(row: Any, folder: Path) -> tuple[Part | None, str | None]:
    """A part of an interleaved output, or why there is none; one of another type without text is passed over."""
    if not isinstance(row, dict):
        return None, f"expected an object, got {kind(row)}"
    if row.get("type") != "image":
        text = row.get("text", "" if row.get("type") == "text" else None)
        if text is None or isinstance(text, str):
            return text, None
        return None, f"expected text, got {kind(text)}"
    name = row.get("image")
    if not isinstance(name, str) or not name or len(name) > 1024:
        return None, f"expected the name of an image, got {str(name)[:80]!r}"
    path = folder / name
    if inside(path, folder) is None:
        return None, f"expected an image beside it, got {name[:80]!r}"
    return path, None


def _response(folder: Path, name: str, problems: Problems) -> tuple[tuple[Part, ...], str | None]:
    path = folder / f"{name}.json"
    content, error = _object(path, folder, problems)
    if error is not None:
        return (), error
    response, failed = content.get("response"), content.get("error")
    if content.get("id", name) != name:
        problems.warn(path, None, "id", f"says {str(content['id'])[:80]!r}; the name of the file counts")
    if isinstance(response, str) and response.strip():
        return (response,), None if failed is None else _told(problems, path, "error", str(failed)[:200])
    why = f"expected text, got {kind(response)}" if not isinstance(response, str) else "expected text, got none"
    return (), _told(problems, path, "response", why if failed is None else f"{why}: {str(failed)[:200]}")


def _object(path: Path, folder: Path, problems: Problems) -> tuple[dict[str, Any], str | None]:
    """The object that a file holds, and why there is none."""
    if inside(path, folder) is None:
        there = path.is_symlink() or path.exists()
        why = "leads out of the model's folder or is no file: not followed" if there else "does not exist"
        return {}, _told(problems, path, "", why)
    before = problems.errors
    content = read_json(path, problems)
    if isinstance(content, dict):
        return content, None
    if problems.errors > before:
        return {}, problems[-1].message
    return {}, _told(problems, path, "", f"expected an object, got {kind(content)}")


def _told(problems: Problems, path: Path, field: str, message: str) -> str:
    """The message, collected as an error."""
    problems.error(path, None, field, message)
    return message
