# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What to do about a file that no reader knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.chats.line_keys import MESSAGES
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.protocol import FIELDS, Head
from imug_metrics.formats.tables.columns import find_columns
from imug_metrics.reading.fields import meant, nearest

_KNOWN = {*FIELDS, *MESSAGES, *(name for ranks in USUAL.values() for rank in ranks for name in rank)}
_LOOKED_AT = 100  # names of fields
_FIELDS = "which of them are what, such as dialogue=..., turn=..., text=..., score=..."


def cure(head: Head) -> str:
    """What to change about a file, or what to say of it; empty where nothing can be said.

    Args:
        head: what was seen of the file.

    Example:
        >>> from pathlib import Path
        >>> cure(Head(Path("a.json"), value={"data": [{"id": 1}]}))
        'write the objects in `data` one a line, as `jq -c ".data[]"` does'
        >>> cure(Head(Path("a.jsonl"), value={"id": "a", "dialog": [{"role": "user", "content": "Hi"}]}))
        'say by `columns` that messages=dialog'
    """
    if head.value is None:
        return _of_cells(head)
    value = head.value if isinstance(head.value, Mapping) else {}
    found = [str(name) for name in value][:_LOOKED_AT]
    if not found:
        return ""
    return _of_messages(value) or _of_nesting(value) or _of_names(head, found)


def is_columns(value: Mapping[str, Any]) -> bool:
    """Whether an object holds a table by its columns, each a list or an object of as many cells."""
    cells = [*value.values()]
    if len(cells) < 2 or _KNOWN.isdisjoint(value) or not all(isinstance(each, type(cells[0])) for each in cells):
        return False
    is_list = isinstance(cells[0], list)
    plain = is_list or (isinstance(cells[0], dict) and all(each.keys() == cells[0].keys() for each in cells))
    return plain and all(len(each) == len(cells[0]) and not _is_talk(each) for each in cells)


def _of_messages(value: Mapping[str, Any]) -> str:
    """Where a chat is there in another form."""
    if {"role", "content"} <= value.keys() or {"from", "value"} <= value.keys():
        return "put the messages of a conversation into one object, under `messages`"
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) and "delta" in choices[0]:
        return "these are pieces of a streamed answer: save answers whole"
    if talk := next((name for name, said in value.items() if _is_talk(said)), None):
        return f"say by `columns` that messages={talk[:40]}"
    if near := next((name for name in value if name not in _KNOWN and nearest(name, MESSAGES)), None):
        hint = meant(near, MESSAGES).removeprefix(";")
        return f"of `{near[:40]}`{hint} Else say by `columns` that messages={near[:40]}, if it holds them"
    for name in MESSAGES:
        said = value.get(name)
        if isinstance(said, str):
            return f"`{name}` holds text: write the list of messages itself"
        if isinstance(said, list) and said and isinstance(said[0], Mapping):
            fields = ", ".join(str(field)[:40] for field in [*said[0]][:5])
            return f"`{name}` holds objects with {fields}: expected `role` and `content`, or `from` and `value`"
    return ""


def _of_nesting(value: Mapping[str, Any]) -> str:
    """Where rows are there, but not one a line."""
    if is_columns(value):
        return 'each field holds a column: write one row a line, as `to_json(path, orient="records", lines=True)` does'
    rows = {name: inner for name, inner in value.items() if _is_objects(inner)}
    rows |= {f"{name}.{below}": inner for name, each in value.items() for below, inner in _rows_below(each)}
    if rows:
        name = max(rows, key=lambda name: ("row" in rows[name][0], len(rows[name])))
        path = f"{name[:80]}[]" + (".row" if isinstance(rows[name][0].get("row"), Mapping) else "")
        return f'write the objects in `{name[:80]}` one a line, as `jq -c ".{path}"` does'
    inner = {name: each for name, each in value.items() if isinstance(each, Mapping)}
    if inner and len(inner) == len(value):
        return 'write the objects one a line, with their names, as `jq -c "to_entries[] | {id: .key} + .value"` does'
    holder = next((name[:40] for name, each in inner.items() if len(_KNOWN & each.keys()) > 1), None)
    return "" if holder is None else f'write what `{holder}` holds on a line of its own, as `jq -c ".{holder}"` does'


def _rows_below(value: Any) -> Iterator[tuple[str, list[Any]]]:
    """Lists of objects that an object holds, by name."""
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if _is_objects(inner) and not _is_talk(inner):
            yield name, inner


def _of_names(head: Head, found: Sequence[str]) -> str:
    """Where the names of fields or columns are not known."""
    for name in found:
        hint = "" if name in _KNOWN else meant(name, {"conversations", *FIELDS} - {*found})
        if hint:
            return f"of `{name[:40]}`{hint.removeprefix(';')} Else say by `columns` {_FIELDS}"
    if _lacks_turn_alone(head, found):
        alone = "turn=1 if each row is a dialogue of its own"
        return f"say by `columns` which of them is the turn, as in turn=t, or {alone}"
    return f"say by `columns` {_FIELDS}"


def _lacks_turn_alone(head: Head, found: Sequence[str]) -> bool:
    """Whether the names would do if the turn were known."""
    try:
        find_columns(found, {**head.columns, "turn": "1"}, head.path)
    except ArgumentError:
        return False
    return True


def _of_cells(head: Head) -> str:
    """Where the first line of a text names no columns, or none that are known."""
    names = head.names
    if not names:
        return ""
    if len(names) == 1:
        return "the first line has to name the columns: remove what stands above it"
    if any(name.replace(".", "", 1).isdecimal() for name in names):
        return "the first line has to name the columns: put their names above it"
    return _of_names(head, names[:_LOOKED_AT])


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _is_talk(value: Any) -> bool:
    """Whether this is a list of messages."""
    return _is_objects(value) and ("role" in value[0] or "from" in value[0])
