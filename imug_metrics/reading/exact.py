# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The normal form of short answers: equal answers in it are equal.

Its steps are those of SQuAD (arXiv 1606.05250), carried over to Unicode and to numbers:

1. **Always.** Reasoning in thinking blocks is dropped. Characters that cannot be seen fall, but for joiners that change
   what is seen (`without_invisible`), and so does the Arabic tatweel. Compatibility forms and composed letters are
   unified (NFKC), white space becomes single spaces, curly quotes become straight ones, and numbers have one form
   (`plain_figures`): ASCII digits, no thousands separators, `-` for any dash, `1/2` for `½`.
2. **Case** is folded: ß and ẞ are ss, both forms of sigma are one, İ is i. The dotless ı of Turkish stays apart from i.
3. **Punctuation** of all scripts and ASCII symbols are deleted, but for those that belong to a number: a sign, what
   stands between two digits (3.14, 1/2, 12:30, 3-5, 2^5), a decimal point in front (.5 is 0.5), `%` behind a number,
   `<` and `>` before one. The marks between words of Tibetan and Ethiopic become spaces.
4. **Articles** of English (a, an, the) are deleted where a word follows: "Vitamin A" keeps its A. No other language has
   a list: der, le, el and un stay. Where "a" or "an" is another word (French "il a raison"), it is deleted as well, on
   both sides; `articles=False` keeps it.

A step that would leave nothing is passed over, so that the answers "A" and "the", or "!" and "?", stay apart.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from typing import Any

from imug_metrics.errors import InputError
from imug_metrics.reading.figures import MINUS, plain_figures
from imug_metrics.reading.reasoning import without_reasoning

Normalizer = Callable[[str], str]

_ARTICLES = frozenset({"a", "an", "the"})
_LIMIT = 16_384  # replies are untrusted, and normalisation takes its time
_PIECE = re.compile(r"\S{1,1000}")
_DASHES = str.maketrans("–—", "--")
_QUOTES = str.maketrans(dict.fromkeys("‘’‚‛ʼʻ´＇", "'") | dict.fromkeys("“”„‟", '"') | {"ـ": None})

_COUNTED = "①-⒛⓪㉑-㉟㊱-㊿\U0001f100-\U0001f10a"  # with the subscripts: digits that NFKC would put beside others
_BESIDE_DIGIT = re.compile(rf"(?<=[\d{_COUNTED}])(?=[{_COUNTED}₀-₉])|(?<=[{_COUNTED}₀-₉])(?=[\d{_COUNTED}])")

_SPACED_OPERATOR = re.compile(r"(?<=\d) ?([/-]) ?(?=\d)")
_LEADING_POINT = re.compile(r"(?<![\w.,])(?<!\d[^\w\s])\.(?=\d+(?!\.?\d))")
_OF_NUMBER = re.compile(
    r"(?<=\d)(?:[^\w\s]|_)+(?=\d)|(?<=\d[eE])-(?=\d)|(?<=−),(?=\d)|(?<=\d) ?[%‰]|(?<![-=])[<>]=? ?(?=−?\d)"
)
_SIGN_BEFORE_CODE = re.compile(r"−([^\W\d_]{1,3})(?=\d)")
_SIGN = re.compile(r"(?<=\w)(?=−)|(?<=−) +")


def normalize_answer(text: str, *, case: bool = True, punctuation: bool = True, articles: bool = True) -> str:
    """Bring a short answer to a form in which equal answers are equal, by the steps of this module.

    Args:
        text: the answer; of a longer one the first 16,384 characters are read.
        case: fold upper and lower case.
        punctuation: delete punctuation of all scripts and ASCII symbols that do not belong to a number.
        articles: delete the English articles.

    Example:
        >>> from imug_metrics.reading.exact import normalize_answer
        >>> normalize_answer("  The  Ｒed cup! "), normalize_answer("(−3.14).")
        ('red cup', '-3.14')
        >>> normalize_answer("<think>a city</think>The “Straße”"), normalize_answer("1,234 m")
        ('strasse', '1234 m')
    """
    text = plain_figures(without_reasoning(text)[:_LIMIT].translate(_QUOTES))
    text = _compatible(_BESIDE_DIGIT.sub(" ", text))
    text = plain_figures(text).translate(_DASHES)  # again, since NFKC makes digits of "①" and "₂"
    if case:
        text = _compatible(text.casefold().replace("i\u0307", "i"))
    if punctuation:
        text = _without_punctuation(text) or text
    *others, last = text.replace(MINUS, "-").split() or [""]
    return " ".join([word for word in others if not (articles and word.lower() in _ARTICLES)] + [last])


def require_text(value: Any, name: str, row: int) -> str:
    """The value, if it is text.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, str):
        raise InputError(name, "to hold text", type(value).__name__, row)
    return value


def _without_punctuation(text: str) -> str:
    text = _LEADING_POINT.sub("0.", _SPACED_OPERATOR.sub(r"\1", text))
    kept, position = [], 0
    for match in _OF_NUMBER.finditer(text):
        kept += [text[position : match.start()].translate(_WITHOUT_PUNCTUATION), match[0].replace(" ", "")]
        position = match.end()
    kept.append(text[position:].translate(_WITHOUT_PUNCTUATION))
    text = _SIGN_BEFORE_CODE.sub(r"\1−", "".join(kept))  # "−US$5" like "US$ −5"
    return _SIGN.sub(lambda match: "" if match[0] else " ", text).strip()  # "x(−5)" and "−$ 5" keep their signs


class _PunctuationTable(dict[int, str]):
    """Translation that deletes punctuation; characters are looked up once, when they first come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        dropped = unicodedata.category(char).startswith("P") or char in string.punctuation
        self[code] = "" if dropped else char
        return self[code]


_WITHOUT_PUNCTUATION = _PunctuationTable(dict.fromkeys(map(ord, "་༌፡᛫"), " "))


def _compatible(text: str) -> str:
    """NFKC with single spaces, word by word and in pieces, since a long run of combining marks takes quadratic time."""
    return " ".join(
        "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECE.findall(word)) for word in text.split()
    )
