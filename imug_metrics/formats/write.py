# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records to the one format of our own: chat JSON lines, one dialogue a line, with images as files beside them."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import Record, by_dialogue
from imug_metrics.media.formats import SUFFIXES, open_image
from imug_metrics.protocols.imug.options import question_options
from imug_metrics.reading.options import DEFAULT_OPTIONS
from imug_metrics.report.files import write_whole


def write_records(records: Mapping[str, Iterable[Record]], path: Path | str) -> Path:
    """Write records as chat JSON lines, which `read_records` reads again as they were.

    Args:
        records: by model.
        path: the file. Images are copied beside it, into a folder of its name and `_images`.

    Returns:
        The path.

    Raises:
        OSError: if a file cannot be written, or an image cannot be read.

    Example:
        >>> import tempfile
        >>> from imug_metrics.formats import read_records
        >>> options = {"A": "red", "B": "blue"}
        >>> record = Record("a", 1, "text", "Which? A. red B. blue", text="B", target="B", options=options)
        >>> path = write_records({"mine": [record]}, Path(tempfile.mkdtemp(), "all.jsonl"))
        >>> read_records(path) == {"mine": [record]}
        True
    """
    path = Path(path)
    folder = path.parent / f"{path.stem}_images"
    lines = []
    for number, (model, found) in enumerate(records.items(), 1):
        images = _Images(folder, f"{number}_" if len(records) > 1 else "")
        for count, dialogue in enumerate(by_dialogue(found), 1):
            lines.append(_line(model, sorted(dialogue, key=lambda record: record.turn), f"{count}", images))
    return write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


class _Images:
    """Copies images into a folder, which is made for the first, under names that begin alike."""

    def __init__(self, folder: Path, beginning: str) -> None:
        self.folder, self.beginning = folder, beginning

    def copy(self, image: Path | bytes, name: str) -> str:
        """Write an image under a name; its path as seen from the file beside the folder."""
        suffix = _suffix(image) if isinstance(image, bytes) else Path(image).suffix.lower()
        target = self.folder / f"{self.beginning}{name}{suffix}"
        self.folder.mkdir(parents=True, exist_ok=True)
        if isinstance(image, bytes):
            target.write_bytes(image)
        elif not (target.exists() and target.samefile(image)):
            shutil.copyfile(image, target)
        return f"{self.folder.name}/{target.name}"


def _suffix(content: bytes) -> str:
    """The suffix of an image's format; none where it is no image."""
    try:
        with open_image(io.BytesIO(content)) as image:
            return next(suffix for suffix, name in SUFFIXES.items() if name == image.format)
    except (ValueError, StopIteration):
        return ""


def _line(model: str, records: Sequence[Record], name: str, images: _Images) -> dict[str, Any]:
    turns = [record.turn for record in records]
    groups = [dict(record.groups) for record in records]
    shared = groups[0] if all(entry == groups[0] for entry in groups) else {}
    messages = [
        message for record in records for message in _messages(record, f"{name}_{record.turn}", images, not shared)
    ]
    answered = any(record.text is not None or record.image is not None for record in records)
    attempted = all(record.attempted for record in records)
    return {
        "dialogue": records[0].dialogue,
        "model": model,
        **({} if turns == [*range(1, len(turns) + 1)] else {"turns": turns}),
        **({} if attempted == answered else {"attempted": attempted}),
        **({"groups": shared} if shared else {}),
        "messages": messages,
    }


def _messages(record: Record, name: str, images: _Images, grouped: bool) -> Iterator[dict[str, Any]]:
    """The user's message, with what is known of the turn, and the model's."""
    options = record.options
    if options is None and record.modality == "text" and question_options(record.prompt, record.target):
        options = DEFAULT_OPTIONS  # else those of the prompt would be read
    beside: dict[str, Any] = {
        "target": record.target,
        "options": dict(options) if isinstance(options, Mapping) else options,
        "links": list(record.links),
        "subject": record.subject,
        "groups": dict(record.groups) if grouped else {},
        "scores": {name: "nan" if math.isnan(value) else value for name, value in record.scores.items()},
        "costs": dict(record.costs),
        "reference_image": None if record.reference is None else images.copy(record.reference, f"{name}_reference"),
        "mask": None if record.mask is None else images.copy(record.mask, f"{name}_mask"),
    }
    there = {name: value for name, value in beside.items() if value not in (None, [], {})}
    lists = {"objects": record.objects, "target_objects": record.target_objects}
    there |= {name: list(names) for name, names in lists.items() if names is not None}  # an empty one says something
    yield {"role": "user", "content": record.prompt, "modality": record.modality, **there}
    yield {"role": "assistant", "content": _content(record, name, images)}


def _content(record: Record, name: str, images: _Images) -> str | list[dict[str, Any]] | None:
    if record.image is None:
        return record.text
    text = [] if record.text is None else [{"type": "text", "text": record.text}]
    return [*text, {"type": "image_url", "image_url": {"url": images.copy(record.image, name)}}]
