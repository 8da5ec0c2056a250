# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a text from its letters: what can be said where no judge reads it.

The measures see what is broken, not what is well said. Words are only looked into where most letters are Latin, and
how easily they read only where they are English.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from pathlib import Path

from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError, as_quality, read_bytes
from imug_metrics.reading.languages import is_latin, is_written_in
from imug_metrics.reading.text_files import TextError, decode

MAX_CHARACTERS = 1_000_000
"""Longest text that is measured."""

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_VOWELS = frozenset("aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœ")
_SENTENCE_END = re.compile(r"[.!?。！？…](?=[\s\"'”’)\]]|$)")
_CLOSED = tuple(".!?:;…。！？\"'”’)]}`*>|」』")
_MOJIBAKE = re.compile("[ÂÃ][\x80-\xbf]|â[\x80-\xbf€][\x80-\xbf™œ“”]?|ï»¿|\ufffd")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def text_quality(source: str | bytes | Path) -> Quality:
    """Quality of a text as far as plain formulas see it.

    The value is the product of the sub-scores; those marked (L) are left out where fewer than half of the
    letters are Latin, or the text has fewer than five words, and the one marked (E) unless the text is certainly
    English too: the part ``english`` is 1 or 0, and absent where there is too little to tell.

    - ``clean``: share of characters that are neither control, private-use or replacement characters nor the traces of
      text decoded with the wrong table: 0.9 scores 0, 1 scores 1.
    - ``letters``: share of letters and digits among characters that are no spaces: 0.3 scores 0, 0.75 scores 1.
    - ``repeats``: share of word triples (character triples where there are no spaces) that occur for the first time:
      0.3 scores 0, 0.85 scores 1.
    - ``density``: compressed over plain size (zlib) of texts above 200 bytes: 0.05 scores 0, 0.3 scores 1.
    - ``whole``: 1 where the last line ends as a sentence, a list or a block ends, less 0.3 where it does not, and less
      0.2 for brackets, code fences or quotation marks that stay open.
    - ``words`` (L): share of words that look like words: a vowel, at most four consonants in a row, no letter three
      times in a row, no capital after a small letter, at most 20 letters: 0.4 scores 0, 0.9 scores 1.
    - ``case`` (L): share of sentences that begin with a capital or a digit, times the share of words that are not all
      capitals: 0 scores 0.5, 0.8 scores 1.
    - ``ease`` (E): Flesch's reading ease (J. Appl. Psych. 32, 1948), 206.835 - 1.015 words/sentence - 84.6
      syllables/word, with groups of vowels for syllables: -100 scores 0, 20 scores 1.

    Args:
        source: The text, its UTF-8 bytes, or the path of a UTF-8 file.

    Returns:
        The quality in [0, 1]; 0 for an empty text or bytes that are no UTF-8, NaN for one that is too long.

    Raises:
        TypeError: If ``source`` is of another kind.

    Example:
        >>> text_quality("The cat sat on the mat. It purred.").value
        1.0
        >>> text_quality("the cat cat cat cat cat cat cat cat ca").value < 0.7
        True
    """
    return as_quality(lambda: _measured(read_text(source, MAX_CHARACTERS)))


def read_text(source: str | bytes | Path, max_characters: int) -> str:
    """Text of a string, of UTF-8 bytes or of a file.

    Args:
        source: A string is the text itself, a path object names a file.
        max_characters: Longest text that is accepted; files may have four bytes a character.

    Returns:
        The text, not empty.

    Raises:
        BrokenError: If it is empty or no UTF-8.
        UnjudgedError: If it is too long or cannot be read.
        TypeError: If ``source`` is of another kind.

    Example:
        >>> read_text("naïve".encode(), max_characters=10)
        'naïve'
    """
    if isinstance(source, str):
        text = source
    else:
        try:
            text = decode(read_bytes(source, 4 * max_characters))
        except TextError as error:
            raise BrokenError(f"The text is no UTF-8: {error.message}.") from error
    if len(text) > max_characters:
        raise UnjudgedError(f"The text has {len(text)} characters, more than {max_characters}.")
    if not text.strip():
        raise BrokenError("The text is empty.")
    return text


