# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one way to open a text that others wrote: UTF-8 with or without byte order mark, or refused with the reason.

Lines end in LF or CRLF. Nothing is ever read by a guess; the message says what a text in another encoding looks like.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from imug_metrics.reading.encodings import likely_encoding, marked_encoding

MAX_TEXT_BYTES = 16 * 2**20
BYTE_ORDER_MARK = "\ufeff"
_HEAD = 2**12
_WINDOW = 2**10  # bytes on either side of what cannot be decoded that are looked at


class TextError(ValueError):
    """A text cannot be read; the message says why, and what to do about it.

    Example:
        >>> str(TextError("expected UTF-8", Path("people.csv"), 3))
        'people.csv:3: expected UTF-8'
    """

    def __init__(self, message: str, path: Path | None = None, line: int | None = None) -> None:
        self.message = message
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message)


def decode(content: bytes, *, path: Path | None = None) -> str:
    r"""The text of UTF-8 bytes, without byte order mark.

    Args:
        content: all of a text, or whole lines of it.
        path: its file, for the message.

    Raises:
        TextError: if it is not UTF-8; the message says where, and what it looks like.

    Example:
        >>> decode(b"\xef\xbb\xbfna\xc3\xafve")
        'naïve'
        >>> decode("naïve".encode("latin-1"))
        Traceback (most recent call last):
        ...
        imug_metrics.reading.text_files.TextError: expected UTF-8, found byte 0xef at 2: it looks like
        Windows-1252 (Latin-1); save it as UTF-8
    """
    if marked := marked_encoding(content[:_HEAD]):
        raise TextError(_of_encoding(marked), path)
    try:
        return content.decode("utf-8").lstrip(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise TextError(_undecodable(content, error.start, error.reason), path) from None


def read_text(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """The text of a file, with LF at the end of its lines.

    Args:
        path: the file.
        max_bytes: size of the largest file that is read.

    Raises:
        OSError: if it cannot be opened.
        TextError: if it is not UTF-8 or too large; the message names the file.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TextError(f"expected a file of at most {max_bytes} bytes", path)
    return decode(content, path=path).replace("\r\n", "\n")


def read_beginning(path: Path, max_bytes: int) -> str:
    """The text of the first bytes of a file, up to the last whole character.

    Raises:
        OSError: if it cannot be opened.
        TextError: if that is not UTF-8; the message names the file.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    end = max_bytes
    while max_bytes - 4 < end < len(content) and 0x80 <= content[end] < 0xC0:  # within a character
        end -= 1
    return decode(content[:end], path=path).replace("\r\n", "\n")


def read_lines(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> Iterator[tuple[int, str | TextError]]:
    """Yield (number from 1, text) of each line, read one at a time, or in place of the text why it cannot be read.

    Lines end at LF alone, so that a text may hold any other Unicode line break; a CR before it is part of the end. A
    byte order mark at the beginning of a line, where files were joined, is no part of it.

    Args:
        path: the file.
        max_bytes: length of the longest line that is read; longer ones are passed over with an error.

    Raises:
        OSError: if it cannot be opened.
        TextError: if the file as a whole is in another encoding.
    """
    with _open(path) as file:
        number = 0
        while line := file.readline(max_bytes + 1):
            number += 1
            if len(line) > max_bytes:
                yield number, TextError(f"expected a line of at most {max_bytes} bytes")
                while line and not line.endswith(b"\n"):
                    line = file.readline(max_bytes)
                continue
            try:
                yield number, decode(line.removesuffix(b"\n").removesuffix(b"\r"))
            except TextError as error:
                yield number, error


class TextStream:
    """The text of a file, piece by piece.

    Args:
        path: the file.

    Raises:
        OSError: if it cannot be opened.
        TextError: if the file as a whole is in another encoding; the message names it.
    """

    def __init__(self, path: Path) -> None:
        self._file, self._path = _open(path), path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._error: TextError | None = None
        self._begun = False
        self._last = b""  # bytes of the text so far, for the message
        self._before = (0, 0)  # bytes and lines before these

    def read(self, size: int) -> str:
        """The next characters, of about so many bytes; empty at the end.

        Raises:
            TextError: at the first byte that is not UTF-8, once all before it was read.
        """
        if self._error is not None:
            raise self._error
        while content := self._file.read(size):
            try:
                text = self._decoder.decode(content)
                self._remember(content)
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode("utf-8")
                self._error = self._at(len(self._last) + len(content) - len(error.object) + error.start, content)
            if not self._begun:
                text = text.lstrip(BYTE_ORDER_MARK)
            if text:
                self._begun = True
                return text
            if self._error is not None:
                raise self._error
        return self._end()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> TextStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> str:
        """Nothing, unless the file ends within a character."""
        rest = self._decoder.getstate()[0]
        if rest:
            raise self._at(len(self._last) - len(rest), b"", "unexpected end of data")
        return ""

    def _remember(self, content: bytes) -> None:
        known = self._last + content
        left = known[:-_WINDOW]
        self._last, self._before = known[-_WINDOW:], (self._before[0] + len(left), self._before[1] + left.count(b"\n"))

    def _at(self, start: int, content: bytes, reason: str = "") -> TextError:
        """What is said of the byte at `start` of what is remembered, the content read last, and what follows."""
        content = self._last + content + self._file.read(_WINDOW)
        return TextError(_undecodable(content, start, reason, self._before), self._path)


def _open(path: Path) -> BinaryIO:
    """A file whose first bytes are not those of another encoding."""
    file = path.open("rb")
    try:
        marked = marked_encoding(file.peek(_HEAD)[:_HEAD])
        if marked:
            raise TextError(_of_encoding(marked), path)
    except BaseException:
        file.close()
        raise
    return file


def _of_encoding(name: str) -> str:
    return f"expected UTF-8, found {name}: save it as UTF-8"


def _undecodable(content: bytes, start: int, reason: str, before: tuple[int, int] = (0, 0)) -> str:
    """What is said of bytes of which those from `start` on are not UTF-8; so many bytes and lines were before them."""
    line = before[1] + content.count(b"\n", 0, start) + 1
    place = f"{before[0] + start}" + (f" (line {line})" if line > 1 else "")
    found = f"expected UTF-8, found byte {content[start]:#04x} at {place}"
    begin = max(0, start - _WINDOW)
    while begin < start and 0x80 <= content[begin] < 0xC0:  # within a character
        begin += 1
    content = content[begin : start + _WINDOW]
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(not character.isascii() for character in text) - broken >= 2 * broken:
        cut = reason == "unexpected end of data"
        return f"{found}: the text {'ends within a character, it was cut' if cut else 'is damaged, or mixes encodings'}"
    likely = likely_encoding(content)
    return f"{found}: {'' if likely is None else f'it looks like {likely}; '}save it as UTF-8"
