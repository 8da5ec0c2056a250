# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Shards that were joined, cut, packed, or made to do harm."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import read_records
from imug_metrics.formats import RecordAt, webdataset
from imug_metrics.formats.common.head import read_head
from imug_metrics.formats.protocol import ReadOptions
from imug_metrics.formats.webdataset import WebDatasetReader
from imug_metrics.reading.files import Problems
from tests.formats.chat_files import add_member


def said(answer: Any, **more: Any) -> bytes:
    messages = [{"role": "user", "content": "draw"}, {"role": "assistant", "content": answer}]
    return json.dumps({**more, "messages": messages}).encode()


def shard(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            add_member(archive, name, content)
    return buffer.getvalue()


def read(content: bytes, folder: Path) -> tuple[list[RecordAt], list[str]]:
    path = folder / "s.tar"
    path.write_bytes(content)
    problems = Problems()
    found = list(WebDatasetReader().read(path, ReadOptions(), problems))
    return found, [str(problem).removeprefix(f"{path}") for problem in problems]


ONE = (("a.json", said("<image>")), ("a.png", b"A"))


# Members, and what of it is read: dialogue and image of each record.
MEMBERS: list[tuple[str, tuple[tuple[str, bytes], ...], list[tuple[str, bytes | None]]]] = [
    ("one image", ONE, [("a", b"A")]),
    ("an image before its messages", ONE[::-1], [("a", b"A")]),
    ("an id of its own", (("a.json", said("<image>", id="Ж")), ("a.png", b"A")), [("Ж", b"A")]),
    (
        "folders",
        (("x/a.json", said("<image>")), ("x/a.png", b"A"), ("y/a.json", said("no"))),
        [("x/a", b"A"), ("y/a", None)],
    ),
    (
        "numbers by value",
        (("a.json", said("<image>" * 3)), ("a.10.png", b"J"), ("a.2.png", b"B"), ("a.1.png", b"A")),
        [("a", b"J")],
    ),
    (
        "named with the key",
        (("a.json", said({"type": "image", "image": "a.1.jpg"})), ("a.0.jpg", b"A"), ("a.1.jpg", b"B")),
        [("a", b"B")],
    ),
    (
        "named without the key",
        (("a.json", said({"type": "image", "image": "1.png"})), ("a.0.png", b"A"), ("a.1.png", b"B")),
        [("a", b"B")],
    ),
    (
        "named by url",
        (("a.json", said({"type": "image_url", "image_url": {"url": "a.png"}})), ("a.png", b"A")),
        [("a", b"A")],
    ),
    ("only a text", (("a.json", said("no image")),), [("a", None)]),
    ("upper case", (("a.json", said("<image>")), ("a.PNG", b"A")), [("a", b"A")]),
    (
        "sharegpt",
        (
            ("a.json", b'{"conversations": [{"from": "human", "value": "d"}, {"from": "gpt", "value": "<image>"}]}'),
            ("a.webp", b"A"),
        ),
        [("a", b"A")],
    ),
    ("two dialogues", (*ONE, ("b.json", said("<image>")), ("b.png", b"B")), [("a", b"A"), ("b", b"B")]),
]


@pytest.mark.parametrize(("members", "expected"), [case[1:] for case in MEMBERS], ids=[case[0] for case in MEMBERS])
def test_members_of_one_name_are_one_dialogue(members: Any, expected: list[Any], tmp_path: Path) -> None:
    found, _ = read(shard(*members), tmp_path)
    assert [(record.record.dialogue, record.record.image) for record in found] == expected


# Members, and what is said of them.
TOLD: list[tuple[tuple[tuple[str, bytes], ...], str]] = [
    ((("a.png", b"A"),), ":1: a.json: expected a JSON member that holds the messages, found none"),
    ((("a.json", b"{"),), ":1: expected JSON"),
    ((("a.json", b"[]"),), ":1: a.json: expected an object, got a list"),
    ((("a.json", b"\xff\xfe"),), ":1: expected UTF-8"),
    ((("a.json", b"[" * 100_000),), ":1: expected JSON that is not nested so deeply"),
    ((("a.json", b'{"messages": 3}'),), ":1: messages: expected a list of messages"),
    ((*ONE, ("a.txt", b"cat")), ":1: a.txt: is neither JSON nor an image"),
    ((*ONE, ("a.png", b"B")), ":1: a.png: is there twice; the first counts"),
    ((*ONE, ("a.1.png", b"B")), ":1: images: expected as many of both, got 2 images and 1 places"),
    ((("a.json", said("B")), ("a.png", b"A")), ":1: images: expected as many of both, got 1 images and 0 places"),
    (
        (("a.json", said({"type": "image", "image": "/etc/passwd"})),),
        ":1: messages[1].content: expected an image that the",
    ),
    ((("a.json", said({"type": "image", "image": "../a.png"})), ("a.png", b"A")), ":1: "),
    ((("._a.json", b"x"),), ":1: ._a.json: is a hidden file"),
]


@pytest.mark.parametrize(("members", "expected"), TOLD, ids=[case[1][:50] for case in TOLD])
def test_what_is_not_read_is_told(members: Any, expected: str, tmp_path: Path) -> None:
    _, problems = read(shard(*members), tmp_path)
    assert any(problem.startswith(expected) for problem in problems)


def test_links_are_not_followed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        add_member(archive, "a.json", said("<image>"))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"a.{kind.decode()}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    found, problems = read(buffer.getvalue(), tmp_path)
    assert [record.record.image for record in found] == [None]
    assert sum("is a link or no file" in problem for problem in problems) == 3


def test_joined_archives_are_read_to_the_end(tmp_path: Path) -> None:
    first, second = shard(*ONE), shard(("b.json", said("<image>")), ("b.png", b"B"))
    for content in (first + second, gzip.compress(first) + gzip.compress(second), gzip.compress(first + second)):
        found, problems = read(content, tmp_path)
        assert [record.record.dialogue for record in found] == ["a", "b"]
        assert problems == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_broken_header_ends_the_reading_and_is_told(packed: bool, tmp_path: Path) -> None:
    content = bytearray(shard(*ONE, ("b.json", said("B"))))
    content[content.index(b"b.json")] ^= 1
    found, problems = read(gzip.compress(bytes(content)) if packed else bytes(content), tmp_path)
    assert [record.record.dialogue for record in found] == ["a"]
    assert any("expected a whole tar archive" in problem for problem in problems)


def test_a_sum_that_is_wrong_is_told(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(shard(*ONE), compresslevel=0))
    content[content.index(b"draw")] ^= 1
    _, problems = read(bytes(content), tmp_path)
    assert any("CRC" in problem for problem in problems)


@pytest.mark.parametrize("packed", [False, True])
def test_a_member_that_is_too_large_is_passed_over(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "MAX_IMAGE_BYTES", 1_000)
    content = shard(("a.json", said("<image>")), ("a.png", b"x" * 1_001), ("b.json", said("B")))
    found, problems = read(gzip.compress(content) if packed else content, tmp_path)
    assert [(record.record.dialogue, record.record.image) for record in found] == [("a", None), ("b", None)]
    assert any("expected at most 1000 bytes, got 1001" in problem for problem in problems)


def test_what_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "_MAX_BETWEEN", 100_000)
    bombs = [
        shard(*ONE) + bytes(10_000_000),  # zeros behind the end
        shard(*ONE, ("b.png", bytes(10_000_000))),
        _pax_header(10_000_000),
    ]
    for bomb in bombs:
        _, problems = read(gzip.compress(bomb), tmp_path)
        assert any("a member of more than 100000 bytes" in problem for problem in problems)


def _pax_header(size: int) -> bytes:
    """An extended header that claims, and has, a size of its own."""
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, size
    return member.tobuf(tarfile.USTAR_FORMAT) + bytes(size)


@pytest.mark.parametrize("content", [b"", b"\0" * 10_240, b"x" * 600, b"\x1f\x8b", gzip.compress(b"hello", mtime=0)])
def test_what_is_no_archive_is_told(content: bytes, tmp_path: Path) -> None:
    found, problems = read(content, tmp_path)
    assert found == []
    assert content == b"\0" * 10_240 or problems


def test_a_shard_is_known_by_its_content(tmp_path: Path) -> None:
    for name, content in (("a.bin", shard(*ONE)), ("b.tgz", gzip.compress(shard(*ONE)))):
        (tmp_path / name).write_bytes(content)
        assert WebDatasetReader().recognises(read_head(tmp_path / name))
        assert [record.image for record in read_records(tmp_path / name)[name[0]]] == [b"A"]
    (tmp_path / "c.gz").write_bytes(gzip.compress(b"x" * 1000))
    assert not WebDatasetReader().recognises(read_head(tmp_path / "c.gz"))
