# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
r"""Reading the chosen letters of a multiple-choice reply: the corrected rules behind `protocol="strict"`.

A reply is freed of markup, then the first of these rules that finds letters decides:

0. A reply that begins with `ERROR:` is a stored failure and chooses nothing.
1. **Answer.** "Answer: B", "the correct option is B", `\boxed{B}`, `{"answer": "B"}`, "答案是B", "La respuesta es B",
   and lines at the very beginning or end that hold nothing but letters. The last one in the text wins.
2. **Choice.** "I choose B", "I'd go with B", "it is B.", "so B.", "B is correct". The last one wins.
3. **Label.** Lines that begin like options, "B. red cup", "(B) red cup", "B because ...": all letters of the unbroken
   block of such lines at the beginning of the reply, or else at its end.
4. **Mention.** "option B", "(B)", "**B**" within prose, if every mention names the same letters.

Letters are `B`, `BD`, `B, D`, `B and D`, `B/D`, `(B)(D)`, also full-width, circled and mathematical ones; only rules 1
and 3 read lower case.

Ambiguous replies, and how they are decided:

- "A red cup", "the answer is a red cup": an article, no choice. "The answer is A because ...", "A. red cup": a choice.
- "A or B": both, and the score subtracts the wrong one. "A-C" is A and C; "A to C" is no choice.
- "None of the above", "all of the above", "neither": no letter is named, no choice.
- "The answer is not A but B", "if the answer is A": negated and conditional statements are passed over.
- "The incorrect option is C" mentions one option: C.
- "BAD", "ace": upper-case letters in any order are a run of options, lower-case ones only in alphabetical order and at
  the end of their clause. A run with a repeated letter ("DAD", "AA") is a word.
- Letters outside the options are passed over ("A, H" is A); a run that holds one ("BDH") is a word.
- "A. cat" and "B. dog" as lines, without an answer: both. "A: yes", "B: no": A.
- "Vitamin C", "plan B is best", "20 °C", "E-mail", "C++", "the cup (A) beside the plate (B)": no choice.
- "(A) stands left of (B)" begins like an option: A.
- Letters of mixed case ("a, E"): no choice.
- Cyrillic and Greek look-alikes are other letters: no choice.
- Text up to `</think>` is reasoning and no part of the reply, unless nothing follows it.
- Of a reply longer than 8,192 characters the first quarter and the last three quarters of that length are read, and
  of more than 256 lists of letters the last 256 (labels apart).
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import NamedTuple

from imug_metrics.reading import choice_words as words
from imug_metrics.reading.markup import GLUE, plain_lines, unmark

DEFAULT_OPTIONS = "ABCDEFG"
_WINDOW = 100  # characters before letters that are looked at
_LISTS = 256  # lists of letters that are looked at, from the end; no sensible reply holds more


def read_choice(text: str, options: str = DEFAULT_OPTIONS) -> str:
    """Read the letters that a reply chooses, by the rules of this module.

    Args:
        text: the reply. Nothing in it is trusted; the time taken is bounded whatever its length.
        options: the letters that are options.

    Returns:
        The letters, sorted, without repeats; empty for no choice.

    Raises:
        ValueError: options that are not distinct upper-case letters A to Z.

    Example:
        >>> from imug_metrics.reading.choice import read_choice
        >>> read_choice("A cup and a plate. So the answer is **B** and **D**.")
        'BD'
        >>> read_choice("A cat sits here.")
        ''
    """
    runs = _runs(options)
    if text.lstrip().startswith("ERROR:"):
        return ""
    reply = _Reply(plain_lines(runs.wrapped.sub(r" (\g<runs>) ", unmark(text))), runs)
    for rule in (reply.answer, reply.choice, reply.label, reply.mention):
        letters = rule()
        if letters:
            return "".join(sorted(set(letters.upper())))
    return ""


# What stands before the letters of a statement, up to the letters. Every repeat is bounded: replies are untrusted.
_FILLERS = rf"(?: ?{words.FILLER}){{0,5}}\s?"
_ANSWER = re.compile(rf"{words.ANSWER}(?:[^.?!;:=\n]{{0,60}}?(?: ?{words.COPULA}){{1,2}})?{_FILLERS}\Z")
_FIELD = re.compile(rf"{words.FIELD} ?[:=]{_FILLERS}\Z")
_CHOOSE = re.compile(rf"{words.CHOOSE}{_FILLERS}\Z")
_INDEED = re.compile(rf"{words.INDEED}[,:]?{_FILLERS}\Z")
_OPTION = re.compile(rf"{words.OPTION}(?: ?{words.COPULA})?\s?\Z")
_NEGATION = re.compile(words.NEGATION)
_CLAUSE_END = re.compile(words.CLAUSE_END)
_VERDICT_OPENING = re.compile(rf"(?:\A|{words.OPTION}|{words.VERDICT_OPENING}) ?\Z")

# What stands behind the letters.
_VERDICT = re.compile(rf" ?{words.IS_RIGHT}")
_NOUN = re.compile(rf" (?!{words.NOT_A_NOUN})[{GLUE}]")
_NEW_CLAUSE = re.compile(r" (?:is|was|has|does|shows|looks|seems)\b")
_PAUSE = re.compile(rf"\Z|\n|\s?[^\w\s(]| ?{words.REASON}")
_LABEL = re.compile(rf"[.:)](?:\s|\Z|[^{GLUE}]|[{GLUE}]{{2}})")
_LOOSE_LABEL = re.compile(rf",| -| ?{words.REASON}")

_DENIED = re.compile(rf" ?{words.DENIED}")

_JOIN = re.compile(rf"(?: \([^()\n]{{1,60}}\))?(?:(?: ?(?:[,;/&+-]|{words.AND})){{1,2}}\s?|[ .]|)")
_TO_NEXT_LABEL = re.compile(r"[^\n]{1,200}(?:\n|[,;] (?:and )?)")
_LINE_END = re.compile(r"\.?(?:\n|\Z)")
_BARE_WORDS = re.compile(rf"{words.AND}|{words.FILLER}|{words.BARE_ENDING}")


class _Runs(NamedTuple):
    """Patterns for runs of letters such as `B` or `BD`, for one set of options."""

    upper: re.Pattern[str]
    lower: re.Pattern[str]
    upper_alone: re.Pattern[str]
    lower_alone: re.Pattern[str]
    wrapped: re.Pattern[str]


class _Group(NamedTuple):
    """Runs of letters joined to one list, such as `B, D and E`, and its place in the text, round brackets included."""

    start: int
    end: int
    runs: tuple[str, ...]


@lru_cache(maxsize=16)
def _runs(options: str) -> _Runs:
    if not re.fullmatch("[A-Z]+", options) or len(set(options)) < len(options):
        raise ValueError(f"Expected argument `options` to be distinct letters A to Z, got {options!r}.")
    size = f"{{1,{len(options)}}}"
    upper, lower = f"[{options}]{size}", f"[{options.lower()}]{size}"
    before = rf"(?<![{GLUE}])(?<![{GLUE}]['’])(?<![{GLUE}]{{2}}-)"
    initials = rf"\.(?![{options}])[{GLUE}]\."
    after = rf"(?![{GLUE}]|['’][{GLUE}]|-[{GLUE}]{{2}}|\+\+|{initials})"
    either = rf"(?:{upper}|[{options.lower()}])"
    several = rf"(?P<runs>{either}(?:(?: ?[,;/&+]| ) ?{either}){{0,{len(options)}}})"
    quote = r"[*_`~\"'“”„‘’«»$]"
    wrapped = (
        rf"(?:[(\[{{<「『【《〈] ?|{quote}){{1,8}}{several}[.:]?(?:{quote}| ?[)\]}}>」』】》〉]){{1,8}}(?![{GLUE}])"
    )
    prose = (rf"\(?{before}(?P<run>{run}){after}\)?" for run in (upper, lower))
    alone = (rf"(?<![{GLUE}]){run}(?![{GLUE}])" for run in (upper, lower))
    return _Runs(*(re.compile(pattern) for pattern in (*prose, *alone, wrapped)))


class _Reply:
    """A reply in plain lines, with one method for each rule; a method returns the letters it reads, or none."""

    def __init__(self, text: str, runs: _Runs) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.runs = runs
        self.upper = _groups(text, runs.upper)
        self.lower = _groups(text, runs.lower)

    def answer(self) -> str:
        """Rule 1: the last explicit answer; bare lines at the beginning and the end are answers, too."""
        found = [(-1, self._bare_block(self.lines)), (self.text.rfind("\n"), self._bare_block(reversed(self.lines)))]
        for group in (*self.upper[-_LISTS:], *self.lower[-_LISTS:]):
            before = self._before(group)
            if (_ANSWER.search(before) or _FIELD.search(before)) and not _negated(before):
                found.append((group.start, self._without_words(group) + self._labels_after(group)))
        return max((place for place in found if place[1]), default=(0, ""))[1]

    def choice(self) -> str:
        """Rule 2: the last "I choose B", "it is B" or "B is correct"."""
        for group in reversed(self.upper[-_LISTS:]):
            before = self._before(group)
            if _negated(before):
                continue
            if _VERDICT.match(self.text, group.end) and _VERDICT_OPENING.search(_CLAUSE_END.split(before)[-1]):
                return "".join(group.runs)
            if _CHOOSE.search(before) or (_INDEED.search(before) and _PAUSE.match(self.text, group.end)):
                letters = self._without_words(group)
                if letters:
                    return letters
        return ""

    def label(self) -> str:
        """Rule 3: the block of lines that begin like options, at the beginning or else at the end."""
        labels = {
            group.start: "" if _DENIED.match(self.text, group.end) else "".join(group.runs)
            for group in (*self.lower, *self.upper)
            if self._is_label(group)
        }
        starts = accumulate((len(line) + 1 for line in self.lines[:-1]), initial=0)
        letters = [labels.get(start) for start in starts]
        block, last_block = (takewhile(lambda each: each is not None, side) for side in (letters, reversed(letters)))
        return "".join(filter(None, block)) or "".join(filter(None, last_block))

    def mention(self) -> str:
        """Rule 4: what all mentions of options agree on."""
        mentioned = set()
        for group in self.upper[-_LISTS:]:
            before = self._before(group)
            wrapped = self.text[group.start] == "(" and self.text[group.end - 1] == ")"
            denied = _negated(before) or _DENIED.match(self.text, group.end)
            if (wrapped or _OPTION.search(before)) and not denied:
                mentioned.add("".join(sorted(set("".join(group.runs)))))
        return mentioned.pop() if len(mentioned) == 1 else ""

    def _before(self, group: _Group) -> str:
        return self.text[max(0, group.start - _WINDOW) : group.start]

    def _is_label(self, group: _Group) -> bool:
        loose = group.runs[0].isupper() and _LOOSE_LABEL.match(self.text, group.end) is not None
        return loose or self._is_punctuated(group)

    def _is_punctuated(self, group: _Group) -> bool:
        return self.text[group.end - 1] == ")" or _LABEL.match(self.text, group.end) is not None

    def _without_words(self, group: _Group) -> str:
        """The group's letters without a last one that begins the next clause or is an article or another word."""
        *earlier, last = group.runs
        bracketed = self.text[group.end - 1] == ")"
        word = (len(last) > 1 or last in "AaIi") and not bracketed and _NOUN.match(self.text, group.end)
        clause = earlier and _NEW_CLAUSE.match(self.text, group.end)
        return "".join(earlier if word or clause else group.runs)

    def _labels_after(self, group: _Group) -> str:
        """Further labels of a stated answer: "Answer: A. cup, C. plate", or on the lines below where it has its own."""
        letters = ""
        own_line = self.text[group.start - 1 : group.start] == "\n"
        for later in self.upper[bisect(self.upper, group) :]:
            between = self.text[group.end : later.start]
            both_labels = self._is_punctuated(group) and self._is_punctuated(later)
            if not both_labels or not _TO_NEXT_LABEL.fullmatch(between) or ("\n" in between and not own_line):
                break
            letters += "".join(later.runs)
            group = later
        return letters

    def _bare_block(self, lines: Iterable[str]) -> str:
        return "".join(takewhile(bool, map(self._bare, lines)))

    def _bare(self, line: str) -> str:
        """The letters of a line that holds nothing but letters, separators and words such as "option"."""
        for pattern in (self.runs.upper_alone, self.runs.lower_alone):
            runs = [run for run in pattern.findall(line) if _is_options(run)]
            if runs:
                rest = pattern.sub(lambda match: " " if _is_options(match[0]) else match[0], line)
                return "" if re.search(r"\w", _BARE_WORDS.sub("", rest)) else "".join(runs)
        return ""


def _groups(text: str, run_pattern: re.Pattern[str]) -> list[_Group]:
    groups: list[_Group] = []
    for match in run_pattern.finditer(text):
        run = match["run"]
        whole_word = run.islower() and len(run) > 1
        if not _is_options(run) or (whole_word and not _PAUSE.match(text, match.end())):
            continue
        if groups and not whole_word and _joins(text, groups[-1], match):
            groups[-1] = _Group(groups[-1].start, match.end(), (*groups[-1].runs, run))
        else:
            groups.append(_Group(match.start(), match.end(), (run,)))
    return groups


def _joins(text: str, group: _Group, match: re.Match[str]) -> bool:
    if text[group.end : match.start()] != "\n":
        return _JOIN.fullmatch(text, group.end, match.start()) is not None
    opens_line = group.start == 0 or text[group.start - 1] == "\n"
    return opens_line and _LINE_END.match(text, match.end()) is not None


def _is_options(run: str) -> bool:
    """Whether a run of letters can be a list of options: no repeats, and in order where lower case makes it a word."""
    return len(set(run)) == len(run) and (run.isupper() or list(run) == sorted(run))


def _negated(before: str) -> bool:
    return _NEGATION.search(_CLAUSE_END.split(before)[-1]) is not None
