# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
r"""JSON objects as models write them: with small breaks that leave no doubt about what is meant.

An object that is not JSON is written anew, token by token, and what comes of it is read as JSON again. Nothing is put
in but quotes around names and commas between lines, and no bracket is closed that was not: an object that is cut off
stays so. Taken as meant are

- line breaks, tabs and lone backslashes (`\alpha`) in strings; quotes in a string, which ends only where a comma and a
  name, or a closing bracket, follow;
- single, curly or no quotes around names, one-word values without quotes, `\_` in names;
- a comma behind the last entry; no comma between two lines, or between two objects; full-width commas and colons;
- `True`, `False`, `None`; comments.

Not taken: numbers that are none (`NaN`, `05`, `8/10`, `4 of 5`), several words without quotes, `...`, brackets that do
not match, a name that occurs twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

_MAX_DEPTH = 50
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": '”"“', "”": '”"', "„": '“”"', "‘": "’'", "’": "’'", "«": "»"}
_WORDS = {"True": "true", "False": "false", "None": "null"}
_NUMBERS = ("NaN", "Infinity", "true", "false", "null")  # left to the reader of JSON, which takes three of them

# Comments are bounded where they are looked for behind each quote: else the time is not linear.
_COMMENT = r"(?://[^\n]{0,300}\n|\#[^\n]{0,300}\n|/\*[^*]{0,300}\*/)"
_GAP = rf"\s*(?:{_COMMENT}\s*)*"
_NAME = r"[^\W\d][\w\\ -]{0,60}"
_KEY_BEHIND = rf"""(?:"(?:[^"\\\n]|\\.){{0,100}}"|'{_NAME}'|[“”„]{_NAME}[“”"]|[^\W\d]\w{{0,60}})\s*[:：]"""
_END_IN_OBJECT = rf"(?:{_GAP}(?:\}}|[,，]{_GAP}(?:\}}|{_KEY_BEHIND}))|[^\S\n]*(?:\n|{_COMMENT})\s*{_KEY_BEHIND})"
_END_IN_LIST = rf"(?:{_GAP}(?:\]|[,，]{_GAP}[]\w\"'“„‘{{[-])|[^\S\n]*\n\s*[\"'“])"

_SPACE = re.compile(r"(?:[\s\ufeff\u200b]|(?<!\w)//[^\n]*|#[^\n]*|/\*[\s\S]*?\*/)*")
_KEY = re.compile(
    r"""(?:"((?:[^"\\\n]|\\.){0,200})"|'([^'\n]{0,200})'|`([^`\n]{0,200})`|[“”„]([^“”„"\n]{0,200})[“”"]|‘([^‘’\n]{0,200})’"""
    r"""|([^\W\d][\w\\-]{0,99}))[^\S\n]*[:：]"""
)
_CUT_KEY = re.compile(r"""["'`“]?[\w\\ -]{0,60}["'`”]?\s*\Z""")
_WORD = re.compile(r"""[^\s{}\[\],，:："'`“”„‘’#/]+""")


def _strings(end: str) -> dict[str, re.Pattern[str]]:
    pattern = r"([^{c}\\]*(?:(?:\\[\s\S]|[{c}](?!{end}))[^{c}\\]*)*)[{c}](?={end})"
    return {quote: re.compile(pattern.replace("{c}", c).replace("{end}", end)) for quote, c in _QUOTES.items()}


_STRINGS = {"{": _strings(_END_IN_OBJECT), "[": _strings(_END_IN_LIST)}
_CLOSING = {"{": "}", "[": "]"}


