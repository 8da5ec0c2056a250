# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files are not trusted: nothing unpacks without bound, nothing beside the file is opened, and no program is run."""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imug_metrics.quality import MODALITIES, item_quality
from tests.quality.items import PROGRAM, TEXT, docx_file, pdf_file, video_file


def _png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def _zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def _announcing() -> bytes:
    """An archive whose table says that a part unpacks to 4 GB."""
    file = _zipped({"word/document.xml": b"x"})
    place = file.index(b"PK\x01\x02") + 24
    return file[:place] + b"\xff\xff\xff\xf0" + file[place + 4 :]


def _gltf(**more: Any) -> bytes:
    return json.dumps({"asset": {"version": "2.0"}, **more}).encode()


def _tree(depth: int) -> list[dict[str, list[int]]]:
    """Each node twice the child of the one before: without a check, 2 to the power of `depth` nodes."""
    return [{"children": [k + 1, k + 1]} for k in range(depth)] + [{}]


BOMBS: dict[str, tuple[str, Callable[[], bytes | str]]] = {
    "image-of-a-billion-pixels": ("image", lambda: _png(60_000, 60_000)),
    "image-above-our-limit": ("image", lambda: _png(9_000, 9_000)),
    "archive-that-unpacks": ("document", _announcing),
    "archive-of-many-parts": ("document", lambda: _zipped({f"word/{k}": b"" for k in range(3000)})),
    "old-word-file": ("document", lambda: b"\xd0\xcf\x11\xe0" + bytes(600)),
    "endless-text": ("text", lambda: "word " * 300_000),
    "endless-program": ("code", lambda: "x = 1\n" * 50_000),
    "brackets-in-brackets": ("code", lambda: "[" * 5_000 + "]" * 5_000),
    "signs-in-a-row": ("code", lambda: "-" * 100_000 + "1"),
    "long-sum": ("code", lambda: "1" + "+1" * 90_000),
    "long-chain": ("code", lambda: "a" + ".b" * 90_000),
    "json-in-json": ("code", lambda: "```json\n" + "[" * 90_000 + "\n```"),
    "numbers-from-nowhere": ("threeD", lambda: _gltf(accessors=[{"count": 10**12, "componentType": 5126}])),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_take_too_much_is_not_judged(bomb: str) -> None:
    modality, make = BOMBS[bomb]
    quality = item_quality(make(), modality)  # type: ignore[arg-type]
    assert np.isnan(quality.value)
    assert quality.reason


BROKEN_BOMBS: dict[str, tuple[str, bytes]] = {
    "nodes-that-multiply": ("threeD", _gltf(nodes=_tree(60), scenes=[{"nodes": [0]}], scene=0)),
    "nodes-in-a-circle": ("threeD", _gltf(nodes=[{"children": [1]}, {"children": [0]}], scenes=[{"nodes": [0]}])),
    "ply-of-vertices-that-are-not-there": (
        "threeD",
        b"ply\nformat binary_little_endian 1.0\nelement vertex 900000000000\nproperty float x\nend_header\n",
    ),
    "entities-that-multiply": (
        "code",
        b'```xml\n<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">'
        + b"".join(b'<!ENTITY c%d "%s">' % (k, b"&%s;" % (b"c%d" % (k - 1) if k else b"b") * 10) for k in range(9))
        + b"]><a>&c8;</a>\n```",
    ),
}


@pytest.mark.parametrize("bomb", BROKEN_BOMBS)
def test_what_multiplies_is_broken_and_costs_little(bomb: str) -> None:
    modality, content = BROKEN_BOMBS[bomb]
    item_quality(content, modality)  # type: ignore[arg-type]  # imports happen here
    tracemalloc.start()
    quality = item_quality(content, modality)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert quality.value == 0
    assert quality.reason
    assert peak < 20_000_000


@pytest.mark.parametrize("modality", MODALITIES)
def test_file_above_the_limit_is_not_opened(modality: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(2**40)  # a hole, no data
    quality = item_quality(large, modality)  # type: ignore[arg-type]
    assert np.isnan(quality.value)
    assert "bytes" in str(quality.reason)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device"])
def test_what_is_no_file_is_not_judged(modality: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "item"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    quality = item_quality(path, modality)  # type: ignore[arg-type]
    assert np.isnan(quality.value)
    assert quality.reason


_opened: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and (event == "open" or event.startswith(("socket", "subprocess", "os.system"))):
        _opened.append(f"{event} {arguments[0]}")


sys.addaudithook(_watch)  # cannot be taken away again, hence the switch


def _referring(secret: Path) -> dict[str, tuple[str, str, bytes]]:
    name = str(secret).encode()
    external = (
        f'<Relationship Id="rId99" Type="http://x/attachedTemplate" Target="file://{secret}" TargetMode="External"/>'
    )
    old = zipfile.ZipFile(io.BytesIO(docx_file()))
    parts = {part: old.read(part) for part in old.namelist()}
    rels = "word/_rels/document.xml.rels"
    parts[rels] = parts[rels].replace(b"</Relationships>", external.encode() + b"</Relationships>")
    entity = b'<!DOCTYPE w:document [<!ENTITY x SYSTEM "file://' + name + b'">]>'
    with_entity = parts | {
        "word/document.xml": parts["word/document.xml"].replace(b"<w:document", entity + b"<w:document", 1)
    }
    data = base64.b64encode(bytes(36)).decode()
    return {
        "obj-materials": ("threeD", "m.obj", b"mtllib " + name + b"\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
        "gltf-buffer": ("threeD", "m.gltf", _gltf(buffers=[{"uri": str(secret), "byteLength": 36}])),
        "gltf-image": (
            "threeD",
            "m.gltf",
            _gltf(buffers=[{"uri": f"data:;base64,{data}", "byteLength": 36}], images=[{"uri": f"file://{secret}"}]),
        ),
        "playlist": ("video", "v.mp4", b"#EXTM3U\n#EXTINF:1,\n" + name + b"\n"),
        "concatenation": ("video", "v.mp4", b"ffconcat version 1.0\nfile '" + name + b"'\n"),
        "drawing": ("image", "p.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="' + name + b'"/></svg>'),
        "postscript": ("image", "p.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(" + name + b") run\n"),
        "word-template": ("document", "d.docx", _zipped(parts)),
        "word-entity": ("document", "d.docx", _zipped(with_entity)),
        "xml-entity": ("code", "c.xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file://' + name + b'">]><a>&x;</a>'),
        "pdf-action": (
            "document",
            "d.pdf",
            pdf_file().replace(b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /Launch /F (" + name + b") >>"),
        ),
        "program": ("code", "c.py", f"import os\nos.system('cat {secret}')\nopen('{secret}').read()\n".encode()),
    }


@pytest.mark.parametrize("reference", sorted(_referring(Path("/x"))))
def test_nothing_beside_the_file_is_opened_and_nothing_is_run(reference: str, tmp_path: Path) -> None:
    global _opened
    secret = tmp_path / "secret"
    secret.write_bytes(video_file(np.zeros((3, 32, 32, 3), np.uint8)))
    modality, name, content = _referring(secret)[reference]
    path = tmp_path / name
    path.write_bytes(content)
    _opened = []
    try:
        quality = item_quality(path, modality)  # type: ignore[arg-type]
    finally:
        seen, _opened = _opened, None
    assert quality.value >= 0 or quality.reason
    assert any(str(path) in event for event in seen)  # the watch works
    assert [event for event in seen if str(secret) in event or not event.startswith("open ")] == []


def test_program_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    item_quality(f"open({str(mark)!r}, 'w')\n" + PROGRAM, "code")
    assert not mark.exists()


def test_long_document_is_looked_at_in_part() -> None:
    rows = [(72.0, 700.0, 12.0, TEXT[:60])]
    quality = item_quality(pdf_file([rows] * 400), "document")
    assert quality.parts["pages"] == 400
    assert quality.value > 0.3
