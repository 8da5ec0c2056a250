# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A reply as words, and as a string with one character for the part that each word plays."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from imug_metrics.reading.choice_words import GLUED, WORDS
from imug_metrics.reading.markup import GLUE, plain_text

_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_SPACED = "\u0530-\u08ff\u0900-\u0dff\u0f00-\u0fff\u10a0-\u10ff\u1200-\u137f"  # further scripts, marks and all
_MARKS = {
    **{mark: mark for mark in "\n.,;:=()/&+->?"},
    **{"!": ".", "<": "w", "~": "-", "≠": "n", "--": "-", "---": "-", "=>": ">", "->": ">", "==>": ">", "-->": ">"},
    **dict.fromkeys("☑✓✔✅√🗸🗹⭕👍", "t"),
    **dict.fromkeys("✗✘❌✕✖❎×🗴🗶👎", "X"),
    **dict.fromkeys("☐⬜□▢◻", "u"),
}
_GLUED = {word: part for part, words in GLUED.items() for word in words.split()}
_PARTS = {word: part for part, words in WORDS.items() for word in words.split()} | _GLUED | _MARKS
_KNOWN_SPELLINGS = 20_000  # that are kept; replies are untrusted
_GROUP = 10  # first characters in one group of a pattern
_JOINING = {"e": "N", "i": "N", "y": "N", "o": "Z", "u": "Z"}  # "and" or "or" in some language
_LONGEST_RUN, _FEW = 3, 8  # letters of a known word, and options, up to which "DE" is two options and no word


def _token(glue: str, further: str = "") -> re.Pattern[str]:
    """Words such as "don't", "E-mail", "C++" and "answer(s)", arrows, and marks; all else is between words."""
    tail = rf"(?<=['’])[{glue}]+|(?<=-)[{glue}]{{2,}}|(?<=\+)\+?(?![{glue} (])|(?<=\#)|(?<=\()s\)"
    mark = r"[\n.!?,;:=()/&+<>~-](?:(?<=[-=])[-=]?>|(?<=-)-{1,2})?"
    return re.compile(rf"[{glue}]+(?:['’+#(-](?:{tail}))*+|{mark}{further}")


_MIDDLE_INITIAL = re.compile(r"\.[A-Za-z]\.")
_INITIALS = re.compile(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,}(?![A-Za-z])")  # "A.I.", "e.g.", "D.C."
_SUFFIXED = re.compile(r"([A-Z])'(?:[dt][iıuü]r|y?[iıuü]|[nd][iıuü]n|y[ae])")  # Turkish: "C'dir"


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of many words, the longest first, in groups by their first characters: a third of the time."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for word in sorted(words, key=len, reverse=True):
        by_first[word[0]].append(word)
    firsts = sorted(by_first)
    groups = ["".join(firsts[place : place + _GROUP]) for place in range(0, len(firsts), _GROUP)]
    return "|".join(
        f"(?=[{group}])(?:{'|'.join(word for first in group for word in by_first[first])})" for group in groups
    )


_ASCII_TOKEN = _token("0-9A-Za-z")
_LATIN_TOKEN = _token(GLUE)
_BEYOND_LATIN = re.compile("[\u0530-\u1dff\u2100-\U0010ffff]")
_BEGINNINGS = "".join(sorted({word[0] for word in _GLUED}))
_ANY_TOKEN = _token(
    GLUE,
    rf"|(?=[{_SPACELESS}])(?:(?:(?![{_BEGINNINGS}])[{_SPACELESS}])+"
    rf"|{_any_of(_GLUED)}|.)"
    rf"|[{_SPACED}]+(?:['’׳״\u200c][{_SPACED}]+)*"
    rf"|[{re.escape(''.join(mark for mark in _MARKS if ord(mark[0]) > 127))}�]",
)


class Reply(NamedTuple):
    """Words in order, and one character for each: the part it plays.

    Beside those of `imug_metrics.reading.choice_words`: `L` letters of options, `l` lower-case ones, `E` a lower-
    case vowel, which joins letters in some language, `N` or `Z` one that is no option, `j` another single capital,
    `%` another letter alone, `0` a number, `w` any other word, `W` characters of a script without spaces, `t`, `X`
    and `u` a tick, a cross and an empty box, `>` an arrow, `.` also an exclamation mark, `-` also longer dashes;
    other marks as they are.
    """

    words: list[str]
    parts: str


