# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a Word file: its parts are read; links, macros and outside files are ignored."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from PIL import Image

from imug_metrics._optional import require
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError
from imug_metrics.quality.text import clean_share

MAX_PARTS = 2000
"""Files that a document may consist of."""

MAX_UNPACKED = 128 * 1024 * 1024
"""Bytes to which they may unpack."""

MAX_PARAGRAPHS = 5000
"""Paragraphs that are read."""


def docx_quality(content: bytes) -> Quality:
    """No-reference quality of a Word file.

    The value is the product of:

    - ``intact``: share of the packed parts whose checksum is right.
    - ``text``: characters of paragraphs and tables: 0 scores 0.3 where there are images, 200 scores 1.
    - ``clean``: share of these characters that are no debris of an encoding: 0.8 scores 0, 1 scores 1.
    - ``filled``: share of paragraphs with text or an image: 0 scores 0, 0.4 scores 1.
    - ``structure``: 1 with a title, headings or a list, else 0.7; documents of fewer than six paragraphs score 1.
    - ``tables``: share of the cells of all tables that hold text: 0 scores 0.3, 0.5 scores 1; left out where there are
      none.
    - ``images``: share of the embedded images that open: 0 scores 0.3, 1 scores 1; left out where there are none.

    Args:
        content: The file.

    Returns:
        The quality in [0, 1].

    Raises:
        BrokenError: If it cannot be opened or holds nothing.
        UnjudgedError: If it is encrypted, no Word file, or unpacks to too much.
        ModuleNotFoundError: If python-docx is not installed.

    Example:
        >>> from imug_metrics.quality.source import BrokenError
        >>> try:
        ...     docx_quality(b"PK and no more")
        ... except BrokenError as error:
        ...     print(error)
        The file is no readable archive.
    """
    intact, images, bad, external = _parts(content)
    docx = require("docx", extra="quality", purpose="Judging a DOCX file")
    try:
        document = docx.Document(io.BytesIO(content))
        found = _read(document)
    except Exception as error:  # the reader raises nearly anything for files that are not as it expects
        raise BrokenError(f"The Word file cannot be read: {type(error).__name__}.") from error
    if not found["text"].strip() and not images:
        raise BrokenError("The Word file holds neither text nor images.")
    return _measured(found, {"intact": intact, "images": images, "bad_images": bad, "external": external})


def _parts(content: bytes) -> tuple[float, float, float, float]:
    """Share of sound parts, images, images that do not open, and references to outside, which are only counted."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError) as error:
        raise BrokenError("The file is no readable archive.") from error
    with archive:
        parts = archive.infolist()
        _check_size(parts)
        names = {part.filename for part in parts}
        if "word/document.xml" not in names:
            if names & {"ppt/presentation.xml", "xl/workbook.xml", "mimetype"}:
                raise UnjudgedError("The archive holds another kind of document.")
            raise BrokenError("The archive holds no Word document.")
        contents = {part.filename: _unpacked(archive, part) for part in parts}
    images = [data for name, data in contents.items() if name.startswith("word/media/")]
    external = sum(
        data.count(b'TargetMode="External"') for name, data in contents.items() if data and name[-5:] == ".rels"
    )
    sound = sum(data is not None for data in contents.values()) / len(contents)
    return sound, float(len(images)), float(sum(not _opens(data) for data in images)), float(external)


def _check_size(parts: list[zipfile.ZipInfo]) -> None:
    # Unpacking stops at the announced size, so that it may be trusted as a bound.
    size = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or size > MAX_UNPACKED:
        raise UnjudgedError(
            f"The document unpacks to {len(parts)} parts of {size} bytes together, too much to be read."
        )
    if any(part.flag_bits & 1 for part in parts):
        raise UnjudgedError("The document is encrypted.")


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes | None:
    try:
        return archive.read(part)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        return None


def _opens(data: bytes | None) -> bool:
    if data is None:
        return False
    if data[:4] in (b"\xd7\xcd\xc6\x9a", b"\x01\0\0\0") or data.lstrip()[:5] in (b"<svg ", b"<?xml"):
        return True  # drawings, which are not drawn here
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")) as image:
            if image.width * image.height <= 64_000_000:
                image.load()
    except Exception:  # decoders of hostile files raise nearly anything
        return False
    return True


def _read(document: Any) -> dict[str, Any]:
    text: list[str] = []
    filled = paragraphs = marked = 0
    for paragraph in document.paragraphs[:MAX_PARAGRAPHS]:
        words = paragraph.text
        paragraphs += 1
        filled += bool(words.strip()) or bool(paragraph._p.xpath(".//w:drawing|.//w:pict|.//m:oMath"))
        style = (paragraph.style.name or "") if paragraph.style is not None else ""
        marked += style.startswith(("Heading", "Title", "List")) and bool(words.strip())
        text.append(words)
    cells = _cells(document)
    body = "\n".join(text + cells)
    return {"text": body, "paragraphs": paragraphs, "filled": filled, "marked": marked, "cells": cells}


def _cells(document: Any) -> list[str]:
    """Texts of the cells as they are stored: the reader's own grid repeats merged cells any number of times."""
    found = document.element.body.xpath(".//w:tc")[:MAX_PARAGRAPHS]
    return ["".join(piece.text or "" for piece in cell.xpath(".//w:t")) for cell in found]


def _measured(found: dict[str, Any], parts: dict[str, float]) -> Quality:
    characters = float(len(found["text"].strip()))
    measured = parts | {
        "characters": characters,
        "clean": clean_share(found["text"]) if characters else 1.0,
        "paragraphs": float(found["paragraphs"]),
        "filled": found["filled"] / max(1, found["paragraphs"]),
        "headings_and_lists": float(found["marked"]),
    }
    least = 0.3 if parts["images"] else 0.0
    scores = {
        "intact": parts["intact"],
        "text": least + (1 - least) * ramp(characters, 0.0, 200.0),
        "clean": ramp(measured["clean"], 0.8, 1.0),
        "filled": ramp(measured["filled"], 0.0, 0.4) if found["paragraphs"] else 1.0,
        "structure": 1.0 if found["marked"] or found["paragraphs"] < 6 else 0.7,
    }
    if found["cells"]:
        share = sum(bool(cell.strip()) for cell in found["cells"]) / len(found["cells"])
        scores["tables"] = 0.3 + 0.7 * ramp(share, 0.0, 0.5)
    if parts["images"]:
        scores["images"] = 1 - 0.7 * parts["bad_images"] / parts["images"]
    return combined(measured, scores)
