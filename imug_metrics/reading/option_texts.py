# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Answers given as an option's text instead of its letter."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from imug_metrics.reading.choice_parts import Reply, is_spaceless, read_parts
from imug_metrics.reading.choice_rules import is_denied, is_unsaid
from imug_metrics.reading.refusals import is_undecided

_ARTICLES = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "un",
            "une",
            "uno",
            "una",
            "ein",
            "eine",
            "einen",
            "einem",
            "der",
            "die",
            "das",
            "den",
            "el",
        ),
        *("la", "los", "las", "il", "lo", "le", "les", "o", "os", "as", "um", "uma", "gli", "een", "het", "de"),
    )
)
_ALL = re.compile(
    r"\b(?:all|both|todas?|todos|toutes|tous|alles?|tutte|tutti|wszystkie|semua|все|всё|всі|كل|جميع|hepsi|tất cả|सभी)\b"
    r"|(?:以上|上述)(?:选项|選項)?(?:都|全|皆|均)|すべて|全て|모두|전부"
)
_NONE = re.compile(
    r"\b(?:none|neither|ningun[oa]|ningún|aucune?|keine[rs]?|nessun[oa]|nenhuma?|żad(?:na|ne|en)|geen|ничего"
    r"|ни од(?:ин|но|на)|жоден|жодн\w+|لا شيء|hiçbiri|không|कोई)\b"
    r"|都不|皆非|均不|都错|なし|いずれでもない|どれでもない|없음|없다|아무것도"
)
_ABOVE = re.compile(
    r"\b(?:above|these|them|options?|answers?|anteriores|ci-dessus|oben|genannten|precedenti|acima|powyższ\w+|atas|trên"
    r"|вышеперечисленн\w+|перечисленн\w+|yukarıdaki\w*|réponses?|respuestas|ما سبق|उपरोक्त)\b|ما سبق|उपरोक्त"
    r"|以上|上述|上記|위의|위"
)
_LONGEST_ABOVE = 60  # characters of a reply that says no more than "all of the above"
_MARKS = frozenset("\n.,;:=()/&+->?!")
_SENTENCE_END = re.compile(r"[.?\n]|\Z")
_WORD = re.compile(r"\S+")
_FIRST_CLAUSE = re.compile(r"[.,;]")
_UNCOUNTED = 12  # articles and marks that a statement may hold beside an option's words
_STATEMENTS, _LONGEST_STATEMENT, _WORDS_BEFORE = 64, 80, 6
_NAMING = re.compile(r"[as]")
_BEFORE_TEXT = "cC:>=fDJIpah"


class OptionTexts:
    """What the options of a question say, and which of them a reply names.

    Args:
        options: letters and texts.

    Example:
        >>> from imug_metrics.reading.choice_parts import read_parts
        >>> options = OptionTexts((("A", "a red cup"), ("B", "a blue cup"), ("C", "none of the above")))
        >>> reply = read_parts("The answer is the blue cup.", "ABC")
        >>> options.stated(reply), options.named(reply), options.named(read_parts("None of these.", "ABC"))
        ('B', 'B', 'C')
    """

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        letters = "".join(letter for letter, _ in options)
        keys = [" ".join(_plain(read_parts(text, letters))) for _, text in options]
        self.letters = {key: letter for key, (letter, _) in zip(keys, options, strict=True) if keys.count(key) == 1}
        self.letters.pop("", None)
        self.longest = max((key.count(" ") for key in self.letters), default=0) + _UNCOUNTED
        self.above = [self._saying(pattern, options) for pattern in (_ALL, _NONE)]

    def stated(self, reply: Reply) -> str:
        """The option whose text is all of the reply, or follows "the answer is" up to the sentence's end."""
        if not set(reply.parts) - set("L.,()\n"):
            return ""  # letters alone are letters
        label, *text = (_plain(reply) if len(reply.words) <= self.longest else []) or [""]
        if self.letters.get(" ".join(text)) == label.upper():  # "B: False"
            return label.upper()
        for begin, start, end in _statements(reply.parts):
            if end - start > self.longest or not set(reply.parts[start:end]) - set("L.,():=>"):
                continue
            letter = self.letters.get(" ".join(_plain(Reply(reply.words[start:end], reply.parts[start:end]))))
            if letter and not _is_unsaid(reply, begin, start, end):
                return letter
        return ""

    def named(self, reply: Reply) -> str:
        """The option that says all or none of the above where the reply does; else the only one that it names."""
        if len(reply.words) < _LONGEST_ABOVE and not set(reply.parts) & set("nx"):
            said = " ".join(reply.words).casefold()
            for pattern, letter in zip((_ALL, _NONE), self.above, strict=True):
                if letter and len(said) < _LONGEST_ABOVE and pattern.search(said) and _ABOVE.search(said):
                    return letter
        return self._mentioned(reply)

    def _mentioned(self, reply: Reply) -> str:
        units = [unit for unit in _units(reply) if unit.word not in _ARTICLES]
        text = f" {' '.join(unit.word for unit in units)} "
        found = set()
        for key in sorted(self.letters, key=len, reverse=True):
            position = text.find(f" {key} ")
            if position < 0:
                continue
            first = text.count(" ", 0, position)
            start, end = units[first].place, units[first + key.count(" ")].place + 1
            marked = _with_letter(reply, start, end)
            if not is_denied(*marked):
                if _is_unsaid(reply, start, start, end):
                    return ""  # offered, asked or the like
                found.add(self.letters[key])
            text = text.replace(f" {key} ", f" {_WORD.sub('_', key)} ")  # "red" is no mention within "dark red"
        return found.pop() if len(found) == 1 else ""

    def _saying(self, pattern: re.Pattern[str], options: Sequence[tuple[str, str]]) -> str:
        found = [
            letter for letter, text in options if pattern.search(text.casefold()) and _ABOVE.search(text.casefold())
        ]
        return found[0] if len(found) == 1 else ""


