# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a chat's lines: a misspelled one is told, and one that was named must be there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import IN_CHATS
from imug_metrics.reading.fields import meant

MESSAGES = ("messages", "conversations", "conversation")
"""Usual names of the field that holds the messages."""
IMAGES = ("images", "image")
"""Usual names of the field that holds the images which `<image>`, or a part without one of its own, stands for."""

_KNOWN = {name.replace("_", ""): name for names in (*IN_CHATS.values(), MESSAGES, IMAGES) for name in names}
_READ = {*_KNOWN.values(), *MESSAGES, *IMAGES, "turn", "turns", "groups", "attempted"}
_MAX_NAMES = 10_000
_MAX_NEW = 1_000
_NEAR = 0.85
_SAID_BY_MESSAGES = ("prompt", "image")
_HOLDERS = ("metadata", "meta", "extra", "extra_info", "info")
_INSIDE = ("target", "options", "modality", "score", "scores", "reference")


class LineKeys:
    """Looks at the keys of lines and of their messages.

    Args:
        columns: what the caller has named.

    Raises:
        ArgumentError: of `columns`, if it names what the messages themselves say.

    Example:
        >>> from imug_metrics.reading.files import Problems
        >>> place = Place(Path("chat.jsonl"), 1, Problems())
        >>> keys = LineKeys({})
        >>> keys.look({"id": "a", "messages": [{"role": "user", "content": "Which?", "taget": "B"}]}, "messages", place)
        >>> print(*place.problems)
        chat.jsonl:1: messages[0].taget: unknown key, is not read; did you mean `target`? It is told once
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        for field in _SAID_BY_MESSAGES:
            if field in columns:
                cure = "prompts and images of a chat stand in its messages; images beside them are named as images=..."
                raise ArgumentError("columns", f"got {field}={columns[field][:80]}, but {cure}")
        self.columns = columns
        self.names: set[str] = set()

    def look(self, row: Mapping[str, Any], messages: str | None, place: Place) -> None:
        """Look at a line, and at what the field of its messages holds."""
        self._look(row, "", place)
        said = row.get(messages) if messages is not None else None
        for number, message in enumerate(said if isinstance(said, list) else ()):
            if isinstance(message, Mapping):
                self._look(message, f"{messages}[{number}].", place)

    def check(self, path: Path) -> None:
        """Refuse a name that no line has.

        Raises:
            ArgumentError: of `columns`.
        """
        for field, key in self.columns.items():
            if self.names and key not in self.names and key.partition(".")[0] not in self.names:
                known = ", ".join(sorted(name[:40] for name in self.names)[:40])
                got = f"{field}={key[:80]}, which no line of {path} has{meant(key, self.names)}"
                raise ArgumentError("columns", f"expected a key of lines or messages, got {got}; there are {known}")

    def _look(self, fields: Mapping[str, Any], where: str, place: Place) -> None:
        new = fields.keys() - self.names
        if not new or len(self.names) > _MAX_NAMES:
            return
        self.names |= new
        for name in islice(new - {*self.columns.values()}, _MAX_NEW):
            if name in _READ:
                continue
            if name in _HOLDERS and isinstance(fields[name], Mapping):
                self._look_inside(fields, name, where, place)
            absent = [one for one in _KNOWN if _KNOWN[one] not in fields]
            if found := difflib.get_close_matches(name.replace("_", "").casefold(), absent, 1, _NEAR):
                hint = f"did you mean `{_KNOWN[found[0]]}`? It is told once"
                place.warn(f"{where}{name[:80]}", f"unknown key, is not read; {hint}")

    def _look_inside(self, fields: Mapping[str, Any], holder: str, where: str, place: Place) -> None:
        """Tell of what is known of a turn and stands one level too deep."""
        named = {*self.columns.values()}
        for field in _INSIDE:
            inside = next((name for name in IN_CHATS[field] if fields[holder].get(name) is not None), None)
            path = f"{holder}.{inside}"
            if inside is not None and path not in named and not any(name in fields for name in IN_CHATS[field]):
                place.warn(f"{where}{path}", f"is not read: say by `columns` {field}={path}. It is told once")
