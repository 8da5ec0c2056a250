# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Characters that cannot be seen: direction marks, byte order marks, soft hyphens, variation selectors."""

from __future__ import annotations

import re
import unicodedata

# Ignorable by default in Unicode, but for the two joiners and the tags, by which flags of regions differ.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001d173-\U0001d17a\U000e0100-\U000e01ef"
)

_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_JOINERS = re.compile("[\u200c\u200d]+")
_VIRAMA = 9  # combining class
_JOINED_SCRIPTS = ("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC")


def without_invisible(text: str) -> str:
    r"""Take away what cannot be seen, and keep what changes the look of its neighbours.

    The zero-width non-joiner is kept where it parts two joined letters (Persian "می‌روم") or follows a virama, the
    zero-width joiner where it follows a virama or joins two pictures ("👩‍🚀"). Both fall elsewhere.

    Example:
        >>> from imug_metrics.reading.invisible import without_invisible
        >>> without_invisible("\u200fمرحبا\u200f") == "مرحبا", without_invisible("a\u200db\ufeff")
        (True, 'ab')
        >>> len(without_invisible("👩\u200d🚀"))
        3
    """
    if text.isascii():
        return text
    text = _INVISIBLE.sub("", text)
    return _JOINERS.sub(_joiner, text)


def _joiner(match: re.Match[str]) -> str:
    text, joiner = match.string, match[0][0]
    if not match.start() or match.end() == len(text):
        return ""
    before, behind = text[match.start() - 1], text[match.end()]
    if joiner == "\u200c":
        shown = _is_joined_letter(before) and _is_joined_letter(behind)
    else:
        shown = all(unicodedata.category(char) in ("So", "Sk") for char in (before, behind))
    return joiner if shown or unicodedata.combining(before) == _VIRAMA else ""


def _is_joined_letter(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith(_JOINED_SCRIPTS)
