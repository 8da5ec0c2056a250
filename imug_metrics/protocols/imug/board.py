# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Boards of 3 x 3 cells, found in images by OpenCV as the released grid scorer of IMUG-Bench does.

How an image is read. Pixels that are darker than their surroundings by more than 10 grey levels (Gaussian 15 x 15
neighbourhood) are marks; their bounding box is the board. Marks are eroded once by 3 x 3, and what stays is filled
where its outline holds more than 50 pixels. Box and image are stretched to 300 x 300. A cell is filled where the
inner 80 x 80 pixels of the filled marks average 15 or more (of 255). Of a filled cell the inner 60 x 60 pixels decide:
red where red pixels average more than 30, else green by the same rule, else plain.

OpenCV is an optional package and is imported when the first image is read.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from PIL import Image

from imug_metrics._optional import require
from imug_metrics.media.images import FORMATS, load_image
from imug_metrics.reading.files import MAX_IMAGE_BYTES

Status = Literal["found", "no board", "unreadable"]
Protocol = Literal["imug", "strict"]

MAX_BOARD_PIXELS = 2**24
"""Largest image in which a board is looked for: a hostile one may hold a mark in every few pixels."""

_SIDE, _CELL = 300, 100
_DARKER = 10  # grey levels
_PAPER = 30  # grey levels: darker than this below the paper is drawn
_SPECK = 50  # pixels
_FILLED_FROM, _COLOUR_ABOVE = 15, 30  # of 255
_STROKE = 13  # pixels of the image: a line one pixel wide and tilted by 4 degrees still has such runs


@dataclass(frozen=True)
class Board:
    """What was read from an image.

    Attributes:
        status: `"found"`; `"no board"`: nothing in the image can be one; `"unreadable"`: there is no image.
        cells: three rows of three symbols: "0" empty, "1" filled, "r" red, "g" green; None without a board.
        box: left, top, width and height of the board in pixels.
        fill: mean of the filled marks of each cell, row by row, 0 to 255.
        red, green: mean of the red and green pixels of each cell; None for an empty one.
    """

    status: Status
    cells: tuple[str, ...] | None = None
    box: tuple[int, int, int, int] | None = None
    fill: tuple[float, ...] = ()
    red: tuple[float | None, ...] = ()
    green: tuple[float | None, ...] = ()


def read_board(path: Path, protocol: Protocol = "imug") -> Board:
    """Find the board in an image.

    Args:
        path: an image file. It is not trusted: files above 256 MiB and images above 2^24 pixels (4096 x 4096)
            are not decoded.
        protocol: `"imug"` reads as the released scorer does: transparency is ignored and any mark makes a board.
            `"strict"` lays transparent images over white, does not take thick frame lines for filled cells
            (3 to about 10 pixels), and calls marks that fill no cell a board only if they are straight strokes:
            noise is none.

    Returns:
        The board. A file that cannot be decoded is `"unreadable"`.

    Raises:
        ModuleNotFoundError: if OpenCV is not installed.
    """
    pixels = _decode(path) if protocol == "imug" else _decode_over_white(path)
    if pixels is None:
        return Board("unreadable")
    return _find(pixels, strict=protocol == "strict")


@lru_cache(maxsize=1)
def _opencv() -> ModuleType:
    return require("cv2", extra="grid", purpose="Reading boards")


def _decode(path: Path) -> np.ndarray | None:
    """Pixels `[H, W, 3]` in OpenCV's order, or None. The size is read from the header before anything is decoded."""
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            return None
        content = path.read_bytes()
        width, height = Image.open(io.BytesIO(content), formats=FORMATS).size
    except Exception:  # decoders of hostile files raise nearly anything
        return None
    cv2 = _opencv()
    if width * height > MAX_BOARD_PIXELS:
        return None
    try:
        pixels: np.ndarray | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return pixels


def _decode_over_white(path: Path) -> np.ndarray | None:
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            return None
        pixels = load_image(path, row=0, max_pixels=MAX_BOARD_PIXELS)
    except (OSError, ValueError):
        return None
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()[..., ::-1])


def _find(pixels: np.ndarray, *, strict: bool) -> Board:
    cv2 = _opencv()
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    marks = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY_INV, 15, _DARKER)
    places = cv2.findNonZero(marks)
    if places is None:
        return Board("no board")
    left, top, width, height = map(int, cv2.boundingRect(places))
    box = left, top, width, height
    inside = slice(top, top + height), slice(left, left + width)
    filled = _filled_but_frames(marks, grey, box) if strict else _filled(marks)
    filled = cv2.resize(filled[inside], (_SIDE, _SIDE))
    hues = cv2.cvtColor(cv2.resize(pixels[inside], (_SIDE, _SIDE)), cv2.COLOR_BGR2HSV)
    fill = _means(filled, 10)
    red = _means(cv2.inRange(hues, (0, 70, 40), (10, 255, 255)) | cv2.inRange(hues, (160, 70, 40), (180, 255, 255)), 20)
    green = _means(cv2.inRange(hues, (35, 70, 40), (95, 255, 255)), 20)
    there = [mean >= _FILLED_FROM for mean in fill]
    if strict and not any(there) and not _has_strokes(marks[inside]):
        return Board("no board", box=box)
    cells = (_symbol(*means) for means in zip(there, red, green, strict=True))
    coloured = (
        tuple(mean if full else None for mean, full in zip(means, there, strict=True)) for means in (red, green)
    )
    return Board("found", tuple(cells), box, fill, *coloured)


