# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Members of archives: both ways of packing, and every way to be broken."""

from __future__ import annotations

import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from imug_metrics.formats.common.zip_members import ZipError, ZipMembers
from tests.formats.table_files import zstandard_archive

CONTENT = {"a.json": b'{"a": 1}', "b/c.txt": b"text " * 1_000, "empty": b""}


def archive(folder: Path, packing: str) -> Path:
    path = folder / "a.zip"
    if packing == "zstandard":
        path.write_bytes(zstandard_archive(CONTENT))
        return path
    with zipfile.ZipFile(path, "w", getattr(zipfile, packing)) as out:
        for name, content in CONTENT.items():
            out.writestr(name, content)
    return path


PACKINGS = ["ZIP_STORED", "ZIP_DEFLATED", "zstandard"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_members_are_read_however_they_are_packed(tmp_path, packing) -> None:
    with ZipMembers(archive(tmp_path, packing), max_bytes=10_000) as members:
        assert {name: members.read(name) for name in members.names} == CONTENT


@pytest.mark.parametrize("packing", ["ZIP_BZIP2", "ZIP_LZMA"])
def test_packings_that_may_need_any_memory_are_refused(tmp_path, packing) -> None:
    with ZipMembers(archive(tmp_path, packing), max_bytes=10_000) as members:
        with pytest.raises(ZipError, match="packed by Deflate or Zstandard"):
            members.read("a.json")
        with pytest.raises(ZipError, match="packed by Deflate"):
            members.check(10_000)


def test_all_members_are_looked_at_before_another_reader_unpacks_them(tmp_path) -> None:
    with ZipMembers(archive(tmp_path, "ZIP_DEFLATED"), max_bytes=10) as members:
        members.check(5_008)
        with pytest.raises(ZipError, match="at most 5007 bytes, unpacked, got 5008"):
            members.check(5_007)


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_is_too_large_or_absent_is_refused(tmp_path, packing) -> None:
    with ZipMembers(archive(tmp_path, packing), max_bytes=1_000) as members:
        with pytest.raises(ZipError, match="at most 1000 bytes, got 5000"):
            members.read("b/c.txt")
        with pytest.raises(ZipError, match="not in the archive"):
            members.read("d")
        assert members.read("a.json") == CONTENT["a.json"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_size_that_lies_is_found_out(tmp_path, packing) -> None:
    """A member that says it is small, and unpacks to more."""
    content = bytearray(archive(tmp_path, packing).read_bytes())
    directory = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 1)
    struct.pack_into("<I", content, directory + 24, 10)
    (tmp_path / "a.zip").write_bytes(content)
    with ZipMembers(tmp_path / "a.zip", max_bytes=1_000) as members, pytest.raises(ZipError, match="could not be"):
        members.read("b/c.txt")


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("place", range(0, 60, 3))
def test_a_damaged_member_is_refused_or_right(tmp_path, packing, place) -> None:
    content = bytearray(archive(tmp_path, packing).read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(content)
    with suppress(ZipError), ZipMembers(tmp_path / "a.zip", max_bytes=10_000) as members:
        assert {name: members.read(name) for name in members.names} == CONTENT


def test_encrypted_members_are_refused(tmp_path) -> None:
    content = bytearray(archive(tmp_path, "ZIP_STORED").read_bytes())
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with ZipMembers(tmp_path / "a.zip", max_bytes=10_000) as members, pytest.raises(ZipError, match="could not be"):
        members.read("a.json")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 17, b"not a zip", b"PK\x05\x06" + b"\xff" * 18]
)
def test_what_is_no_archive_is_refused(tmp_path, content) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ZipError, match="expected a zip archive"):
        ZipMembers(tmp_path / "a.zip", max_bytes=10)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ZipMembers(tmp_path / "a.zip", max_bytes=10)
