# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""JSON objects from a file in which they follow each other in any way: one a line, over many lines, or in an array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imug_metrics.reading.files import MAX_JSON_BYTES, Problems, kind
from imug_metrics.reading.text_files import BYTE_ORDER_MARK, TextError, TextStream

_CHUNK = 2**16
_TOKEN = 16  # characters of the longest word that the end of what was read can cut, strings apart
_GIVE_UP_AFTER = 10_000
_BETWEEN = re.compile(rf"[\s,\[\]{BYTE_ORDER_MARK}]*")
_INDENT = 99  # characters before an object on its line
_NEXT_START = re.compile(rf"\n[ \t,\[]{{0,{_INDENT}}}(?=\{{)")


def read_objects(
    path: Path, problems: Problems, *, max_bytes: int = MAX_JSON_BYTES
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) of a file of JSON objects, without reading it whole.

    White space, commas and the brackets of arrays between objects are passed over. What is no object or cannot be read
    is collected as an error, and reading goes on at the next line that begins an object. After 10,000 of them in a row
    the rest of the file is not read.

    Args:
        path: the file, UTF-8 with or without byte order mark.
        problems: collects what is wrong.
        max_bytes: size of the largest object that is read, in characters.
    """
    try:
        text = TextStream(path)
    except OSError as error:
        problems.error(path, None, "", f"could not be opened: {error.strerror}")
        return
    except TextError as error:
        problems.error(path, None, "", error.message)
        return
    with text:
        yield from _Objects(text, path, problems, max_bytes).objects()


class _Objects:
    """A window on the text of a file: `buffer[at:]` is what has been read and not yet understood."""

    def __init__(self, text: TextStream, path: Path, problems: Problems, limit: int) -> None:
        self.text, self.path, self.problems, self.limit = text, path, problems, limit
        self.buffer, self.at, self.line, self.ended, self.broken = "", 0, 1, False, 0

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        decoder = json.JSONDecoder()
        while self._seek_object():
            if self.broken >= _GIVE_UP_AFTER:
                self._report(f"JSON: the rest is not read, {_GIVE_UP_AFTER} objects in a row could not be")
                return
            try:
                value, end = decoder.raw_decode(self.buffer, self.at)
            except (ValueError, RecursionError) as error:
                if self._may_go_on(error):
                    continue
                self.broken += 1
                self._skip_broken(error)
                continue
            self.broken = 0
            if end - self.at > self.limit:
                self._report(f"an object of at most {self.limit} characters")
            elif isinstance(value, dict):
                yield self.line, value
            else:
                self._report(f"an object, got {kind(value)}")
            self._move(end)

    def _seek_object(self) -> bool:
        """Move to the next thing that is not between objects; False where the file ends first."""
        while True:
            match = _BETWEEN.match(self.buffer, self.at)
            self._move(match.end() if match else self.at)
            if self.at < len(self.buffer):
                return True
            if not self._read():
                return False

    def _may_go_on(self, error: Exception) -> bool:
        """Whether what cannot be read yet might be, once more of the file is there."""
        return self._is_cut(error) and len(self.buffer) - self.at <= self.limit and self._read()

    def _is_cut(self, error: Exception) -> bool:
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.pos >= len(self.buffer) - _TOKEN or error.msg.startswith("Unterminated string")

    def _read(self) -> bool:
        """Double what is looked at; False at the end of the file."""
        if self.ended:
            return False
        rest = self.buffer[self.at :]
        try:
            text = self.text.read(max(_CHUNK, len(rest)))
        except TextError as error:
            self.problems.error(self.path, None, "", f"{error.message}; the rest is not read")
            text = ""
        self.ended = not text
        self.buffer, self.at = rest + text, 0
        return not self.ended

    def _skip_broken(self, error: Exception) -> None:
        large = len(self.buffer) - self.at > self.limit and self._is_cut(error)
        self._report(f"an object of at most {self.limit} characters" if large else f"JSON: {_reason(error)}")
        while True:
            match = _NEXT_START.search(self.buffer, self.at)
            # The end of what was read may cut the beginning of the next line.
            self._move(match.end() if match else max(self.at, len(self.buffer) - _INDENT - 1))
            if match:
                return
            if not self._read():
                self._move(len(self.buffer))
                return

    def _report(self, expected: str) -> None:
        self.problems.error(self.path, self.line, "", f"expected {expected}")

    def _move(self, to: int) -> None:
        self.line += self.buffer.count("\n", self.at, to)
        self.at = to
        if to > _CHUNK:  # an error of the decoder counts the lines from the buffer's start
            self.buffer, self.at = self.buffer[to:], 0


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
