# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a PDF, and to a Word file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np

from tests.quality.items import docx_file, image_file, pdf_file, pdf_rows, photograph

GREY = bytes(range(256)) * 4


def clean_pdf() -> bytes:
    return pdf_file(image=GREY)


def clean_docx() -> bytes:
    return docx_file()


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _changed(**parts: bytes | None) -> bytes:
    """The Word file with other contents of some parts, `document` for word/document.xml; None leaves a part out."""
    names = {
        "document": "word/document.xml",
        "styles": "word/styles.xml",
        "rels": "word/_rels/document.xml.rels",
        "types": "[Content_Types].xml",
        "image": "word/media/image1.png",
    }
    other = {names[key]: content for key, content in parts.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(clean_docx())) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = other.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return file.getvalue()


def _part(name: str) -> bytes:
    return zipfile.ZipFile(io.BytesIO(clean_docx())).read(name)


def _wrong_checksum(name: str) -> bytes:
    file = bytearray(clean_docx())
    place = file.find(name.encode()) + len(name) + 40
    file[place] ^= 255
    return bytes(file)


def _pages(change: Callable[[float, float, float, str], tuple[float, float, float, str]]) -> bytes:
    return pdf_file([[change(*row) for row in pdf_rows(k)] for k in range(2)], image=GREY)


PDF: dict[str, Callable[[], bytes]] = {
    "pdf-empty": lambda: b"",
    "pdf-only-header": lambda: clean_pdf()[:9],
    "pdf-header-gone": lambda: clean_pdf()[9:],
    "pdf-truncated": lambda: clean_pdf()[: 3 * len(clean_pdf()) // 4],
    "pdf-truncated-early": lambda: clean_pdf()[: len(clean_pdf()) // 8],
    "pdf-wrong-table": lambda: pdf_file(image=GREY, wrong_place=-40),
    "pdf-no-pages": lambda: pdf_file([], image=GREY),
    "pdf-no-root": lambda: clean_pdf().replace(b"/Root 1 0 R", b"/Root 9 9 R").replace(b"/Catalog", b"/Katalog"),
    "pdf-one-blank-page": lambda: pdf_file([pdf_rows(0), []]),
    "pdf-all-blank": lambda: pdf_file([[], []]),
    "pdf-only-image": lambda: pdf_file([[], []], image=GREY),
    "pdf-one-word": lambda: pdf_file([[(72, 700, 20, "Chapter")]], image=GREY),
    "pdf-text-beside-the-page": lambda: _pages(lambda x, y, size, text: (x + 400, y, size, text)),
    "pdf-text-below-the-page": lambda: _pages(lambda x, y, size, text: (x, y - 640, size, text)),
    "pdf-overprinted": lambda: _pages(lambda x, y, size, text: (x, 700 - (y % 3), size, text)),
    "pdf-no-headings": lambda: _pages(lambda x, y, size, text: (x, y, 9, text)),
    "pdf-debris": lambda: _pages(lambda x, y, size, text: (x, y, size, "".join(c + "\x05\x06" for c in text))),
    "pdf-broken-image": lambda: pdf_file(image=_rng().bytes(500), filters="/Filter /DCTDecode"),
    "pdf-page-too-small": lambda: pdf_file(image=GREY, box="0 0 99 99"),
    "pdf-streams-gone": lambda: clean_pdf().replace(b"stream\nBT", b"stxxxm\nBT"),
    "pdf-zeros-in-the-middle": lambda: clean_pdf()[:900] + bytes(2000) + clean_pdf()[2900:],
    "pdf-text-instead": lambda: b"Here is your report.",
}

DOCX: dict[str, Callable[[], bytes]] = {
    "docx-truncated": lambda: clean_docx()[: len(clean_docx()) // 2],
    "docx-only-signature": lambda: clean_docx()[:4],
    "docx-wrong-checksum-of-text": lambda: _wrong_checksum("word/document.xml"),
    "docx-wrong-checksum-of-image": lambda: _wrong_checksum("word/media/image1.png"),
    "docx-no-text-part": lambda: _changed(document=None),
    "docx-no-types": lambda: _changed(types=None),
    "docx-text-is-no-xml": lambda: _changed(document=_part("word/document.xml").replace(b"</w:p>", b"", 1)),
    "docx-text-cut": lambda: _changed(document=_part("word/document.xml")[:2000]),
    "docx-image-missing": lambda: _changed(image=None),
    "docx-image-broken": lambda: _changed(image=image_file(photograph())[:500]),
    "docx-image-is-text": lambda: _changed(image=b"a cat"),
    "docx-relations-are-no-xml": lambda: _changed(rels=b"<Relationships"),
    "docx-no-headings": lambda: docx_file(headings=False, text="One line.\n\n" * 3 + "A long line. " * 20),
    "docx-mostly-empty-paragraphs": lambda: docx_file(empty=60),
    "docx-empty-table": lambda: docx_file(cells=False),
    "docx-hardly-any-text": lambda: docx_file(headings=False, text="Yes.", cells=False),
    "docx-nothing": lambda: docx_file(headings=False, text="", cells=False, image=False),
    "docx-debris": lambda: docx_file(text="caf\ufffd\ufffd na\ue000ve \ufffd " * 30),
    "docx-mojibake": lambda: docx_file(text="Ã¼ber die GrÃ¶Ã\x9fe " * 30),
    "docx-old-format": lambda: b"PK\x03\x04" + _rng().bytes(2000),
    "docx-another-archive": lambda: _zip({"notes.txt": b"no Word file"}),
    "docx-empty-archive": lambda: _zip({}),
}


def _zip(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
