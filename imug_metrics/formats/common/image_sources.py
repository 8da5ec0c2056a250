# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What files write in place of an image, to a path inside their folder or to the content of an image file.

Files are untrusted: no path is followed out of the folder, nothing is fetched, and what is written as base64 must be so
in every character.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from imug_metrics.formats.common.place import Place
from imug_metrics.reading.files import MAX_IMAGE_BYTES, inside, kind

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DATA = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
_KEYS = (
    "bytes",
    "url",
    "image_url",
    "image",
    "path",
    "file",
    "file_path",
    "b64_json",
    "base64",
    "data",
    "result",
    "source",
    "inlineData",
    "inline_data",
)
_ENCODED = ("b64_json", "base64", "data", "result")
_BEGINNINGS = ("iVBORw0KGgo", "/9j/", "UklGR", "R0lGOD")  # of PNG, JPEG, WebP and GIF files in base64
_LONGEST_NAME = 255
_MAX_DEPTH = 5


class _MisreadError(ValueError):
    """What stands for an image cannot be read; the message says why."""


@dataclass(frozen=True)
class ImageSources:
    r"""Finds the images that a file names.

    Attributes:
        root: the folder that paths begin at, and that none may lead out of; None: there are no paths.
        members: images by the name that an archive has them under.

    Example:
        >>> from imug_metrics.reading.files import Problems
        >>> place = Place(Path("chat.jsonl"), 1, Problems())
        >>> sources = ImageSources(Path("."))
        >>> sources.find({"url": "data:image/png;base64,iVBORw=="}, place, "image")
        b'\x89PNG'
        >>> sources.find("https://example.org/cat.png", place, "image"), sources.find("../cat.png", place, "image")
        (None, None)
        >>> print(*place.problems, sep=chr(10))
        chat.jsonl:1: image: images are not fetched from https://example.org/cat.png: save it and name the file
        chat.jsonl:1: image: expected an image inside ., found none at '../cat.png'
    """

    root: Path | None
    members: Mapping[str, bytes] = field(default_factory=dict)

    def find(self, value: Any, place: Place, where: str) -> Path | bytes | None:
        """The path or content of an image, or None, with the reason told.

        Args:
            value: a path, a file: or data: URL, bytes, or an object that holds one of these under a usual name.
            place: the line.
            where: the field of the line.
        """
        try:
            return self._found(value)
        except _MisreadError as error:
            place.error(where, str(error))
            return None

    def _found(self, value: Any) -> Path | bytes:
        encoded = False
        for _ in range(_MAX_DEPTH):
            if isinstance(value, (bytes, bytearray)):
                return _whole(bytes(value))
            if isinstance(value, str):
                return self._of_text(value.strip(), encoded)
            if not isinstance(value, Mapping):
                break
            name = _holder(value)
            value, encoded = value.get(name), name in _ENCODED
        raise _MisreadError(f"expected a path, a data: URL or an object that holds one, got {kind(value)}")

    def _of_text(self, text: str, encoded: bool) -> Path | bytes:
        if not text:
            raise _MisreadError("expected an image, got an empty text")
        if text in self.members:
            return self.members[text]
        if text[:5].lower() == "data:":
            return _decoded_url(text)
        if encoded or (len(text) > _LONGEST_NAME and text.startswith(_BEGINNINGS)):
            return _decoded(text)
        if text[:7].lower() == "file://":
            text = unquote(text[7:].removeprefix("localhost"))
        elif _SCHEME.match(text) and "://" in text[:80]:
            raise _MisreadError(f"images are not fetched from {text[:120]}: save it and name the file")
        return self._of_path(text)

    def _of_path(self, text: str) -> Path:
        if self.root is None:
            raise _MisreadError(f"expected an image that the file holds, found none named {text[:120]!r}")
        if "\0" in text or len(text) > 4096:
            raise _MisreadError(f"expected a path, got {text[:80]!r}")
        path = self.root / text
        if "\\" in text and inside(path, self.root) is None:
            path = self.root / text.replace("\\", "/")  # as Windows writes paths
        if inside(path, self.root) is None:
            raise _MisreadError(f"expected an image inside {self.root}, found none at {text[:120]!r}")
        return path


def has_image(value: Any) -> bool:
    """Whether something is there."""
    return value is not None and value != "" and value != b""


def image_of(value: Mapping[str, Any]) -> Any:
    """What an object holds as an image, under the first usual name; None: nothing."""
    return value.get(_holder(value))


def _holder(value: Mapping[str, Any]) -> str:
    return next((name for name in _KEYS if has_image(value.get(name))), "")


def _decoded_url(text: str) -> bytes:
    head = _DATA.match(text)
    if head is None or not head[0].lower().endswith(";base64,"):
        raise _MisreadError("expected a data: URL in base64, as data:image/png;base64,...")
    return _decoded(text[head.end() :])


def _decoded(text: str) -> bytes:
    if len(text) > MAX_IMAGE_BYTES // 3 * 4:
        raise _MisreadError(f"expected an image of at most {MAX_IMAGE_BYTES} bytes")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _MisreadError(f"expected base64: {error}") from error
    return _whole(content)


def _whole(content: bytes) -> bytes:
    if not content:
        raise _MisreadError("expected an image, got no bytes")
    return content
