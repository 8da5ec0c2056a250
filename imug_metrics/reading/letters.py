# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Letters of options in a field that names options and nothing else, as judges fill it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_MAX_CHARS = 500

_INTRODUCTION = (
    r"(?:(?:both|the\s(?:correct\s|right\s)?(?:answers?|options?|choices?)(?:\s(?:is|are))?"
    r"|(?:(?:correct|right)\s)?(?:answers?|options?|choices?|letters?)(?:\s(?:is|are))?)(?![A-Za-z])\s?[:=]?"
    r"|(?:正确)?(?:答案|选项|選項|选择|正解|選択肢)(?:是|为|為|は)?[:]?|정답[은:]?|선택지)\s?"
)
_OPEN, _CLOSE = r"[\"'“”‘’`*_(\[{<]{0,4}", r"[\"'“”‘’`*_)\]}>]{0,4}"
_LETTER = re.compile(rf"(?i:{_INTRODUCTION})?{_OPEN}([A-Za-z]){_CLOSE}[.。:]?{_CLOSE}(?:\sboth)?")
_AND = r"and|And|AND|und|et|en|og|och|ve|oraz|dan|và|и|та|و"
_SEPARATOR = re.compile(
    rf"\s?(?:[,;/+&|、،]\s?(?:(?:{_AND}|&)\s)?|(?<=\s)(?:{_AND}|(?<=[A-Z]\s)[yei](?=\s[A-Z]))(?=\s)"
    r"|[と와과和与與及跟]|및|\n)\s?"
)
_RUN = re.compile(r"[A-Z](?:\s?[A-Z]){1,25}\.?")
_LABELLED = re.compile(
    rf"(?i:{_INTRODUCTION})?(?:\(([A-Za-z])\)|\*\*([A-Za-z])[.):]?\*\*|([A-Za-z])(?:[).:、]|\s[-–—](?=\s)|(?=\s\()))\s?(.+)",
    re.IGNORECASE,
)
_NEXT = re.compile(r"\n|;\s?|,\s?(?:and\s)?(?=\(?[A-Z][).:])")
_OTHER = re.compile(r"(?<![A-Za-z0-9'’])(?!A\s[a-z])[A-Z](?![A-Za-z0-9'’])")
_VERDICT = re.compile(
    r"(?:is|are|was|were|isn't|not|no|yes|true|false|wrong|incorrect|right|correct|or|if|but|may|might|could|would|seems"
    r"|ist|sind|nicht|falsch|est|n'est|non|pas|faux|es|no|son|é|è|não|не|нет|нев)(?![\w-]+)|[是不错錯否非对對?✗✘×✓✔]",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s*\n\s*|[^\S\n]+")


def named_letters(answer: str) -> str | None:
    """The letters that an answer names where it names options and says nothing else.

    Letters may be listed with commas, slashes, "and" in several languages or nothing between capitals, may stand in
    brackets, quotes or emphasis, behind "Option" or "The answer is", and before the option's own text where that
    mentions no other letter. Single lower-case letters count as capitals. Whether they are options is not looked at.

    Returns:
        The letters in upper case, sorted, without repeats; None where the answer says anything else: a word, a doubt
        ("A or B"), a negation, a range.

    Example:
        >>> from imug_metrics.reading.letters import named_letters
        >>> [named_letters(answer) for answer in ("A, B, and C", "(b)", "B.", "Option B: a red cup", "A和C", "DA")]
        ['ABC', 'B', 'B', 'B', 'AC', 'AD']
        >>> [named_letters(answer) for answer in ("none", "A or B", "not B", "A-C", "a cup", "")]
        [None, None, None, None, None, None]
    """
    answer = unicodedata.normalize("NFKC", answer[: _MAX_CHARS + 1]).strip()
    if not answer or len(answer) > _MAX_CHARS:
        return None
    answer = _SPACES.sub(lambda space: "\n" if "\n" in space[0] else " ", answer)
    whole = _listed(answer)
    if whole is not None:
        return whole
    named = [_listed(part) or _labelled(part) for part in _NEXT.split(answer) if part.strip()]
    return None if None in named else _sorted(map(str, named)) or None


def _listed(answer: str) -> str | None:
    if _RUN.fullmatch(answer):
        return _sorted(filter(str.isalpha, answer))
    letters = [_LETTER.fullmatch(part) for part in _SEPARATOR.split(_bare(answer))]
    return None if None in letters else _sorted(letter[1] for letter in letters if letter)


def _labelled(answer: str) -> str | None:
    """The letter before the text of an option."""
    found = _LABELLED.fullmatch(answer.strip('*_`"“” '))
    if found is None or _OTHER.search(found[4]) or _VERDICT.match(found[4]):
        return None
    return str(found[1] or found[2] or found[3]).upper()


def _bare(answer: str) -> str:
    """A list without the brackets around it."""
    around = answer[:1] + answer[-1:]
    return answer[1:-1].strip() if around in ("[]", "{}", "()") else answer


def _sorted(letters: Iterable[str]) -> str:
    return "".join(sorted(set("".join(letters).upper())))
