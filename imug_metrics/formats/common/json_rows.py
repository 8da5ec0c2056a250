# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The objects of a JSON file, whether one a line, in one array or over several lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imug_metrics.reading.files import Problems, read_jsonl
from imug_metrics.reading.json_stream import read_objects

MAX_ROW_BYTES = 256 * 2**20
"""Largest line or object that is read: it may hold the images of a dialogue."""

_SPACE = b"\xef\xbb\xbf \t\r\n"
_HEAD = 2**12


def json_rows(path: Path, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) of a JSON file, one at a time; what is none is collected as an error.

    Args:
        path: the file: JSON lines, an array of objects, or objects over several lines.
        problems: collects what is wrong.
    """
    if _one_a_line(path):
        yield from read_jsonl(path, problems, max_bytes=MAX_ROW_BYTES)
        return
    yield from read_objects(path, problems, max_bytes=MAX_ROW_BYTES)
    _check_end(path, problems)


def _one_a_line(path: Path) -> bool:
    """Whether the file is JSON lines: its first line does not break off where a value has to follow."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD).lstrip(_SPACE)
    except OSError:
        return True  # the reader of lines tells
    return start[:1] != b"[" and not start.partition(b"\n")[0].rstrip().endswith((b"{", b"[", b",", b":"))


def _check_end(path: Path, problems: Problems) -> None:
    """Tell of an array that was cut behind one of its objects, where nothing else shows it."""
    with path.open("rb") as file:
        begins = file.read(_HEAD).lstrip(_SPACE)[:1]
        file.seek(max(0, file.seek(0, 2) - _HEAD))
        ends = file.read().rstrip(b" \t\r\n")[-1:]
    if begins == b"[" and ends != b"]":
        problems.error(path, None, "", "expected `]` at its end: the file was cut, or what follows is no object")
