# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Figures in one form: ASCII digits without thousands separators, fractions with a slash, signs apart from hyphens."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from imug_metrics.reading.invisible import without_invisible
from imug_metrics.reading.markup import GLUE

Decimal = Literal[".", ","]

MINUS = "−"
"""What stands before a negative number after `plain_figures`; it leaves no other."""

CURRENCY = "$¢-¥֏؋৲৳૱௹฿៛₠-⃀﷼"
"""Currency signs, for use within brackets of a regular expression."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT = re.compile("[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}")
_FULL_WIDTH_COMMA = re.compile("(?<=[０-９])，(?=[０-９])")
_VULGAR_FRACTION = re.compile("[¼-¾⅐-⅞↉]")
_MIXED = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞↉])|(?<=[¼-¾⅐-⅞↉])(?=[\d¼-¾⅐-⅞↉])")

_BEFORE_NUMBER = rf"(?=(?:[A-Z]{{0,3}}[{CURRENCY}]\ ?)?[.,]?\d|[√π])"
_DASH = re.compile(
    rf"""
    (?P<sign>
        (?<![{GLUE})\]^_%‰])(?<!\d[{CURRENCY}])(?<!\d\ [{CURRENCY}])(?<!\d[-−–—])  # no range, no hyphen of a word
        (?:[-−]|(?<!\d\s)–|(?<!\d\s)(?<![\w—])—){_BEFORE_NUMBER}
      | (?:(?<=[=(≈])|(?<=[=(≈:]\ )|(?<=\bis\ )|(?<!\d)(?<=\$)|^(?=−))[-−–]\ {_BEFORE_NUMBER}
    ) | −
    """,
    re.VERBOSE | re.MULTILINE,
)


def plain_figures(text: str, *, decimal: Decimal = ".", spaces: bool = False) -> str:
    """Write the numbers of a text in one form, and leave everything else as it is.

    Digits of all scripts become ASCII digits, `½` becomes `1/2` and `²` becomes `^2`. Separators between groups of
    three digits fall: the other one of comma and point, apostrophes, underscores, thin and non-breaking spaces; between
    commas also groups of two before the last three, as in India. A dash of any kind is a minus sign (`MINUS`) where it
    touches the number behind it, but no word or number before it, or where it stands alone behind `=`, `(`, `: ` or
    "is ". Full-width forms of ASCII become ASCII, and what cannot be seen falls.

    Args:
        text: any text.
        decimal: the decimal separator.
        spaces: take plain spaces between groups of three digits for thousands separators.

    Returns:
        The text. The time this takes is linear in its length.

    Example:
        >>> from imug_metrics.reading.figures import plain_figures
        >>> plain_figures("–9,500, ３ to ١٬٠٠٠, 1,00,000, 1½ and 3–5")
        '−9500, 3 to 1000, 100000, 1 1/2 and 3–5'
    """
    if not text.isascii():
        text = without_invisible(_FULL_WIDTH_COMMA.sub(",", text))
        text = _SUPERSCRIPT.sub(r"^\g<0>", text).translate(_SUPERSCRIPTS)
        text = _VULGAR_FRACTION.sub(lambda match: unicodedata.normalize("NFKC", match[0]), _MIXED.sub(" ", text))
        text = text.translate(_table(decimal))
    text = _DASH.sub(lambda match: MINUS if match["sign"] else "-", text)
    for pattern in _grouped(decimal, spaces):
        text = pattern.sub(lambda match: "".join(filter(str.isdigit, match[0])), text)
    return text


class _Table(dict[int, str]):
    """Translation of digits and full-width forms; characters are looked up once, when they first come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isdecimal():
            self[code] = str(unicodedata.decimal(char))
        elif 0xFF01 <= code <= 0xFF5E and char != "，":  # a full-width comma ends a clause
            self[code] = unicodedata.normalize("NFKC", char)
        else:
            self[code] = char
        return self[code]


@lru_cache
def _table(decimal: str) -> _Table:
    if decimal not in (".", ","):
        raise ValueError(f"Expected argument `decimal` to be '.' or ',', got {decimal!r}.")
    group = "," if decimal == "." else "."
    characters = "‐‑﹣", "‒﹘", "―⸺⸻", "⁄∕", "٪﹪", "٫", "٬", "’ʼ＇"
    plain = "-", "–", "—", "/", "%", decimal, group, "’"
    return _Table({ord(char): form for chars, form in zip(characters, plain) for char in chars})


@lru_cache
def _grouped(decimal: str, spaces: bool) -> tuple[re.Pattern[str], ...]:
    _table(decimal)  # refuses other separators
    group = "," if decimal == "." else "."
    first, before = r"[1-9]\d{0,2}", rf"(?<!\d)(?<!\d[.,'’_])(?<![{GLUE[3:]}])"
    marks = rf"[{group}'’_\u00a0\u2007\u2009\u202f]"
    patterns = [rf"{before}{first}(?P<mark>{marks})\d{{3}}(?:(?P=mark)\d{{3}})*(?!\d)(?!{marks}\d)"]
    if group == ",":
        patterns.append(rf"{before}[1-9]\d?(?:,\d\d)+,\d{{3}}(?!\d)(?!,\d)")
    if spaces:
        patterns.append(rf"{before}(?<!\d\ ){first}(?:\ \d{{3}})+(?!\d)(?!\ \d)")
    return tuple(re.compile(pattern) for pattern in patterns)
