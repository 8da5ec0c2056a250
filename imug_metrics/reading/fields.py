# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of fields and columns: which are known, which one a misspelled name seems to mean."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.reading.files import Problems

Fields: TypeAlias = "Mapping[str, Fields | None]"
"""Known names; below one that holds an object, or a list of objects, the names of these; None: not looked into."""

_MAX_LISTED = 20


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that another one seems to mean, or None.

    Example:
        >>> nearest("modalty", ["turn", "modality"]), nearest(" Sample-ID", ["sample_id"]), nearest("x", ["turn"])
        ('modality', 'sample_id', None)
    """
    return next(iter(near_names(name, known, 1)), None)


def near_names(name: str, known: Iterable[str], count: int) -> list[str]:
    """Up to so many known names that another one may mean, the nearest first.

    Example:
        >>> near_names("vit_b", ["ViT-B-32", "ViT-B-16", "RN50"], 2)
        ['ViT-B-32', 'ViT-B-16']
    """
    plain = {plain_name(one): one for one in known}
    return [plain[one] for one in difflib.get_close_matches(plain_name(name), plain, count, 0.7)]


def meant(name: str, known: Iterable[str]) -> str:
    """The question whether another name was meant, for the end of a message; empty where none is near.

    Example:
        >>> meant("scor", ["score", "turn"])
        '; did you mean `score`?'
    """
    found = nearest(name, known)
    return "" if found is None else f"; did you mean `{found}`?"


def name_fault(names: Collection[str], required: Collection[str], optional: Collection[str]) -> str | None:
    """What is wrong with the names of a row or table: one that is unknown, given twice or missing.

    Args:
        names: as they stand.
        required: those that must be there.
        optional: those that may be.

    Example:
        >>> name_fault(["dialogue", " score"], ["dialogue", "score"], ["rater"])
        "expected dialogue and score, and possibly rater, got ' score'; did you mean `score`?"
        >>> name_fault(["score"], ["dialogue", "score"], [])
        'expected dialogue and score: `dialogue` is missing'
    """
    expected = f"expected {_listed(required)}" + (f", and possibly {_listed(optional)}" if optional else "")
    known, seen = {*required, *optional}, set[str]()
    for name in names:
        if name not in known:
            rest = [one for one in (*required, *optional) if one not in names]
            return f"{expected}, got {name[:80]!r}{meant(name, rest or known)}"
        if name in seen:
            return f"{expected}, got `{name}` twice"
        seen.add(name)
    missing = next((name for name in required if name not in seen), None)
    return None if missing is None else f"{expected}: `{missing}` is missing"


class UnknownFields:
    """Counts the fields of rows that no reader knows, and tells of each name once.

    Args:
        known: the names that are read, or are known to be passed over.
        only_near: tell only of names that seem to mean a known one, where rows may hold more than is read.

    Example:
        >>> problems, fields = Problems(), UnknownFields({"turn": None, "tasks": {"modality": None}})
        >>> for line, row in enumerate([{"turn": 1}, {"trun": 1, "tasks": [{"modalty": "text"}, {}]}], 1):
        ...     fields.look("data.jsonl", line, row)
        >>> fields.warn(problems)
        >>> print(*problems, sep=chr(10))
        data.jsonl:2: trun: unknown field, is not read; did you mean `turn`?
        data.jsonl:2: tasks[].modalty: unknown field, is not read; did you mean `modality`?
    """

    def __init__(self, known: Fields, *, only_near: bool = False) -> None:
        self.known, self.only_near = known, only_near
        self._found: dict[str, tuple[Any, ...]] = {}  # how often, and of the first time: file, line, hint

    def look(self, file: Path | str, line: int | None, value: Any) -> None:
        """Look at a row, and at what it holds."""
        self._look(file, line, value, self.known, "")

    def warn(self, problems: Problems) -> None:
        """Add a warning for each unknown name, where it was found first and how often; of many names for the first."""
        for field, (count, file, line, hint) in [*self._found.items()][:_MAX_LISTED]:
            times = "" if count == 1 else f" ({count} times, the first here)"
            problems.warn(file, line, field, f"unknown field{times}, is not read{hint}")
        if len(self._found) > _MAX_LISTED:
            _, file, _, _ = next(iter(self._found.values()))
            problems.warn(file, None, "", f"{len(self._found) - _MAX_LISTED} more unknown fields, which are not read")

    def _look(self, file: Path | str, line: int | None, value: Any, known: Fields, place: str) -> None:
        if isinstance(value, list):
            for entry in value:
                self._look(file, line, entry, known, f"{place}[]")
        elif isinstance(value, dict):
            for name, content in value.items():
                field = f"{place}.{name[:80]}" if place else name[:80]
                below = known.get(name)
                if name not in known:
                    self._count(field, file, line, meant(name, [one for one in known if one not in value]))
                elif below is not None:
                    self._look(file, line, content, below, field)

    def _count(self, field: str, file: Path | str, line: int | None, hint: str) -> None:
        if hint or not self.only_near:
            count, *first = self._found.get(field, (0, file, line, hint))
            self._found[field] = (count + 1, *first)


def _listed(names: Collection[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def plain_name(name: str) -> str:
    """A name without case and marks, for comparisons."""
    return "".join(character for character in name.casefold() if character.isalnum())
