# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a PDF file: pages are drawn and their text is extracted; scripts, links and attachments are ignored."""

from __future__ import annotations

import math
import re
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from imug_metrics._optional import require
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError
from imug_metrics.quality.text import clean_share

MAX_PAGES = 16
"""Pages that are drawn, spread evenly over the document."""

_DRAWN = 600  # longer side of a drawn page in pixels
_CHARACTERS = 20_000  # of a page
_OBJECTS = 500  # of a page


def pdf_quality(content: bytes) -> Quality:
    """No-reference quality of a PDF file.

    The value is the product of:

    - ``pages``: share of the looked-at pages that can be drawn and are not blank (standard deviation of the grey levels
      above 0.002).
    - ``intact``: 1 where the file ends with the mark of an end and its table of objects lies where the file says, 0.5
      where it had to be repaired.
    - ``text``: characters a page that is not blank, 0 scores 0.3 (scanned pages), 200 scores 1.
    - ``clean``: share of these characters that are no debris of an encoding or of a font without a table of
      characters: 0.8 scores 0, 1 scores 1.
    - ``layout``: share of the lines of text that lie inside their page and are not overprinted by another line for
      more than half of their area: 0.3 scores 0, 1 scores 1.
    - ``structure``: 1 with an outline or at least one line 1.15 times as high as the median line, else 0.7; documents
      of fewer than six lines score 1.
    - ``images``: share of embedded images that can be decoded: 0 scores 0.3, 1 scores 1; left out where there are
      none.

    Args:
        content: The file.

    Returns:
        The quality in [0, 1].

    Raises:
        BrokenError: If it cannot be opened, has no pages or only blank ones.
        UnjudgedError: If it asks for a password.
        ModuleNotFoundError: If pypdfium2 is not installed.

    Example:
        >>> from imug_metrics.quality.source import BrokenError
        >>> try:
        ...     pdf_quality(b"%PDF-1.4 and no more")
        ... except BrokenError as error:
        ...     print(error)
        The file is no readable PDF.
    """
    pdfium = require("pypdfium2", extra="quality", purpose="Judging a PDF file")
    try:
        document = pdfium.PdfDocument(content)
        count = len(document)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise UnjudgedError("The PDF asks for a password.") from error
        raise BrokenError("The file is no readable PDF.") from error
    with closing(document):
        if count == 0:
            raise BrokenError("The PDF has no pages.")
        wanted = sorted({round(k) for k in np.linspace(0, count - 1, min(count, MAX_PAGES))})
        pages = [_page(pdfium, document, number) for number in wanted]
        outline = _has_outline(pdfium, document)
    return _measured(pages, count, outline, _intact(content))


@dataclass
class _Page:
    """What was found on a page; ``ink`` is the spread of its grey levels, NaN where it cannot be drawn."""

    ink: float = math.nan
    text: str = ""
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)  # left, bottom, right, top
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    images: int = 0
    bad_images: int = 0


def _page(pdfium: Any, document: Any, number: int) -> _Page:
    found = _Page()
    try:
        page = document[number]
    except pdfium.PdfiumError:
        return found
    # Readers of hostile files raise nearly anything; what was found up to there counts.
    with closing(page), suppress(Exception):
        found.ink, found.box = _ink(page), tuple(page.get_bbox())
        _read_text(page, found)
        _read_images(pdfium, page, found)
    return found


def _ink(page: Any) -> float:
    width, height = page.get_size()
    longer = max(width, height)
    if not 0 < longer < 1e6 or min(width, height) <= 0:
        return math.nan
    bitmap = page.render(scale=_DRAWN / longer, grayscale=True)
    pixels: npt.NDArray[np.uint8] = bitmap.to_numpy()
    return float(pixels.std() / 255)


def _read_text(page: Any, found: _Page) -> None:
    with closing(page.get_textpage()) as text:
        found.text = text.get_text_range(0, min(text.count_chars(), _CHARACTERS))
        found.rows = [text.get_rect(k) for k in range(min(text.count_rects(0, _CHARACTERS), _OBJECTS))]


def _read_images(pdfium: Any, page: Any, found: _Page) -> None:
    for position, item in enumerate(page.get_objects(max_depth=3)):
        if position >= _OBJECTS:
            return
        if item.type != pdfium.raw.FPDF_PAGEOBJ_IMAGE:
            continue
        found.images += 1
        try:
            width, height = item.get_px_size()
            found.bad_images += width * height == 0 or (width * height < 64_000_000 and _is_lost(item))
        except (pdfium.PdfiumError, ValueError):
            found.bad_images += 1


def _is_lost(image: Any) -> bool:
    bitmap = image.get_bitmap(render=False)
    return bool(bitmap.width * bitmap.height == 0)


def _has_outline(pdfium: Any, document: Any) -> bool:
    try:
        return next(iter(document.get_toc(max_depth=2)), None) is not None
    except (pdfium.PdfiumError, ValueError, RuntimeError):
        return False


def _intact(content: bytes) -> bool:
    end = content[-2048:]
    found = re.findall(rb"startxref\s+(\d{1,12})\s+%%EOF", end)
    if not found:
        return False
    place = content[int(found[-1]) :][:32].lstrip()
    return place.startswith(b"xref") or re.match(rb"\d+\s+\d+\s+obj", place) is not None


def _measured(pages: list[_Page], count: int, outline: bool, intact: bool) -> Quality:
    shown = [page for page in pages if page.ink > 0.002]
    images, bad = sum(page.images for page in pages), sum(page.bad_images for page in pages)
    text = "".join(page.text for page in pages)
    if not shown:
        raise BrokenError("No page of the PDF shows anything.")
    rows = sum(len(page.rows) for page in pages)
    measured = {
        "pages": float(count),
        "blank_pages": float(len(pages) - len(shown)),
        "characters_per_page": len(text.strip()) / len(shown),
        "clean": clean_share(text) if text else 1.0,
        "layout": sum(_well_placed(page) for page in pages) / rows if rows else 1.0,
        "images": float(images),
    }
    scores = {
        "pages": len(shown) / len(pages),
        "intact": 1.0 if intact else 0.5,
        "text": 0.3 + 0.7 * ramp(measured["characters_per_page"], 0.0, 200.0),
        "clean": ramp(measured["clean"], 0.8, 1.0),
        "layout": ramp(measured["layout"], 0.3, 1.0),
        "structure": 1.0 if outline or rows < 6 or _has_headings(pages) else 0.7,
    }
    if images:
        scores["images"] = 1 - 0.7 * bad / images
    quality = combined(measured, scores)
    return quality if intact else Quality(quality.value, "The PDF is damaged and had to be repaired.", quality.parts)


def _well_placed(page: _Page) -> int:
    if not page.rows:
        return 0
    rows = np.array(page.rows)
    left, bottom, right, top = rows.T
    inside = (left >= page.box[0] - 1) & (bottom >= page.box[1] - 1)
    inside &= (right <= page.box[2] + 1) & (top <= page.box[3] + 1)
    width = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    height = np.minimum(top[:, None], top) - np.maximum(bottom[:, None], bottom)
    shared = width.clip(min=0) * height.clip(min=0)
    np.fill_diagonal(shared, 0)
    area = (right - left) * (top - bottom)
    return int((inside & (shared.max(1) <= 0.5 * area)).sum())


def _has_headings(pages: list[_Page]) -> bool:
    heights = np.array([row[3] - row[1] for page in pages for row in page.rows])
    return bool(heights.size and heights.max() >= 1.15 * np.median(heights))
