# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""WebDataset shards: a tar archive whose members of one name are one dialogue, read from its begin to its end."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imug_metrics.formats.chats.conversation import conversation_records, messages_field
from imug_metrics.formats.chats.line_keys import IMAGES, LineKeys
from imug_metrics.formats.common.image_sources import ImageSources, has_image
from imug_metrics.formats.common.json_rows import MAX_ROW_BYTES
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import IN_CHATS
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.media.formats import SUFFIXES
from imug_metrics.reading.files import MAX_IMAGE_BYTES, Problems, kind, parse_json

_GZIP = b"\x1f\x8b"
_BLOCK = 512
_MAX_BETWEEN = MAX_IMAGE_BYTES + 64 * 2**20
_MAX_MEMBERS = 10_000
_BROKEN = (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, OverflowError)


class WebDatasetReader:
    """Shards of `key.json`, a line of any form of chat, and its images: `key.png`, `key.0.png`, `key.1.jpg`, ...

    Images are named in the messages by their member's name, with or without the key, or are those that `<image>` and
    parts without an image of their own stand for, in the order of their names.
    """

    name = "webdataset"

    def recognises(self, head: Head) -> bool:
        """A tar archive, plain or packed with gzip."""
        return _is_tar(head.start) or _is_tar(_unpacked(head.start))

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each dialogue, one a turn; see `conversation_records`. The line is the dialogue's number."""
        keys = LineKeys(options.columns)
        for number, sample in enumerate(_samples(path, problems), 1):
            place = Place(path, number, problems)
            row = _row(sample, place)
            if row is not None:
                keys.look(row, messages_field(row, options.columns), place)
                named = {name: sample.members[suffix] for suffix in sample.images for name in sample.names(suffix)}
                yield from conversation_records(row, place, options, ImageSources(None, named))
        keys.check(path)


@dataclass
class _Sample:
    """Members of one name: their content by what follows the name, and those that are not read with the reason."""

    key: str
    members: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> list[str]:
        """Suffixes of the images, numbers by their value."""
        return sorted(filter(_is_image, self.members), key=_by_number)

    def names(self, suffix: str) -> list[str]:
        """What messages may call a member."""
        base = self.key.rpartition("/")[2]
        alone = [suffix] if "." in suffix else []
        return [*alone, f"{base}.{suffix}", f"{self.key}.{suffix}"]


def _samples(path: Path, problems: Problems) -> Iterator[_Sample]:
    """Neighbouring members of one name at a time."""
    sample: _Sample | None = None
    for name, content in _members(path, problems):
        folder, slash, file = name.rpartition("/")
        key, _, suffix = file.partition(".")
        key = folder + slash + key
        if sample is None or sample.key != key:
            if sample is not None:
                yield sample
            sample = _Sample(key)
        if isinstance(content, str):
            sample.refused[suffix] = content
        elif suffix in sample.members:
            sample.refused[suffix] = "is there twice; the first counts"
        elif len(sample.members) >= _MAX_MEMBERS:
            sample.refused[suffix] = f"expected at most {_MAX_MEMBERS} members of one name"
        else:
            sample.members[suffix] = content
    if sample is not None:
        yield sample


def _members(path: Path, problems: Problems) -> Iterator[tuple[str, bytes | str]]:
    """Name and content of each file of an archive, or why it is not read; what is broken ends it and is told."""
    try:
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == _GZIP
            stream = _Limited(gzip.GzipFile(fileobj=file) if packed else file)
            # Blocks of zeros are passed over: archives may have been joined, and the sum of a packed one is checked.
            options: Any = {"mode": "r|", "tarinfo": _Member, "ignore_zeros": True}
            with tarfile.open(fileobj=stream, **options) as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # each is read once; else all are kept
                    stream.left = _MAX_BETWEEN
                    if not member.isdir():
                        yield member.name, _content(archive, member)
    except _BROKEN as error:
        problems.error(path, None, "", f"expected a whole tar archive: {error}; what follows is not read")


class _Member(tarfile.TarInfo):
    """A member whose header is read or refused; by itself the reader takes a broken one for the archive's end."""

    @classmethod
    def fromtarfile(cls, archive: Any) -> Any:
        try:
            member = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.ended = True
            raise
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            if getattr(archive, "ended", False):
                raise
            raise tarfile.ReadError("it ends without the blocks that end an archive") from None
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error
        archive.ended = False
        return member


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | str:
    if member.size < 0:
        raise tarfile.ReadError(f"{member.name[:80]!r} has a size below 0")
    if member.name.rpartition("/")[2].startswith("."):
        return "is a hidden file"
    if not member.isreg():
        return "is a link or no file: not followed"
    limit = MAX_ROW_BYTES if member.name.lower().endswith(".json") else MAX_IMAGE_BYTES
    if member.size > limit:
        return f"expected at most {limit} bytes, got {member.size}"
    file = archive.extractfile(member)
    content = b"" if file is None else file.read(limit + 1)
    if len(content) < member.size:
        raise tarfile.ReadError(f"{member.name[:80]!r} ends before its end")
    return content


class _Limited(io.RawIOBase):
    """A stream of which no more than so much is read for one member, whatever its headers say."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.left = stream, _MAX_BETWEEN

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content: bytes = self.stream.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise tarfile.ReadError(f"a member of more than {_MAX_BETWEEN} bytes")
        return content


def _row(sample: _Sample, place: Place) -> dict[str, Any] | None:
    """What the JSON member of a sample holds, or None, with the reason told."""
    for suffix, reason in sample.refused.items():
        place.error(f"{sample.key[:80]}.{suffix[:40]}", reason)
    for suffix in sample.members:
        if suffix != "json" and not _is_image(suffix):
            place.warn(f"{sample.key[:80]}.{suffix[:40]}", "is neither JSON nor an image: it is not read")
    if "json" not in sample.members:
        if "json" not in sample.refused:
            place.error(f"{sample.key[:80]}.json", "expected a JSON member that holds the messages, found none")
        return None
    row = parse_json(sample.members["json"], place.file, place.line, place.problems)
    if row is not None and not isinstance(row, dict):
        place.error(f"{sample.key[:80]}.json", f"expected an object, got {kind(row)}")
    return _with_images(row, sample) if isinstance(row, dict) else None


def _with_images(row: dict[str, Any], sample: _Sample) -> dict[str, Any]:
    """A line with the images that no message names, and the sample's name where it has no id of its own."""
    line = sample.members["json"]
    unnamed = [
        suffix for suffix in sample.images if not any(f'"{name}"'.encode() in line for name in sample.names(suffix))
    ]
    named = {} if any(row.get(name) is not None for name in IN_CHATS["dialogue"]) else {"dialogue": sample.key}
    own = any(has_image(row.get(name)) and row[name] != [] for name in IMAGES)
    return {
        **named,
        **row,
        **({} if own or not unnamed else {"images": [sample.members[suffix] for suffix in unnamed]}),
    }


def _is_image(suffix: str) -> bool:
    return f".{suffix.rpartition('.')[2].lower()}" in SUFFIXES


def _by_number(suffix: str) -> list[tuple[bool, int, str]]:
    parts = suffix.split(".")
    return [(not part.isdecimal(), int(part[:18]) if part.isdecimal() else 0, part) for part in parts]


def _is_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def _unpacked(start: bytes) -> bytes:
    """The beginning of what is packed with gzip; empty where that cannot be read."""
    if not start.startswith(_GZIP):
        return b""
    try:
        return zlib.decompressobj(wbits=31).decompress(start, _BLOCK)
    except zlib.error:
        return b""
