# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Free-form answers: equal after normalisation, or by shared tokens."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from typing import Any

Normalizer = Callable[[str], str]

_ARTICLES = frozenset({"a", "an", "the"})
_LIMIT = 16_384  # replies are untrusted, and normalisation takes its time
_PIECE = re.compile(r"\S{1,1000}")


def normalize_answer(text: str, *, case: bool = True, punctuation: bool = True, articles: bool = True) -> str:
    """Bring a short answer to a form in which equal answers are equal.

    Unicode compatibility forms (NFKC) and white space are always unified. The other steps are those of SQuAD
    (arXiv 1606.05250), carried over to Unicode; a step that would leave nothing of the answer is passed over, so that
    the answers "A" and "the" stay apart.

    Args:
        text: the answer; of a longer one the first 16,384 characters are read.
        case: fold upper and lower case.
        punctuation: delete punctuation of all scripts and the ASCII symbols. `-5` becomes `5` and `3.5` becomes `35`:
            compare numbers with `numeric_match`.
        articles: delete the English articles.

    Example:
        >>> from imug_metrics.reading.exact import normalize_answer
        >>> normalize_answer("  The  Ｒed cup! ")
        'red cup'
    """
    text = _compatible(text[:_LIMIT])
    if case:
        text = _compatible(text.casefold())
    if punctuation:
        text = text.translate(_WITHOUT_PUNCTUATION).strip() or text
    tokens = text.split()
    return " ".join((articles and [token for token in tokens if token.lower() not in _ARTICLES]) or tokens)


def require_text(value: Any, name: str, row: int) -> str:
    """The value, if it is text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"Expected argument `{name}` to hold text, got {type(value).__name__} at row {row}.")
    return value


class _PunctuationTable(dict[int, str]):
    """Translation that deletes punctuation; characters are looked up once, when they first come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        dropped = unicodedata.category(char).startswith("P") or char in string.punctuation
        self[code] = "" if dropped else char
        return self[code]


_WITHOUT_PUNCTUATION = _PunctuationTable()


def _compatible(text: str) -> str:
    """NFKC with single spaces, word by word and in pieces, since a long run of combining marks takes quadratic time."""
    return " ".join(
        "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECE.findall(word)) for word in text.split()
    )
