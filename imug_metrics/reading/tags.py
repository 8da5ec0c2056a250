# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Placeholders of interleaved answers, `<image1>` or `<audio2: a caption>`: read, and counted by modality."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Literal, NamedTuple

Repeated = Literal["once", "each"]
TextType = Literal["tags", "prose", "ignore"]

MODALITIES = ("text", "image", "audio", "video", "document", "code", "threeD")
REPEATED = ("once", "each")
TEXT_TYPES = ("tags", "prose", "ignore")

_COLUMNS = {name.lower(): column for column, name in enumerate(MODALITIES)} | {"3d": MODALITIES.index("threeD")}
NUMBERS = 10**9
_GAP = r"\s{0,9}"  # spellings are kept, so they must not be long
_NAME = rf"(?:{'|'.join(_COLUMNS)}){_GAP}[0-9]{{1,9}}"
_FLAGS = re.IGNORECASE | re.ASCII  # without ASCII a dotless i is an i, too
# A placeholder ends at once, or after a colon a caption follows. Captions may hold anything, so only openings count.
_TAG = re.compile(rf"<{_GAP}{_NAME}{_GAP}[>:]", _FLAGS)
_WHOLE_TAG = re.compile(rf"<{_GAP}{_NAME}{_GAP}(?::[^<>]*)?>", _FLAGS)
_BARE_NAME = re.compile(_NAME, _FLAGS)


class Tag(NamedTuple):
    """One placeholder: its modality and its number; as text its name, "image2"."""

    modality: str
    number: int

    def __str__(self) -> str:
        return f"{self.modality}{self.number}"


def read_tags(text: str) -> list[Tag]:
    """The placeholders of a text in order, repeated ones repeatedly.

    A placeholder is `<`, a modality of `MODALITIES` (or `3D`) in any case, a number of up to nine digits, and `>` or,
    in the captioned form, `:`; a little white space between them is passed over. Without a number, as in `<image>` or
    HTML's `<code>`, it is none. A placeholder inside of a caption counts like any other: read structure from the form
    without captions.

    Example:
        >>> [str(tag) for tag in read_tags("<Image1>, then <threeD2: a red chair>, <3d3> and <code>x</code>")]
        ['image1', 'threeD2', 'threeD3']
    """
    return list(map(_tag, _TAG.findall(text)))


def read_name(name: str) -> Tag | None:
    """The tag that a bare name ("image2") stands for, or None where it is none.

    Example:
        >>> read_name("Image02"), read_name("picture1")
        (Tag(modality='image', number=2), None)
    """
    return _tag(name) if _BARE_NAME.fullmatch(name.strip()) else None


def is_answer(answer: Any) -> bool:
    """Whether it is one answer, and not a list of them."""
    if isinstance(answer, list):
        return all(isinstance(pair, tuple) and len(pair) == 2 for pair in answer)
    return answer is None or isinstance(answer, str)


def as_counter(answer: Any) -> Any:
    """A list of pairs as a Counter, so that it is not taken for a list of turns."""
    return Counter(answer) if isinstance(answer, list) and is_answer(answer) else answer


def answer_tags(answer: Any, names: Collection[str] | None, ids: dict[tuple[int, Any], int]) -> list[str]:
    """The tags of one answer, as they are spelled; a pair becomes a tag with the number that `ids` gives its id.

    Raises:
        ValueError: if it is neither a text nor a list of pairs, or a modality is not known; the message says what was
            found.
    """
    if answer is None:
        return []
    there = None if names is None else {str(read_name(name) or name) for name in names}
    if isinstance(answer, str):
        found = _TAG.findall(answer)
        return found if there is None else [tag for tag in found if str(_tag(tag)) in there]
    if not isinstance(answer, Counter) and not (isinstance(answer, list) and is_answer(answer)):
        raise ValueError(repr(answer))
    tags = []
    for modality, key in answer.elements() if isinstance(answer, Counter) else answer:
        column = _COLUMNS.get(str(modality).lower())
        if column is None:
            raise ValueError(f"the modality {modality!r}")
        if there is None or f"{MODALITIES[column]}{key}" in there:
            tags.append(f"<{MODALITIES[column]}{ids.setdefault((column, key), len(ids))}>")
    return tags


@lru_cache(4096)
def _tag(spelled: str) -> Tag:
    """A tag from its spelling; the same few spellings come again and again."""
    name = spelled.strip("<>: \t\n\r\f\v").lower()
    letters = "3d" if name.startswith("3d") else name.rstrip("0123456789")
    return Tag(MODALITIES[_COLUMNS[letters.rstrip()]], int(name[len(letters) :]))


@lru_cache(4096)
def tag_code(spelled: str) -> int:
    """A tag as one number."""
    tag = _tag(spelled)
    return _COLUMNS[tag.modality.lower()] * NUMBERS + tag.number


def has_prose(answer: Any) -> bool:
    """Whether a text says anything outside of its placeholders."""
    return isinstance(answer, str) and any(map(str.isalnum, _WHOLE_TAG.sub("", answer)))
