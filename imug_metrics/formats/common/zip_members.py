# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Members of a zip archive that others wrote, unpacked one at a time and never beyond a limit."""

from __future__ import annotations

import struct
import zipfile
import zlib
from importlib import import_module
from pathlib import Path

from imug_metrics._optional import require

MAX_TOTAL = 2**34
"""Bytes that all members of an archive together may unpack to."""

_ZSTANDARD = 93
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD)  # others may need any amount of memory
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


class ZipError(ValueError):
    """A member of an archive, or the archive, cannot be read; the message says why."""


class ZipMembers:
    """The members of an archive by name; of one that is there twice the last counts, as in every reader of archives.

    Args:
        path: the archive.
        max_bytes: size of the largest member that is read.

    Raises:
        ZipError: if it is no archive.
        OSError: if it cannot be opened.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "log.zip")
        >>> with zipfile.ZipFile(path, "w") as archive:
        ...     archive.writestr("header.json", "{}")
        >>> with ZipMembers(path, max_bytes=100) as members:
        ...     members.names, members.read("header.json")
        (('header.json',), b'{}')
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._file = path.open("rb")
        try:
            self._archive = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error) as error:
            self._file.close()
            raise ZipError(f"expected a zip archive: {error}") from error
        except BaseException:
            self._file.close()
            raise
        self._max_bytes, self._left = max_bytes, MAX_TOTAL
        self._infos = {info.filename: info for info in self._archive.infolist()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all members, in their order."""
        return tuple(self._infos)

    def check(self, max_total: int) -> None:
        """Look at all members before another reader unpacks them.

        Raises:
            ZipError: if they say that they unpack to more than so many bytes, or are packed in another way than by
                Deflate.
        """
        size = sum(info.file_size for info in self._infos.values())
        if size > max_total:
            raise ZipError(f"expected at most {max_total} bytes, unpacked, got {size}")
        if any(info.compress_type not in _PACKINGS[:2] for info in self._infos.values()):
            raise ZipError("expected members that are packed by Deflate")

    def read(self, name: str) -> bytes:
        """The content of a member.

        Raises:
            ZipError: if it is damaged, encrypted, too large or packed in another way, or there is none of this name.
            ModuleNotFoundError: if it is packed with Zstandard and neither zstandard nor pyarrow is installed.
        """
        info = self._infos.get(name)
        if info is None:
            raise ZipError("is not in the archive")
        if info.compress_type not in _PACKINGS:
            raise ZipError("expected it to be packed by Deflate or Zstandard")
        if info.file_size > self._max_bytes:
            raise ZipError(f"expected at most {self._max_bytes} bytes, got {info.file_size}")
        self._left -= info.file_size
        if self._left < 0:
            raise ZipError(f"expected an archive of at most {MAX_TOTAL} bytes, unpacked")
        try:
            if info.compress_type == _ZSTANDARD:
                return self._unpack_zstandard(info)
            with self._archive.open(info) as member:
                return member.read(info.file_size + 1)  # no more than it says, and a check of its sum
        except ModuleNotFoundError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
            raise ZipError(f"could not be unpacked: {str(error) or type(error).__name__}"[:200]) from error

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()
        self._file.close()

    def __enter__(self) -> ZipMembers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unpack_zstandard(self, info: zipfile.ZipInfo) -> bytes:
        """Unpack what the zip module of Python before 3.14 does not."""
        self._file.seek(info.header_offset)
        header = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        self._file.seek(header[-2] + header[-1], 1)  # name and extra field
        packed = self._file.read(info.compress_size)
        if header[0] != b"PK\x03\x04" or info.flag_bits & 1 or len(packed) < info.compress_size:
            raise ValueError("it is damaged or encrypted")
        content = _unpacked_zstandard(packed, info.file_size + 1)
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise ValueError("its content does not fit its sum")
        return content


def _unpacked_zstandard(packed: bytes, limit: int) -> bytes:
    """The first bytes of what is unpacked, by the package that is here: Inspect brings zstandard, tables pyarrow."""
    try:
        zstandard = import_module("zstandard")
    except ModuleNotFoundError:
        pyarrow = require("pyarrow", purpose="A zip archive packed with Zstandard", extra="formats")
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(packed), "zstd") as stream:
            return bytes(stream.read(limit))
    try:
        return bytes(zstandard.ZstdDecompressor().stream_reader(packed).read(limit))
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