def read_parts(text: str, options: str) -> Reply:
    """The words of a reply and their parts.

    Args:
        text: the reply.
        options: the letters that are options.

    Raises:
        ValueError: options that are not distinct letters A to Z.

    Example:
        >>> from imug_metrics.reading.choice_parts import read_parts
        >>> read_parts("The answer is **B**, not A.", "ABCD")
        Reply(words=['The', 'answer', 'is', '(', 'B', ')', ',', 'not', 'A', '.'], parts='Dac(L),nL.')
    """
    alphabet = _alphabet(options)
    plain = alphabet.wrapped.sub(_unwrapped, plain_text(text))
    if _MIDDLE_INITIAL.search(plain):
        plain = _INITIALS.sub(" initials ", plain)
    token = _ASCII_TOKEN if plain.isascii() else _ANY_TOKEN if _BEYOND_LATIN.search(plain) else _LATIN_TOKEN
    words = token.findall(plain)
    return Reply(words, _tell_letters("".join([alphabet[word] for word in words])))


class _Alphabet(dict[str, str]):
    """The part of any word for one set of options, found out once for each spelling."""

    def __init__(self, options: str) -> None:
        super().__init__()
        self.size = len(options)
        self.upper = re.compile(f"[{options}]{{1,{self.size}}}")
        self.lower = re.compile(f"[{options.lower()}]{{1,{self.size}}}")
        self.wrapped = _wrapped(options)

    def __missing__(self, word: str) -> str:
        if len(self) > _KNOWN_SPELLINGS:
            self.clear()
        self[word] = part = self.letters(word) or _other_part(word)
        return part

    def letters(self, word: str) -> str | None:
        """`A`, `1` (I), `M` (several) and `2` (the letter a) until their surroundings tell letters from words."""
        suffixed = _SUFFIXED.fullmatch(word)
        if suffixed:
            return self[suffixed[1]]
        if len(word) > self.size or not (word.isascii() and word.isalpha()) or len(set(word)) < len(word):
            return None
        if word.lower() in _PARTS and (len(word) > _LONGEST_RUN or (len(word) > 1 and self.size > _FEW)):
            return None
        if self.upper.fullmatch(word):
            return "M" if len(word) > 1 else {"A": "A", "I": "1"}.get(word, "L")
        if word in _JOINING:
            return "E" if self.lower.fullmatch(word) else _JOINING[word]
        if not self.lower.fullmatch(word) or list(word) != sorted(word) or word in _PARTS:
            return None
        return "2" if word == "a" else "l"


@lru_cache(maxsize=32)
def _alphabet(options: str) -> _Alphabet:
    if not re.fullmatch("[A-Z]+", options) or len(set(options)) < len(options):
        raise ValueError(f"Expected argument `options` to be distinct letters A to Z, got {options!r}.")
    return _Alphabet(options)


def _wrapped(options: str) -> re.Pattern[str]:
    """Letters alone within brackets, quotes or emphasis."""
    quote, opening, closing = r"[*_`~\"'“”„‘’«»‹›$]", r"[(\[{<「『【《〈⟨〔]", r"[)\]}>」』】》〉⟩〕]"
    either = rf"(?:[{options}]{{1,{len(options)}}}|[{options.lower()}])"
    joined = r"(?: ?[,;/&+、] ?|(?:,? (?:and|or|und|oder|y|o|e|et|ou|и) )| )"
    several = rf"(?P<letters>{either}(?:{joined}{either}){{0,{len(options)}}})"
    not_of_function = r"(?<![^A-Za-z][A-Za-z].)(?<!\A[A-Za-z].)"  # "P(A)"
    first = rf"(?:{opening}{not_of_function} ?|{quote})"
    return re.compile(
        rf"(?P<open>{first}(?:{opening} ?|{quote}){{0,7}}){several}[.:]?(?:{quote}| ?{closing}){{1,8}}(?![{GLUE}])"
    )