def _symbol(filled: bool, red: float, green: float) -> str:
    if not filled:
        return "0"
    return "r" if red > _COLOUR_ABOVE else "g" if green > _COLOUR_ABOVE else "1"


def _means(mask: np.ndarray, margin: int) -> tuple[float, ...]:
    """Mean of the inner part of each of the nine cells."""
    cells = mask.reshape(3, _CELL, 3, _CELL)[:, margin : _CELL - margin, :, margin : _CELL - margin]
    return tuple(float(mean) for mean in cells.mean((1, 3)).flatten())


def _filled(marks: np.ndarray) -> np.ndarray:
    """Marks that survive an erosion, filled to their outlines."""
    cv2 = _opencv()
    outlines, _ = cv2.findContours(_eroded(marks), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(marks)
    for outline in outlines:
        if cv2.contourArea(outline) > _SPECK:
            cv2.drawContours(filled, [outline], -1, 255, cv2.FILLED)
    return filled


def _filled_but_frames(marks: np.ndarray, grey: np.ndarray, box: tuple[int, ...]) -> np.ndarray:
    """The same, but of marks that span the box and enclose most of it, lines, only the holes that are not paper."""
    cv2 = _opencv()
    outlines, nesting = cv2.findContours(_eroded(marks), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(marks)
    for number, outline in enumerate(outlines):
        if nesting[0][number][3] >= 0 or cv2.contourArea(outline) <= _SPECK:  # a hole, or a speck
            continue
        width, height = cv2.boundingRect(outline)[2:]
        spans = width >= 0.9 * box[2] and height >= 0.9 * box[3]
        holes = _holes(outlines, nesting[0], number, box) if spans else []
        if sum(map(cv2.contourArea, holes)) > 0.5 * box[2] * box[3]:
            cv2.drawContours(filled, _coloured(holes, grey, box), -1, 255, cv2.FILLED)
        else:
            cv2.drawContours(filled, [outline], -1, 255, cv2.FILLED)
    return filled


def _holes(outlines: Sequence[Any], nesting: np.ndarray, number: int, box: tuple[int, ...]) -> list[Any]:
    """The holes of a mark that are large enough to hold a cell."""
    holes = (outlines[hole] for hole in np.flatnonzero(nesting[:, 3] == number).tolist())
    return [hole for hole in holes if _opencv().contourArea(hole) > box[2] * box[3] / 100]


def _coloured(holes: Sequence[Any], grey: np.ndarray, box: tuple[int, ...]) -> list[Any]:
    """The holes that are darker than the paper, which is the lightest among them and around the box."""
    levels = [_level(hole, grey) for hole in holes]
    around = np.ones(grey.shape, bool)
    around[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = False
    paper = max([*levels, float(np.median(grey[around]))] if around.any() else levels)
    return [hole for hole, level in zip(holes, levels, strict=True) if level < paper - _PAPER]


def _level(outline: Any, grey: np.ndarray) -> float:
    """Median grey level inside an outline."""
    cv2 = _opencv()
    left, top, width, height = cv2.boundingRect(outline)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [outline], -1, 255, cv2.FILLED, offset=(-left, -top))
    return float(np.median(grey[top : top + height, left : left + width][mask > 0]))


def _eroded(marks: np.ndarray) -> np.ndarray:
    eroded: np.ndarray = _opencv().erode(marks, np.ones((3, 3), np.uint8))
    return eroded


def _has_strokes(marks: np.ndarray) -> bool:
    """Whether most marks are straight strokes, level or upright, that run past most of the width and the height."""
    cv2 = _opencv()
    height, width = marks.shape
    level = cv2.morphologyEx(marks, cv2.MORPH_OPEN, np.ones((1, min(_STROKE, width // 3)), np.uint8))
    upright = cv2.morphologyEx(marks, cv2.MORPH_OPEN, np.ones((min(_STROKE, height // 3), 1), np.uint8))
    most = np.count_nonzero(level | upright) > 0.5 * np.count_nonzero(marks)
    return bool(most and level.any(0).mean() > 0.8 and upright.any(1).mean() > 0.8)
