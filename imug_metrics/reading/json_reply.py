# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one JSON object of a reply, whatever prose, fences, thinking or small breaks stand around or in it."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from imug_metrics.errors import ReplyError
from imug_metrics.reading.lenient_json import BrokenJsonError, decode_lenient_object, decode_object
from imug_metrics.reading.reasoning import without_reasoning

MAX_CHARS = 2**18
"""Longest reply that is read, thinking aside."""

_INTEGER = re.compile(r"\s*-?[0-9]{1,9}(?:\.0{1,9})?\s*")
_START = re.compile(r"""\{(?=\s*(?:["'`“”„‘\w}\\/#\ufeff]|\Z))""")
_ATTEMPT = 64  # what an attempt costs at least, in characters; bounds the time that hostile replies take

T = TypeVar("T")


def read_reply(text: str, field: str, read: Callable[[dict[str, Any]], T]) -> T:
    r"""What the object of a reply says.

    The object may stand in prose, in a fence, behind thinking (see `without_reasoning`), in a list, or be written as a
    JSON string. It is read as JSON; where it is none, small breaks that leave no doubt are passed over (see
    `lenient_json`). Where several objects have the field all must say the same.

    Args:
        text: the reply.
        field: a field that the object has, at its top.
        read: makes a value of it; raises `ReplyError` where it is not as it should be.

    Raises:
        ReplyError: `"too_long"`, `"no_object"`, `"missing_field"`, `"several_objects"` (that do not say the same),
            `"cut_off"` (the object, or the thinking, does not end), `"repeated_field"`, `"json"`, or what `read`
            raises.

    Example:
        >>> from imug_metrics.reading.json_reply import read_reply
        >>> read_reply("Clear:\n```json\n{'letter': 'B', 'why': None,}\n```", "letter", lambda found: found["letter"])
        'B'
    """
    spoken = without_reasoning(text)
    if text.strip() and not spoken.strip():
        raise ReplyError("cut_off", f"Expected a JSON object with {field!r}, got thinking that does not end.")
    if len(spoken) > MAX_CHARS:
        raise ReplyError("too_long", f"Expected at most {MAX_CHARS} characters, got {len(spoken)}.")
    values = [read(found) for found in _objects_with(_unescaped(spoken), field)]
    if any(value != values[0] for value in values):
        raise ReplyError("several_objects", f"Expected one object with {field!r}, got {len(values)} that differ.")
    return values[0]


def whole_number(value: Any) -> int | None:
    """The integer that a value of JSON is, as a number or as text; None where it is none.

    Example:
        >>> [whole_number(value) for value in (4, 4.0, "4", -1, 4.5, "4/5", True, None)]
        [4, 4, 4, -1, None, None, None, None]
    """
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(float(value))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return None
    return int(value)


def _unescaped(text: str) -> str:
    """A reply that is JSON within a JSON string is what it says; else the text."""
    text = text.strip()
    if '\\"' not in text:
        return text
    try:
        inner = json.loads(text if text.startswith('"') else f'"{text}"', strict=False)
    except ValueError:
        return text
    return inner if isinstance(inner, str) else text


class _Found(NamedTuple):
    start: int
    end: int
    value: dict[str, Any]


def _objects_with(text: str, field: str) -> list[dict[str, Any]]:
    name = re.escape(field).replace("_", r"\\?_")
    quoted = rf"""(?:[{{,]|^)[ \t]*["'`“”„‘]{name}["'`“”’]\s?[:：]"""
    mentions = [match.start() for match in re.finditer(rf"{quoted}|[{{,]\s?{name}\s?:", text, re.MULTILINE)]
    found, broken = _objects(text, mentions[-1] + 1 if mentions else -1)
    starts = [item.start for item in found]
    for mention in mentions:  # an object that has the field and cannot be read may say something else
        place = bisect_right(starts, mention) - 1
        if place < 0 or mention >= found[place].end:
            before = [error for start, error in broken if start <= mention]
            raise _error(field, before[-1] if before else None)
    fitting = [item.value for item in found if field in item.value]
    if fitting:
        return fitting
    if found:
        names = ", ".join(found[-1].value)
        raise ReplyError("missing_field", f"Expected the field {field!r}, got {names[:200] or 'none'}.")
    if broken:
        raise _error(field, broken[-1][1])
    raise ReplyError("no_object", f"Expected a JSON object with {field!r}, got no braces around names.")


def _error(field: str, error: BrokenJsonError | None) -> ReplyError:
    if error is None:
        return ReplyError("json", f"Expected {field!r} in a JSON object, got it outside of braces.")
    return ReplyError(error.kind, f"Expected JSON with {field!r}: {str(error)[:200]}")


def _objects(text: str, last: int) -> tuple[list[_Found], list[tuple[int, BrokenJsonError]]]:
    """Outermost objects of a text, and why other braces begin none; small breaks matter up to the last mention only."""
    found: list[_Found] = []
    broken: list[tuple[int, BrokenJsonError]] = []
    strict, lenient = 8 * len(text) + 2**16, 2 * len(text) + 2**12  # characters that may be read
    match = _START.search(text)
    while match and strict > 0:
        start = match.start()
        end = start + 1
        try:
            value, end = decode_object(text, start)
            found.append(_Found(start, end, value))
        except BrokenJsonError as error:
            strict -= _ATTEMPT + max(0, error.place - start) + error.place // 8  # the lines before it are counted
            if lenient > 0 and error.kind == "json" and (start <= last or not found):
                try:
                    value, end = decode_lenient_object(text, start)
                    found.append(_Found(start, end, value))
                except BrokenJsonError as doubt:
                    error = doubt
                    lenient -= max(0, error.place - start)
            broken.append((start, error))
        match = _START.search(text, end)
    return found, broken