@lru_cache(maxsize=4096)
def option_texts(options: tuple[tuple[str, str], ...]) -> OptionTexts:
    """The `OptionTexts` of a question, made once."""
    return OptionTexts(options)


def says_above(text: str) -> bool:
    """Whether a short text says "all of the above" or "none of the above".

    Example:
        >>> says_above("None of the above."), says_above("以上都对"), says_above("The cup above")
        (True, True, False)
    """
    said = text.casefold()
    return len(said) < _LONGEST_ABOVE and bool((_ALL.search(said) or _NONE.search(said)) and _ABOVE.search(said))


def _statements(parts: str) -> Iterator[tuple[int, int, int]]:
    """Where a text may be stated: all of the reply, its first clause, and behind words such as "the answer is".

    Yields:
        Where the statement begins, and where the text in it begins and ends.
    """
    yield 0, 0, len(parts)
    first = _FIRST_CLAUSE.search(parts)
    if first:
        yield 0, 0, first.start()
    for match in deque(_NAMING.finditer(parts), maxlen=_STATEMENTS):
        end = _SENTENCE_END.search(parts, match.end(), match.end() + _LONGEST_STATEMENT)
        if end is None:
            continue
        for start in range(match.end(), min(end.start(), match.end() + _WORDS_BEFORE)):
            yield match.start(), start, end.start()
            if parts[start] not in _BEFORE_TEXT:
                break


class _Unit(NamedTuple):
    """A word, or a character of a script without spaces; where in the reply, and its part."""

    word: str
    place: int
    part: str


def _units(reply: Reply) -> Iterator[_Unit]:
    for place, (word, part) in enumerate(zip(reply.words, reply.parts, strict=True)):
        if word in _MARKS:
            continue
        for piece in word if len(word) > 1 and is_spaceless(word) else (word,):
            yield _Unit(_fold(piece), place, part)


def _plain(reply: Reply) -> list[str]:
    """Words without marks, and without articles unless nothing else is there."""
    units = list(_units(reply))
    kept = [unit.word for unit in units if unit.part == "L" or unit.word not in _ARTICLES]
    return kept or [unit.word for unit in units]


def _fold(word: str) -> str:
    return word.casefold().replace("ё", "е")


def _is_unsaid(reply: Reply, begin: int, start: int, end: int) -> bool:
    """Whether the text of an option is negated, asked or the like, as a letter in its place would be."""
    parts, place, after = _with_letter(reply, start, end)
    begin = place if begin == start else begin
    return is_undecided(" ".join(reply.words[end:])) or is_unsaid(parts, parts, begin, after)


def _with_letter(reply: Reply, start: int, end: int) -> tuple[str, int, int]:
    """The reply's parts with a text and its article as one letter; where a statement of it begins and ends."""
    while start > 0 and reply.parts[start - 1] != "Z" and reply.words[start - 1].casefold() in _ARTICLES:
        start -= 1
    heading = start > 0 and reply.parts[start - 1] == ":"  # "worst: red"
    return f"{reply.parts[:start]}L{reply.parts[end:]}", start - heading, start + 1
