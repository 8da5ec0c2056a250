# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Messages as Qwen and Hugging Face write them: images within the messages or beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.chats.conversation import read_conversations
from imug_metrics.formats.chats.line_keys import IMAGES
from imug_metrics.formats.common.image_sources import has_image
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.evalscope import is_evalscope
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import names_turn
from imug_metrics.reading.files import Problems

_SAID = ("prompt", "completion", "query", "response", "history", "system")


class MessagesReader:
    """JSON lines of `messages` with parts `{"type": "image", "image": "path"}`, or with `images` beside them.

    Also lines of `prompt` and `completion`, each a list of messages, and of `query`, `response` and `history`, which is
    a list of earlier pairs of both.
    """

    name = "messages"

    def recognises(self, head: Head) -> bool:
        """Messages with images of this form, a prompt with its completion, or a query with its response."""
        row = head.value
        if not isinstance(row, Mapping) or is_evalscope(row):
            return False
        name = head.columns.get("messages", "messages")
        if isinstance(row.get(name), list):
            return has_own_images(row, name)
        is_row = "turn" in head.columns or names_turn(row)  # of a table
        return (_is_query(row) and not is_row) or _is_prompt(row)

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each line, one a turn; see `read_conversations`."""
        return read_conversations(_rows(path, problems), path, options, problems)


def has_own_images(row: Mapping[str, Any], name: str) -> bool:
    """Whether a line has images beside its messages, or parts of type `image`.

    Args:
        row: the line's object.
        name: the field that holds its messages.
    """
    if any(has_image(row.get(images)) and row[images] != [] for images in IMAGES):
        return True
    contents = [message.get("content") for message in row[name] if isinstance(message, Mapping)]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return any(isinstance(part, Mapping) and part.get("type") == "image" for part in parts)


def _rows(path: Path, problems: Problems) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Lines with their messages, also where they hold a query and its response."""
    for line, row in json_rows(path, problems):
        found: Mapping[str, Any] | None = row
        if _is_prompt(row):
            found = {**_beside(row), "messages": [*row["prompt"], *row["completion"]]}
        elif _is_query(row):
            found = _as_messages(row, Place(path, line, problems))
        if found is not None:
            yield line, found


def _is_prompt(row: Mapping[str, Any]) -> bool:
    return "messages" not in row and isinstance(row.get("prompt"), list) and isinstance(row.get("completion"), list)


def _is_query(row: Mapping[str, Any]) -> bool:
    return "messages" not in row and isinstance(row.get("query"), str) and "response" in row


def _as_messages(row: Mapping[str, Any], place: Place) -> dict[str, Any] | None:
    """A query, its response and its history as messages."""
    pairs = row.get("history") or []
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        place.error("history", "expected a list of pairs, each a query and its response")
        return None
    system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
    turns = [*pairs, [row["query"], row["response"]]]
    said = [
        message
        for query, response in turns
        for message in ({"role": "user", "content": query}, {"role": "assistant", "content": response})
    ]
    return {**_beside(row), "messages": [*system, *said]}


def _beside(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a line holds besides what was made messages."""
    return {name: value for name, value in row.items() if name not in _SAID}