class BrokenJsonError(ValueError):
    """What is no object of JSON.

    Attributes:
        kind: `"cut_off"` where the text ends before the object, `"repeated_field"` where it has a name twice, else
            `"json"`.
        place: where reading stopped.
    """

    def __init__(self, kind: str, message: str, place: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.place = place


def decode_object(text: str, start: int = 0) -> tuple[dict[str, Any], int]:
    """The JSON object that begins at a place, and where it ends; line breaks in strings aside it has no breaks.

    Raises:
        BrokenJsonError: if none begins there.

    Example:
        >>> decode_object('see {"a": [1, "b"]} and more', 4)
        ({'a': [1, 'b']}, 19)
    """
    try:
        return _DECODER.raw_decode(text, start)
    except BrokenJsonError:
        raise
    except json.JSONDecodeError as error:
        raise BrokenJsonError("json", f"{error.msg} at {text[error.pos : error.pos + 20]!r}.", error.pos) from None
    except ValueError as error:
        raise BrokenJsonError("json", f"{error}.", start) from None
    except RecursionError:
        raise BrokenJsonError("json", "too many brackets within each other.", len(text)) from None


def decode_lenient_object(text: str, start: int = 0) -> tuple[dict[str, Any], int]:
    """The object that begins at a place, small breaks aside, and where it ends.

    Raises:
        BrokenJsonError: if there is none, or what is meant is in doubt.

    Example:
        >>> decode_lenient_object("{'a': 1, b: None,} // none", 0)
        ({'a': 1, 'b': None}, 18)
        >>> decode_lenient_object('{"a": 1, "b": "the "red" cup"', 0)
        Traceback (most recent call last):
        imug_metrics.reading.lenient_json.BrokenJsonError: Expected the end of a string, got the end of the text.
    """
    writer = _Writer(text, start)
    while writer.stack or not writer.written:
        writer.step()
    return decode_object("".join(writer.written))[0], writer.place


class _Writer:
    """Writes an object anew as JSON, token by token."""

    def __init__(self, text: str, start: int) -> None:
        self.text, self.place = text, start
        self.written: list[str] = []
        self.stack: list[str] = []  # the brackets that are open
        self.last = ""  # an opening bracket, ":" or ",", or "value"

    def step(self) -> None:
        space = _SPACE.match(self.text, self.place)
        assert space is not None
        on_new_line, self.place = "\n" in space[0], space.end()
        mark = self.text[self.place : self.place + 1]
        if not mark:
            self.stop("Expected a closing bracket, got the end of the text.", "cut_off")
        elif mark in "}]":
            self.close(mark)
        elif mark in ",，:：":
            mark = "," if mark in ",，" else ":"
            self.write(mark, mark, 1)
        elif self.last == "value" and not (on_new_line or (mark == "{" and self.written[-1] == "}")):
            self.stop(f"Expected a comma or a closing bracket, got {self.text[self.place : self.place + 20]!r}.")
        else:
            self.begin(mark)

    def begin(self, mark: str) -> None:
        """A name, a value, or a bracket that opens one."""
        if self.last == "value":
            self.write(",", ",", 0)
        if self.stack and self.stack[-1] == "{" and self.last != ":":
            self.write_key()
        elif mark in "{[":
            if len(self.stack) >= _MAX_DEPTH:
                self.stop(f"Expected at most {_MAX_DEPTH} brackets within each other.")
            self.stack.append(mark)
            self.write(mark, mark, 1)
        elif mark in _QUOTES:
            self.write_string(mark)
        else:
            self.write_word()

    def close(self, mark: str) -> None:
        if not self.stack or mark != _CLOSING[self.stack.pop()]:
            self.stop(f"Expected brackets that match, got {mark!r}.")
        if self.last == ",":
            self.written.pop()
        self.write(mark, "value", 1)

    def write_key(self) -> None:
        found = _KEY.match(self.text, self.place)
        if found is None:
            kind = "cut_off" if _CUT_KEY.match(self.text, self.place) else "json"
            self.stop(f"Expected a name and a colon, got {self.text[self.place : self.place + 20]!r}.", kind)
        name = next(group for group in found.groups() if group is not None).replace("\\_", "_")
        self.write(_quoted(name) + ":", ":", found.end() - self.place)

    def write_string(self, quote: str) -> None:
        found = _STRINGS[self.stack[-1]][quote].match(self.text, self.place + 1)
        if found is None:
            self.place = len(self.text)
            self.stop("Expected the end of a string, got the end of the text.", "cut_off")
        self.write(_quoted(found[1]), "value", found.end() - self.place)

    def write_word(self) -> None:
        found = _WORD.match(self.text, self.place)
        if found is None:
            self.stop(f"Expected a value, got {self.text[self.place : self.place + 20]!r}.")
        word = _WORDS.get(found[0], found[0])
        if word.isidentifier() and word not in _NUMBERS:
            word = json.dumps(word)
        self.write(word, "value", len(found[0]))

    def write(self, mark: str, last: str, length: int) -> None:
        self.written.append(mark)
        self.last = last
        self.place += length

    def stop(self, message: str, kind: str = "json") -> NoReturn:
        raise BrokenJsonError(kind, message, self.place)


def _quoted(content: str) -> str:
    with suppress(ValueError):  # a lone backslash or quote is one
        content = json.loads(f'"{content}"', strict=False)
    return json.dumps(content)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BrokenJsonError("repeated_field", "Expected each field of an object once, got one again.", 0)
    return fields


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number, strict=False)
