# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numeric answers: the last number of a reply, and whether it is close enough."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import deque
from functools import lru_cache
from typing import Literal

from imug_metrics.reading.markup import GLUE

Decimal = Literal[".", ","]

_LIMIT = 8_192  # longer replies are read at their end only: the last number counts, and no reply may take long

_SUPERSCRIPT = re.compile("[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}")
_LATEX_FRACTION = re.compile(r"\\[dt]?frac ?\{([^{}]{1,40})\} ?\{([^{}]{1,40})\}")
_SIGNS: dict[int, str] = {ord(sign): "-" for sign in "−﹣－"} | {ord(sign): "+" for sign in "﹢＋"}
_PLAIN = str.maketrans("⁄٪％⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "/%%0123456789-+")
_VULGAR_FRACTIONS: dict[int, str] = {
    ord(char): f" {unicodedata.normalize('NFKC', char)}" for char in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"
}


def parse_number(text: str, *, decimal: Decimal = ".") -> float | None:
    r"""Read the last number of a text.

    Read are signs (also U+2212), thousands separators (the other one of comma and point, apostrophes, underscores and
    thin or non-breaking spaces between groups of three digits), exponents (`2e5`, `2 × 10^5`, `2×10⁵`), fractions
    (`3/4`, `1 3/4`, `½`, `\frac{3}{4}`), a percent sign, which divides by 100, a leading currency sign, and the digits
    of all scripts. Digits that are part of a word ("H2O", "v2") or of a version ("1.2.3") are no number.

    Args:
        text: the text; of more than 8,192 characters only the end is read.
        decimal: the decimal separator, `"."` or `","`.

    Returns:
        The number, or None where there is none, or where it is not finite (`1e999`, `1/0`, "inf", "nan").

    Raises:
        ValueError: another decimal separator.

    Example:
        >>> from imug_metrics.reading.numbers import parse_number
        >>> parse_number("3 cups cost $1,234.50"), parse_number("1.234,5 kg", decimal=","), parse_number("about 75 %")
        (1234.5, 1234.5, 0.75)
        >>> parse_number("none")
    """
    pattern = _number_pattern(decimal)
    arabic = {0x66B: decimal, 0x66C: "." if decimal == "," else ","}
    text = text[-_LIMIT:].translate(_SIGNS | _VULGAR_FRACTIONS | arabic)
    text = _LATEX_FRACTION.sub(r" \1/\2", _SUPERSCRIPT.sub(r"^\g<0>", text).translate(_PLAIN))
    found = deque(pattern.finditer(text), maxlen=1)
    return _value(found[0], decimal) if found else None


@lru_cache
def _number_pattern(decimal: str) -> re.Pattern[str]:
    if decimal not in (".", ","):
        raise ValueError(f"Expected argument `decimal` to be '.' or ',', got {decimal!r}.")
    point, group = (r"\.", ",") if decimal == "." else (",", r"\.")
    grouped = rf"(?<!\d{group})\d{{1,3}}(?:[{group}'’_\u00a0\u2009\u202f]\d{{3}})+(?!\d)"
    unsigned = rf"(?:{grouped}|\d+)(?:{point}\d+)?"
    ten_to_the = r"10\ ?(?:\^|\*\*)\ ?[{(]?"
    return re.compile(
        rf"""
        (?:(?<![{GLUE})\]^])(?P<sign>[-+]))?[$€£¥₹]?
        (?<![\d{GLUE}_^])(?<!\^[-+{{(])(?<!\d{point})(?<!\d/)
        (?:(?P<whole>\d+)\ (?P<above>\d+)/(?P<below>\d+)
          |{ten_to_the}(?P<exponent>[-+]?\d{{1,4}})
          |(?P<number>{unsigned}|(?<!{point}){point}\d+)
           (?:[eE](?P<power>[-+]?\d{{1,4}})(?![\d{GLUE}])
             |\ ?(?:[×x*·]|\\times|\\cdot)\ ?{ten_to_the}(?P<times>[-+]?\d{{1,4}})
             |\ ?/\ ?(?P<divisor>{unsigned}))?)
        (?!\d|{point}\d|/\d|\ ?\^)
        (?P<percent>\ ?(?:\\?%|percent\b|per\ cent\b))?
        """,
        re.VERBOSE,
    )


def _value(match: re.Match[str], decimal: str) -> float | None:
    def part(name: str, power: str = "0") -> float:
        kept = "".join(char for char in match[name] if char.isdecimal() or char == decimal)
        return float(f"{kept.replace(',', '.')}e{power}")

    over, under = 0.0, 1.0
    if match["whole"]:
        under = part("below")
        over = part("whole") * under + part("above")
    elif match["exponent"]:
        over = float(f"1e{match['exponent']}")
    else:
        over = part("number", match["power"] or match["times"] or "0")
        under = part("divisor") if match["divisor"] else 1.0
    under *= 100 if match["percent"] else 1
    value = over / under if under else math.inf
    if not math.isfinite(value):
        return None
    return -value if match["sign"] == "-" else value