def is_spaceless(word: str) -> bool:
    """Whether a word is of a script written without spaces, such as Chinese or Thai.

    Example:
        >>> is_spaceless("杯子"), is_spaceless("cup")
        (True, False)
    """
    return word[0] >= "\u0e00" and re.match(f"[{_SPACELESS}]", word) is not None


def _unwrapped(match: re.Match[str]) -> str:
    """Letters in round brackets where they stood in brackets or emphasis; quotes say nothing about them."""
    quoted = not set(match["open"]).isdisjoint("\"'“”„‘’«»‹›「『") and set(match["open"]).isdisjoint("*_`(")
    return f" {match['letters']} " if quoted else f" ({match['letters']}) "


def _other_part(word: str) -> str:
    known = _PARTS.get(word) or _PARTS.get(word.lower().replace("’", "'"))
    if known:
        return known
    if word[0].isdigit():
        return "0"
    if "'" in word or "’" in word:  # "l'option"
        return _PARTS.get(re.split("['’]", word, maxsplit=1)[1].lower(), "w")
    if is_spaceless(word):
        return "W"
    return "w" if len(word) > 1 else "j" if word.isupper() else "%"


# Parts before which a letter is a word: "A red cup", "A final look", "I see", "BAD dog".
_NOUN = "wOVaosmqDRj0gr"
_ARTICLE = re.compile(rf"[AM](?<![oP].)(?=[{_NOUN}])|A(?=[kxG][{_NOUN}hfop])|2(?![oO]?[LAM1]|[.,;:)?\n&/b(-]|\Z)")
_ARTICLE_OF_LETTER = re.compile("2(?=[oO]?[LAM1])")  # "é a C"
_PRONOUN = re.compile(r"1(?![.,;:?)\n/+-]|&[LAl1]|[LAb]|c(?:[^w]|\Z)|f[.\n]|f?\Z)")
# Letters that name something else: "vitamin C", "20 C", "J. B. Smith", "A.I.", "e.g.", "N/A".
_NAME = re.compile(
    r"(?=[LA1Ml2Ej%])(?:(?<=V)[LA1Ml2]|(?<=0)[LA1Ml2](?![).:])|(?<=V[-(.])[LA1M]|(?<=V\.\()[LA1M]|(?<=[j%]\()[LA1M]|(?:j\.)+[LA1M]|[LA1M](?=\.j\.)"
    r"|[lE2j%]\.[lE2j%](?=\.)|[jLAM1]/[jA1])"
)
# A list with a letter that is no option, as in "A, H", names none.
_BEYOND = re.compile(r"\(?[LAM1]\)?(?:[,;/&]{1,2}\(?j\)?|\(j\))+|\(?j\)?(?:[,;/&]{1,2}\(?[LAM1]\)?|\([LAM1]\))+")
_NAME_OR_OPTION_A = re.compile(r"A:\(?[LM1]\)?\.?")
_SPEAKER_A = re.compile(  # but not where B follows: those are options
    r"(\A|[\n.?]|q:[^\n]{1,80}[.?])A(?=:(?![^\n]{0,80}\nL))|(q\.[^\n]{1,80}[.?]\n?)A(?=\.(?![^\n]{0,80}\nL))"
)
_REPLIED = re.compile(r"(?<=[\n.?])[fD]?[ma][:.>]")
_CAPITAL = re.compile("[LAM1]")
_UNTOLD = re.compile("[A1MlE2L]")
_LETTERS = str.maketrans("AM12", "LLLl")


def _tell_letters(parts: str) -> str:
    """Parts where what may be a letter is `L` or `l`, or `w` where its surroundings make it a word."""
    if "q" in parts:  # "Q: Which? A: C"
        parts = _after_question(_SPEAKER_A.sub(r"\1\2m", parts))
    if "1" in parts:
        parts = _PRONOUN.sub("w", parts)
    if "j" in parts:
        parts = _BEYOND.sub(lambda match: _CAPITAL.sub("j", match[0]), parts)
    parts = _NAME.sub(_words, _ARTICLE_OF_LETTER.sub("f", _ARTICLE.sub("w", parts)))
    if parts.startswith("A:") and _NAME_OR_OPTION_A.fullmatch(parts):  # is "A" an option, or "answer"?
        return "w" * len(parts)
    return parts.translate(_LETTERS)


