# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reading data that others wrote: within size limits, within their folder, and with every problem collected."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from imug_metrics.reading.text_files import MAX_TEXT_BYTES, TextError, decode, read_lines, read_text

MAX_JSON_BYTES = MAX_TEXT_BYTES
MAX_IMAGE_BYTES = 256 * 2**20
MAX_TURN = 1024


@dataclass(frozen=True)
class Problem:
    """Something in the data that is not as it should be.

    Attributes:
        file: where it is.
        line: line of the file from 1, or None where the whole file is meant.
        field: the field or the place in it, for example "tasks[2].turn"; empty where the whole line is meant.
        message: what was expected and what was found.
        level: "error" where something expected could not be read or is absent, so that a record is not scored on its
            merits; "warning" where something odd was ignored or read in a documented way.

    Example:
        >>> print(Problem("data.jsonl", 3, "tasks[0].turn", "expected a turn from 1, got 'x'"))
        data.jsonl:3: tasks[0].turn: expected a turn from 1, got 'x'
    """

    file: str
    line: int | None
    field: str
    message: str
    level: Literal["error", "warning"] = "error"

    def as_row(self) -> dict[str, Any]:
        """The problem as one JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.field, self.message) if part)


class Problems(list[Problem]):
    """Collects problems while files are read.

    Example:
        >>> problems = Problems()
        >>> problems.error("result.json", None, "tasks", "expected a list, got a number")
        >>> problems.warn("data.jsonl", 3, "", "sample repeated; the first is kept")
        >>> problems.errors, len(problems)
        (1, 2)
    """

    def error(self, file: Path | str, line: int | None, field: str, message: str) -> None:
        """Add what keeps a record from being scored."""
        self.append(Problem(str(file), line, field, message))

    def warn(self, file: Path | str, line: int | None, field: str, message: str) -> None:
        """Add what is odd but has a documented reading."""
        self.append(Problem(str(file), line, field, message, "warning"))

    def first_error(self, path: Path) -> str:
        """The first error in a file, or below a folder, to end a message with; empty where there is none.

        Example:
            >>> problems = Problems()
            >>> problems.error("data/a.json", 2, "", "expected UTF-8")
            >>> "found nothing" + problems.first_error(Path("data"))
            'found nothing; data/a.json:2: expected UTF-8'
        """
        errors = (problem for problem in self if problem.level == "error")
        found = next((problem for problem in errors if Path(problem.file).is_relative_to(path)), None)
        return "" if found is None else f"; {found}"

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(problem.level == "error" for problem in self)


def read_jsonl(
    path: Path, problems: Problems, *, max_bytes: int = MAX_JSON_BYTES
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSON-lines file, one line at a time.

    Lines end at the newline character alone, so that a text may hold any other Unicode line break. Blank lines are
    skipped; a line that is too long, not UTF-8, not JSON or not an object is collected as an error and skipped, a file
    that as a whole is in another encoding as one error. Of a field that an object has twice the last counts, with a
    warning.
    """
    try:
        for number, text in read_lines(path, max_bytes=max_bytes):
            if isinstance(text, str) and not text.strip():
                continue
            value = _parse(text, path, number, problems)
            if isinstance(value, dict):
                yield number, value
            elif value is not _BROKEN:
                problems.error(path, number, "", f"expected an object, got {kind(value)}")
    except OSError as error:
        problems.error(path, None, "", f"could not be opened: {error.strerror}")
    except TextError as error:
        problems.error(path, None, "", error.message)


def read_json(path: Path, problems: Problems, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The content of a JSON file, or None, with the reason collected, where it cannot be read."""
    try:
        value = _parse(read_text(path, max_bytes=max_bytes), path, None, problems)
    except OSError as error:
        problems.error(path, None, "", f"could not be opened: {error.strerror}")
        return None
    except TextError as error:
        problems.error(path, None, "", error.message)
        return None
    return None if value is _BROKEN else value


def parse_json(content: bytes, path: Path, line: int | None, problems: Problems) -> Any:
    """The value of JSON in UTF-8 that stands within a file, or None, with the reason collected.

    Example:
        >>> problems = Problems()
        >>> parse_json(b'[1, 2]', Path("a.tar"), 1, problems), parse_json(b"{", Path("a.tar"), 2, problems)
        ([1, 2], None)
        >>> print(*problems)
        a.tar:2: expected JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
    """
    try:
        value = _parse(decode(content), path, line, problems)
    except TextError as error:
        problems.error(path, line, "", error.message)
        return None
    return None if value is _BROKEN else value


def as_turn(value: Any) -> int | None:
    """A turn number given as a number or as text, or None where it is neither.

    Example:
        >>> as_turn("2"), as_turn(3), as_turn(0), as_turn("x"), as_turn(True)
        (2, 3, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        return None
    try:
        turn = int(value)
    except (ValueError, OverflowError):
        return None
    return turn if 1 <= turn <= MAX_TURN and (isinstance(value, str) or turn == value) else None


def as_name(value: Any) -> str | None:
    r"""A domain, subdomain or sample id as text, or None where it cannot be the name of one folder.

    Example:
        >>> as_name("Cooking"), as_name(7), as_name("../up"), as_name(".."), as_name("\\x1b[2J")
        ('Cooking', '7', None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    name = str(value)
    odd = any(c in "/\\" or unicodedata.category(c) in ("Cc", "Cs") for c in name)
    plain = name not in ("", ".", "..") and not odd and len(name.encode()) <= 200
    return name if plain else None


def inside(path: Path, root: Path) -> Path | None:
    """The regular file `path` leads to, if it lies below `root` once all links are followed; otherwise None."""
    try:
        real = path.resolve(strict=True)
        return real if real.is_file() and real.is_relative_to(root.resolve()) else None
    except (OSError, RuntimeError, ValueError):
        return None


def kind(value: Any) -> str:
    """What a JSON value is, in words for a message.

    Example:
        >>> kind([1]), kind(None), kind(True), kind(2.5)
        ('a list', 'null', 'true or false', 'a number')
    """
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


_BROKEN = object()


def _parse(text: str | TextError, path: Path, line: int | None, problems: Problems) -> Any:
    """The value of a JSON text, or `_BROKEN`, with the reason collected."""
    repeated: dict[str, None] = {}

    def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.update((name, None) for name in found if counts[name] > 1)
        return found

    try:
        if isinstance(text, TextError):
            raise text
        value = json.loads(text, object_pairs_hook=whole)
    except TextError as error:
        problems.error(path, line, "", error.message)
    except RecursionError:
        problems.error(path, line, "", "expected JSON that is not nested so deeply")
    except ValueError as error:  # also integers of more digits than Python converts
        problems.error(path, line, "", f"expected JSON: {error}{_cure(text, line)}")
    else:
        for name in repeated:
            problems.warn(path, line, name[:80], "one object has this field twice; the last counts")
        return value
    return _BROKEN


def _cure(text: str | TextError, line: int | None) -> str:
    """What to do about a line that is no JSON, where its form shows it."""
    if line is None or isinstance(text, TextError):
        return ""
    if "\r" in text.strip():
        return "; its lines end in CR alone: save it with LF at the end of each line"
    return "; expected one object a line, not an array" if text.lstrip().startswith("[") else ""