def clean_share(text: str) -> float:
    r"""Share of characters that are no debris of a wrong encoding.

    Args:
        text: Any text, not empty.

    Returns:
        In [0, 1].

    Example:
        >>> clean_share("abc\ufffd")
        0.75
    """
    debris = sum(len(found) for found in _MOJIBAKE.findall(text))
    rest = _MOJIBAKE.sub("", text)
    debris += sum(unicodedata.category(c) in ("Cc", "Co", "Cs", "Cn") and c not in "\n\r\t\f" for c in rest)
    return 1 - debris / len(text)


def _measured(text: str) -> Quality:
    words = _WORD.findall(text)
    dense = [c for c in text if not c.isspace()]
    measured = {
        "words": float(len(words)),
        "clean": clean_share(text),
        "letters": sum(c.isalnum() or unicodedata.combining(c) > 0 for c in dense) / len(dense),
        "repeats": _first_time(words if len(words) * 10 > len(dense) else dense),
    }
    scores = {
        "clean": ramp(measured["clean"], 0.9, 1.0),
        "letters": ramp(measured["letters"], 0.3, 0.75),
        "repeats": ramp(measured["repeats"], 0.3, 0.85),
        "whole": _whole(text),
    }
    raw = text.encode("utf-8", "replace")
    if len(raw) > 200:
        measured["density"] = len(zlib.compress(raw)) / len(raw)
        scores["density"] = ramp(measured["density"], 0.05, 0.3)
    if len(words) >= 5 and is_latin(words):
        english = is_written_in(text, ("en",))
        measured.update(like_words=_like_words(words), case=_case(text, words))
        measured.update({} if english is None else {"english": float(english)})
        scores["words"] = ramp(measured["like_words"], 0.4, 0.9)
        scores["case"] = 0.5 + 0.5 * ramp(measured["case"], 0.0, 0.8)
        if english:
            measured["ease"] = _ease(text, words)
            scores["ease"] = ramp(measured["ease"], -100.0, 20.0)
    return combined(measured, scores)


def _first_time(units: list[str]) -> float:
    triples = list(zip(units, units[1:], units[2:]))
    return len({tuple(u.lower() for u in triple) for triple in triples}) / len(triples) if triples else 1.0


def _whole(text: str) -> float:
    last = text.rstrip().rsplit("\n", 1)[-1]
    listed = re.match(r"\s*([-*•#]|\d+[.)])\s", last) is not None
    ends = listed or last.endswith(_CLOSED) or len(text.split()) < 4
    return 1 - 0.3 * (not ends) - 0.2 * _has_unclosed(text)


def _has_unclosed(text: str) -> bool:
    """Whether a bracket, a quotation mark or a code fence stays open."""
    stack: list[str] = []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif c in _PAIRS and stack and stack[-1] == _PAIRS[c]:
            stack.pop()
    quotes = text.count('"') % 2 == 1 or text.count("“") > text.count("”")
    return bool(stack) or quotes or text.count("```") % 2 == 1


def _like_words(words: list[str]) -> float:
    return sum(_is_like_a_word(word) for word in words) / len(words)


def _is_like_a_word(word: str) -> bool:
    parts = re.split(r"['’\-]", word)
    if any(len(part) > 20 or re.search(r"(.)\1\1", part.lower()) for part in parts):
        return False
    if word.isupper() and len(word) <= 5:  # an abbreviation
        return True
    inner = any(re.search(r"[a-zß-ÿ][A-ZÀ-Þ]", part) for part in parts)
    return not inner and all(_pronounceable(part.lower()) for part in parts if len(part) > 2)


def _pronounceable(word: str) -> bool:
    consonants = most = 0  # in a row
    for c in word:
        consonants = 0 if c in _VOWELS else consonants + 1
        most = max(most, consonants)
    return most <= 4 and most < len(word)


def _case(text: str, words: list[str]) -> float:
    sentences = [s.lstrip(" \n\t\"'“‘(*#->") for s in _SENTENCE_END.split(text)]
    begun = [not s[0].islower() for s in sentences if s]
    capitals = sum(word.isupper() and len(word) > 1 for word in words) / len(words)
    return (sum(begun) / len(begun) if begun else 1.0) * (1 - capitals)


def _ease(text: str, words: list[str]) -> float:
    sentences = max(1, len(_SENTENCE_END.findall(text)) + text.count("\n\n"))
    syllables = sum(max(1, len(re.findall(r"[aeiouyà-ÿ]+", word.lower()))) for word in words)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words)
