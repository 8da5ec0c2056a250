# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The dialogues that a model is led through: the lines of a benchmark as they stand, read part by part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.inference.model import ImageFile, Message, Part, Want
from imug_metrics.protocols.imug.images import IMAGES
from imug_metrics.protocols.imug.samples import SAMPLES, Key
from imug_metrics.reading.files import Problems, as_name, as_turn, inside, read_jsonl

_WANTS: Mapping[str, Want] = {"text": "text", "image": "image"}


class BrokenSampleError(ValueError):
    """A sample that cannot be gone on with: it gets no result.json."""


@dataclass(frozen=True)
class Task:
    """One turn as the benchmark's line holds it.

    Attributes:
        turn: its number, from 1.
        want: what the model has to reply with.
        row: the object of the line.
        images: folder of the benchmark's images.
    """

    turn: int
    want: Want
    row: Mapping[str, Any]
    images: Path

    def message(self) -> Message:
        """What the user says: texts and images in the order of the inputs, and of the keys within one.

        Raises:
            BrokenSampleError: if an image is not there.
        """
        given = self.row.get("input")
        items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        return Message("user", tuple(self._parts(items)))

    def _parts(self, items: list[dict[str, Any]]) -> Iterator[Part]:
        for item in items:
            for name, value in item.items():
                if name == "text" and isinstance(value, str):
                    yield value
                elif name == "image" and isinstance(value, str):
                    yield self.image(value)

    def image(self, name: str) -> ImageFile:
        """An image of the benchmark.

        Raises:
            BrokenSampleError: if it is not there.
        """
        path = inside(self.images / name, self.images)
        if path is None:
            raise BrokenSampleError(f"Input image not found: {self.images / name}")
        return ImageFile(path.read_bytes())


@dataclass(frozen=True)
class Question:
    """One dialogue: a line of the benchmark.

    Attributes:
        key: names of its folders, as `imug_metrics.protocols.imug.Sample.key`; the subdomain is the category where the
            line has none, else "Unknown".
        row: the line's object.
        line: its number.
        root: the benchmark's folder.
    """

    key: Key
    row: Mapping[str, Any]
    line: int
    root: Path

    @property
    def dialogue(self) -> str:
        """The id that records have."""
        return "/".join(self.key)

    @property
    def digest(self) -> str:
        """Of the line: it changes with whatever is asked, also with what result.json does not tell."""
        return hashlib.sha256(json.dumps(self.row, sort_keys=True).encode()).hexdigest()

    @property
    def system(self) -> tuple[Message, ...]:
        """The message that stands before all others, if there is one."""
        said = self.row.get("system_prompt")
        return (Message("system", (said,)),) if isinstance(said, str) and said else ()

    @property
    def rows(self) -> list[Any]:
        """The objects of its turns.

        Raises:
            BrokenSampleError: if there are none.
        """
        rows = self.row.get("tasks")
        if not isinstance(rows, list) or not rows:
            raise BrokenSampleError("Benchmark record must contain a non-empty tasks list")
        return rows

    def tasks(self) -> Iterator[Task]:
        """The turns one by one: what is wrong with one is not seen before its predecessors are answered.

        Raises:
            BrokenSampleError: if one has no number, a number that was there before, or another modality.
        """
        seen: set[int] = set()
        sample = self.row.get("sample_id")
        for place, row in enumerate(self.rows, 1):
            turn = as_turn(row.get("turn")) if isinstance(row, dict) else None
            if turn is None or turn in seen:
                raise BrokenSampleError(f"Invalid turn in sample {sample}, task {place}")
            seen.add(turn)
            modality = row.get("modality")
            want = _WANTS.get(modality.lower()) if isinstance(modality, str) else None
            if want is None:
                raise BrokenSampleError(f"Invalid modality in sample {sample}, turn {row.get('turn')}")
            yield Task(turn, want, row, self.root / IMAGES)


def read_questions(root: Path, problems: Problems, limit: int | None = None) -> list[Question]:
    """The dialogues of a benchmark in the official layout, in their order.

    Args:
        root: holds data/benchmark.jsonl, and images in data/images.
        problems: collects lines that cannot be read, and dialogues whose name another one has; they are left out.
        limit: read only the first so many.
    """
    found: dict[Key, Question] = {}
    path = root / SAMPLES
    for line, row in read_jsonl(path, problems):
        if limit is not None and len(found) >= limit:
            break
        names = (row.get("domain"), row.get("subdomain") or row.get("category") or "Unknown", row.get("sample_id"))
        key = tuple(name for name in map(as_name, names) if name is not None)
        if len(key) != 3:
            problems.error(path, line, "", "expected domain, subdomain and sample_id that can be names of folders")
        elif key in found:
            problems.error(path, line, "sample_id", f"{'/'.join(key)} is the name of line {found[key].line} already")
        else:
            found[key] = Question(key, row, line, root)
    return list(found.values())
