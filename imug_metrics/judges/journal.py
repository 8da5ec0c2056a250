# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge's answers on disk, one JSON line each, written as they arrive and found again by what was asked."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from imug_metrics.judges.content import message_text
from imug_metrics.judges.protocol import ImagePart, JudgeRequest

_BEGINNING = b'{"key": '  # of every line


class JournalLockedError(RuntimeError):
    """Another process is writing to the journal."""


class Address(NamedTuple):
    """What an answer belongs to: it is used again only where all of this is the same.

    Attributes:
        key: the question's key.
        prompt: SHA-256 of all that is asked, without the content of the images.
        images: SHA-256 of each image's bytes, in order.
        judge: the judge's name.
        repeat: which of the repeats, from 0.
    """

    key: tuple[str | int, ...]
    prompt: str
    images: tuple[str, ...]
    judge: str
    repeat: int


class Answer(NamedTuple):
    """One answer.

    Attributes:
        asked: how many times the judge had been asked, this one included.
        reply: the reply's text; None where there was none.
        error: why the answer cannot be used; None where it can.
    """

    asked: int
    reply: str | None
    error: str | None


def address_of(key: tuple[str | int, ...], request: JudgeRequest, judge: str, repeat: int) -> Address:
    """Address of the answer to a request.

    Example:
        >>> with_a, with_b = (JudgeRequest(None, ("Which?", ImagePart(data))) for data in (b"a", b"b"))
        >>> first, second = address_of(("m", 1), with_a, "judge", 0), address_of(("m", 1), with_b, "judge", 0)
        >>> first.prompt == second.prompt, first.images == second.images
        (True, False)
    """
    parts = [{"image": part.media_type} if isinstance(part, ImagePart) else part for part in request.parts]
    text = json.dumps([request.system, parts, request.temperature, request.json_reply])
    images = (part.data for part in request.parts if isinstance(part, ImagePart))
    return Address(key, _sha256(text.encode()), tuple(map(_sha256, images)), judge, repeat)


class Journal:
    """Answers of earlier calls, and the file to which new ones are added.

    A last line that was cut off is removed. Other lines that cannot be read are left out with a warning. Of several
    answers to one question the last counts; the others, and unreadable lines, are removed from the file when it is
    opened, once they are the greater part or any line cannot be read.

    Args:
        path: the file; made where it does not exist.

    Raises:
        JournalLockedError: if another process has the journal open.
        OSError: if the file cannot be opened or read, or holds something else than answers; it is then not changed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "journal.jsonl"
        >>> address = address_of(("model", 1), JudgeRequest(None, ("Which?",)), "judge", 0)
        >>> with Journal(path) as journal:
        ...     journal.add(address, Answer(1, "B", None))
        >>> with Journal(path) as journal:
        ...     journal.find(address)
        Answer(asked=1, reply='B', error=None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # a link is followed now, so that compaction replaces the file and not the link
        self._file = _open_locked(self.path)
        try:
            self._answers, lines, damaged = _load(self._file, path)
            if damaged:
                warnings.warn(
                    f"{path}: damaged lines are left out, and what they answered is asked again: "
                    f"{len(damaged)} in all, the first is line {damaged[0]}.",
                    stacklevel=3,
                )
            if damaged or lines > 2 * len(self._answers):
                self._compact()
        except BaseException:
            self._file.close()
            raise

    def find(self, address: Address) -> Answer | None:
        """The last answer to a question, or None where it has not been asked."""
        return self._answers.get(address)

    def add(self, address: Address, answer: Answer) -> None:
        """Write an answer; it survives the end of this process once this returns."""
        self._write(_line(address, answer))
        self._answers[address] = answer

    def close(self) -> None:
        """Bring everything to the disk and release the lock."""
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        written = self._file.write(line)
        while written < len(line):  # a full disk or a signal; what follows raises, or writes the rest
            written += self._file.write(line[written:])

    def _compact(self) -> None:
        """Replace the file by one without dead lines; whoever looks finds the old one or the new one, whole."""
        old, name = self._file, self.path.with_name(f"{self.path.name}.new")
        name.unlink(missing_ok=True)
        self._file = _open_locked(name)  # locked before it has the journal's name
        os.fchmod(self._file.fileno(), os.fstat(old.fileno()).st_mode & 0o777)
        for address, answer in self._answers.items():
            self._write(_line(address, answer))
        os.fsync(self._file.fileno())
        os.replace(name, self.path)
        old.close()
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else a power cut may bring the old file back, without what is added from now on
        finally:
            os.close(folder)


def _open_locked(path: Path) -> BinaryIO:
    import fcntl  # POSIX only; the package can be imported elsewhere

    file = open(path, "a+b", buffering=0)  # noqa: SIM115  the journal closes it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A file that was replaced between opening and locking is no longer the journal.
        if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
    except BlockingIOError:
        pass
    except BaseException:
        file.close()
        raise
    file.close()
    raise JournalLockedError(f"The journal {path} is in use by another process; only one may write to it at a time.")


def _load(file: BinaryIO, path: Path) -> tuple[dict[Address, Answer], int, list[int]]:
    """Answers by address, number of readable lines, and the numbers of those that are damaged."""
    answers: dict[Address, Answer] = {}
    lines, end, damaged, rest = 0, 0, [], b""
    file.seek(0)
    with open(file.fileno(), "rb", closefd=False) as reader:
        for number, line in enumerate(reader, 1):
            if not line.endswith(b"\n"):
                rest = line
                break
            end += len(line)
            try:
                address, answer = _parse(line)
            except (ValueError, TypeError, KeyError, RecursionError):
                damaged.append(number)
                continue
            answers[address] = answer
            lines += 1
    is_cut_off = _BEGINNING.startswith(rest.strip(b"\0")[: len(_BEGINNING)])
    if not answers and (damaged or not is_cut_off):
        raise OSError(f"{path} is no journal: none of its lines is an answer. It is not changed.")
    file.truncate(end)
    return answers, lines, damaged


def _line(address: Address, answer: Answer) -> bytes:
    return json.dumps({**address._asdict(), **answer._asdict()}).encode() + b"\n"


def _parse(line: bytes) -> tuple[Address, Answer]:
    row = json.loads(line)
    address = Address(tuple(row["key"]), row["prompt"], tuple(row["images"]), row["judge"], row["repeat"])
    answer = Answer(row["asked"], message_text(row["reply"]), row["error"])  # other tools record lists of chunks
    texts = (address.prompt, address.judge, *address.images)
    whole = (*(_is(part, str, int) for part in address.key), *(_is(text, str) for text in texts))
    counts = _is(address.repeat, int) and _is(answer.asked, int)
    if not (all(whole) and counts and _is(answer.reply, str, type(None)) and _is(answer.error, str, type(None))):
        raise TypeError("a field is of another type")
    if answer.reply is None and answer.error is None:
        raise ValueError("neither a reply nor an error")
    return address, answer


def _is(value: Any, *kinds: type) -> bool:
    return type(value) in kinds


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