def _after_question(parts: str) -> str:
    """In a dialogue, letters of the last speech alone."""
    starts = [match.start() for match in _REPLIED.finditer(parts, parts.find("q"))]
    return _UNTOLD.sub("w", parts[: starts[-1]]) + parts[starts[-1] :] if starts else parts


def _words(match: re.Match[str]) -> str:
    return "w" * len(match[0])


_DENIED = r"(?!L(?:[,&]{1,2}L){0,4}[cC][fFD]?[xGn])"  # "the answer is B, C and D are wrong"
_SEPARATOR = (
    rf"(?:[/+ENZ]|,(?!L(?:c|[xG](?![:>]))){_DENIED}|;(?!L(?:[cCkaR]|[xG](?![:>])))"
    rf"|,?[&Z]-?f?{_DENIED}|[,;/+][&Z]{_DENIED})"
)
_PLAIN = rf"L(?:{_SEPARATOR}?L)*"
_COMMENT = r"\([^()\nakxGRntX]{1,30}\)"
_LIST = re.compile(
    rf"(?P<B>\({_PLAIN}\)(?:(?:{_COMMENT})?{_SEPARATOR}{{0,2}}\({_PLAIN}\)|{_SEPARATOR}{{1,2}}{_PLAIN}(?!\)))*"
    rf"(?:,?\n(?=\(L\)[.,]?(?:\n|\Z))\(L\))*)"
    rf"|(?P<K>{_PLAIN}\)(?:{_SEPARATOR}{_PLAIN}\))*)"
    rf"|(?P<L>\(?{_PLAIN}(?:{_COMMENT}{_SEPARATOR}{_PLAIN})*(?:,?\n(?=L[.,]?(?:\n|\Z))L)*)"
)


_LEAST = 3  # letters of a list that can repeat the question


class Joined(NamedTuple):
    """A reply's parts with each list of letters as one: `L`, or `B` in brackets, or `K` closed by one, as in "B)".

    Attributes:
        parts: of the reply.
        letters: by the place of a list in `parts`, its runs of letters.
        offers: the same of lists that decide nothing, such as "A or B", which are `@` in `parts`.
        ends: by the same place, how many words the reply has up to the list's end.
    """

    parts: str
    letters: dict[int, list[str]]
    offers: dict[int, list[str]]
    ends: dict[int, int]


def join_letters(reply: Reply, options: int, kind: Literal["L", "l", "j"] = "L") -> Joined:
    """Join letters to lists, such as "B, D and E", "(B)(D)" or "A (the cup) and C".

    Args:
        reply: of `read_parts`.
        options: how many there are; a list of all of them on lines or in brackets repeats the question.
        kind: which letters: of options, lower-case ones, or those that are no options.

    Example:
        >>> from imug_metrics.reading.choice_parts import join_letters, read_parts
        >>> join_letters(read_parts("B and D, not (C)", "ABCD"), 4)
        Joined(parts='L,nB', letters={0: ['B', 'D'], 3: ['C']}, offers={}, ends={0: 3, 3: 8})
    """
    parts = reply.parts
    if kind != "L":
        parts = parts.replace("L", "w").replace(kind, "L")
    if kind == "l":
        parts = parts.replace("E", "L")
    pieces: list[str] = []
    letters: dict[int, list[str]] = {}
    offers: dict[int, list[str]] = {}
    ends: dict[int, int] = {}
    position = length = 0
    for match in _LIST.finditer(parts) if "L" in parts else ():
        start, end = match.span()
        runs = [word.split("'")[0] for word, part in zip(reply.words[start:end], match[0], strict=True) if part == "L"]
        offered = "Z" in match[0] or (len(runs) == options >= _LEAST and _repeats(match))
        pieces += parts[position:start], "@" if offered else match.lastgroup or "L"
        length += start - position
        (offers if offered else letters)[length] = runs
        ends[length] = position = end
        length += 1
    return Joined("".join([*pieces, parts[position:]]), letters, offers, ends)


def _repeats(match: re.Match[str]) -> bool:
    return "\n" in match[0] or (match[0].count("(") > 1 and "&" not in match[0])
