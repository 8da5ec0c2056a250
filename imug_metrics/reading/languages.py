# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a short text is in a language that a word list covers: yes, no, or too little to tell."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from imug_metrics._optional import require
from imug_metrics.reading.language_words import FREQUENT

LATIN = frozenset(FREQUENT) | frozenset(["cy", "eu", "ga", "gl", "is"])
"""Languages of the Latin script that are told apart, by ISO 639-1 code."""

_OTHER_SCRIPTS = "ar bg bn el fa he hi ja ko ru sr ta te th uk ur zh"
LANGUAGES = LATIN.union(_OTHER_SCRIPTS.split())
"""All languages that are told apart, by ISO 639-1 code."""

_LIMIT = 2000  # characters that are looked at; more of a text says the same again
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LEAST = 1e-37  # likelihoods are of single precision
# Chosen on the first part of tests/reading/data/languages.jsonl; the second part was written after.
_WORD_WEIGHT = 3.0  # of a frequent word, as a log-likelihood
_MARGIN = 2.0  # of log-likelihoods, below which there is too little to tell
_CLEAR = 2  # frequent words more than any other language has: the letters, which take longer, are not asked


def is_written_in(text: str, languages: Collection[str]) -> bool | None:
    """Whether a text is in one of some languages.

    The script decides first, and then the likelihood of the letters (py3langid) together with frequent words, against
    the other languages of that script. A single word of the Latin script that is not among the frequent ones tells
    nothing: names and many nouns are spelled alike in many languages. Next of kin (Russian and Bulgarian, Spanish and
    Catalan) are told apart in longer texts alone.

    Args:
        text: any text; of a longer one the first 2,000 characters are read.
        languages: ISO 639-1 codes out of `LANGUAGES`.

    Returns:
        True or False, or None where there is too little to tell: no words, a name, one word of several languages.

    Raises:
        ValueError: if a language is not among `LANGUAGES`.
        ModuleNotFoundError: if py3langid is not installed.

    Example:
        >>> [is_written_in(text, ["en"]) for text in ("The cube is red.", "Sieht gut aus.", "看起来不错", "12, B")]
        [True, False, False, None]
    """
    check_languages(languages)
    text = text[:_LIMIT]
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text) if len(word) > 1 or not word.isascii()]
    if not words:
        return None
    candidates = LATIN if is_latin(words) else LANGUAGES - LATIN
    covered = candidates.intersection(languages)
    others = candidates - covered
    if not covered or not others:
        return bool(covered)
    scores = _frequent(words)
    if candidates is LATIN and len(words) == 1 and not scores:
        return None
    lead = _lead(scores, covered, others)
    if abs(lead) < _WORD_WEIGHT * max(_CLEAR, len(words) / 2):
        for language, likelihood in _identifier(candidates).rank(text):
            scores[language] += math.log(max(likelihood, _LEAST))
        lead = _lead(scores, covered, others)
    return None if abs(lead) < _MARGIN else lead > 0


def check_languages(languages: Collection[str]) -> None:
    """Raise ValueError unless all languages can be told apart.

    Example:
        >>> check_languages(["en", "xx"])
        Traceback (most recent call last):
        ValueError: Expected argument `languages` to hold codes such as "en" out of `LANGUAGES`, got 'xx'.
    """
    unknown = [languages] if isinstance(languages, str) else sorted(set(languages) - LANGUAGES)
    if unknown:
        raise ValueError(
            f'Expected argument `languages` to hold codes such as "en" out of `LANGUAGES`, got {unknown[0]!r}.'
        )


def is_latin(words: Iterable[str]) -> bool:
    """Whether at least half of the letters are of the Latin script; True where there are none.

    Example:
        >>> is_latin(["red", "куб"]), is_latin(["красный", "cube"])
        (True, False)
    """
    letters = [letter for word in words for letter in word if letter.isalpha()]
    return 2 * sum(letter < "\u0250" or "\u1e00" <= letter < "\u1f00" for letter in letters) >= len(letters)


def _lead(scores: Mapping[str, float], covered: frozenset[str], others: frozenset[str]) -> float:
    """How far the best language of the first is before the best of the others."""
    return max(map(scores.__getitem__, covered)) - max(map(scores.__getitem__, others))


def _frequent(words: list[str]) -> defaultdict[str, float]:
    """How much the frequent words speak for each language; a contraction counts by its parts too ("l'image")."""
    found: defaultdict[str, float] = defaultdict(float)
    for word in words:
        for part in {word, *word.split("'")}:
            for language in _LANGUAGES_OF.get(part, ()):
                found[language] += _WORD_WEIGHT
    return found


def _by_word() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for language, words in FREQUENT.items():
        for word in words:
            found.setdefault(word, []).append(language)
    return found


_LANGUAGES_OF = _by_word()


@lru_cache(maxsize=2)
def _identifier(candidates: frozenset[str]) -> Any:
    """Model of the letters; one a script, as it tells languages apart only among those it is set to."""
    langid = require("py3langid.langid", purpose="Telling languages apart")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(candidates)
    return identifier
