# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a reply states about the letters in it: rules over the grammar of `imug_metrics.reading.choice_patterns`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import ascii_uppercase
from typing import Literal, NamedTuple, TypeAlias

from imug_metrics.reading import choice_patterns as patterns
from imug_metrics.reading.choice_parts import Reply, join_letters

How: TypeAlias = Literal["answer", "ticked", "choice", "label", "mention"]

_AFFIRMED = "tkaR"
_LEAST = 3  # lines that list the options


class Stated(NamedTuple):
    """Letters that a reply states.

    Attributes:
        letters: in their order.
        how: which rule read them.
        place: in the joined parts; the last statement counts.
        words: how many words the reply has up to the end of the statement.
    """

    letters: str
    how: How
    place: int
    words: int


class Statements:
    """What a reply states about its letters, with one method for each rule.

    Args:
        reply: of `read_parts`.
        options: the letters that are options.
        kind: which letters are looked at: upper-case ones, lower-case ones, or those that are no options.

    Example:
        >>> from imug_metrics.reading.choice_parts import read_parts
        >>> Statements(read_parts("The answer is B, not A.", "ABCD"), "ABCD").answer()
        Stated(letters='B', how='answer', place=3, words=4)
    """

    def __init__(self, reply: Reply, options: str, kind: Literal["L", "l", "j"] = "L") -> None:
        self.kind, self.options = kind, len(options)
        self.unmasked, self.letters, self.offers, self.ends = join_letters(reply, self.options, kind)
        self.lines = [match.span() for match in re.finditer(r"[^\n]+", self.unmasked)] if self.letters else []
        self.marks = self._marks() if self.letters else []
        self.labels = self._line_labels()
        self.listing = self._lists_options()
        self.parts = self._masked() if self.letters else self.unmasked

    def answer(self) -> Stated | None:
        """The last explicit answer: stated, ticked, or lines of letters alone at the beginning or the end."""
        if not self.letters:
            return None
        ticked = "".join(self._all(place) for mark, place in self.marks if mark in _AFFIRMED)
        found = [self._bare(self.lines), self._bare(self.lines[::-1]), *map(self._last_answer, patterns.ANSWERS)]
        if ticked:
            found.append(self._stated(ticked, "ticked", self.marks[-1][1]))
        first = _latest(found)
        if first is None or set("zGn").isdisjoint(self.parts[first.place :]):
            return first
        first = _latest([first, self._last_answer(patterns.CORRECTED)]) or first
        if "z" not in self.parts[first.place :]:
            return first
        second = self.choice()  # "Answer: A. Wait, B is right."
        return second if second and second.place > self.parts.index("z", first.place) else first

    def choice(self) -> Stated | None:
        """The last choice: "I think B", "B is correct", "not A but B"."""
        if not self.letters or patterns.EITHER.search(self.parts):
            return None
        if self.kind == "l":
            return _latest(
                filter(self._stands_alone, map(self._last_choice, (patterns.VERDICT, patterns.CHOSEN, patterns.INDEED)))
            )
        return _latest(map(self._last_choice, patterns.CHOICES))

    def label(self) -> Stated | None:
        """Lines that begin like options, at the beginning or else at the end."""
        down = self._turned_down()
        for lines in (self.lines, self.lines[::-1]):
            block: list[str] = []
            for line in self._paragraph(lines):
                labelled = self._labelled(line)
                if labelled is None:
                    break
                block.append(labelled)
            letters = "".join(letter for letter in "".join(block) if letter not in down)
            if letters and not self._repeats(letters):
                return self._stated(letters, "label", max(self.letters))
        return None

    def mention(self) -> Stated | None:
        """What all mentions of options agree on: "option B", "(B)"."""
        if self.kind == "l" or not self.letters:
            return None
        down, found = self._turned_down(), set()
        for match in patterns.MENTION.finditer(self.parts):
            if not is_negated(self.parts, match.start(), "nxGrvQ") and not patterns.DENIED.match(
                self.parts, match.end()
            ):
                found.add("".join(sorted(set(self._all(match.end() - 1)) - down)))
        return self._stated(found.pop(), "mention", 0) if len(found) == 1 else None

    def all_turned_down(self) -> bool:
        """Whether there are letters, and each of them is denied or negated."""
        down = self._turned_down()
        return bool(self.letters) and all(
            set(self._all(place)) <= down
            or is_negated(self.parts, place)
            or patterns.DENIED.match(self.unmasked, place + 1)
            for place in self.letters
        )

    def _stated(self, letters: str, how: How, place: int) -> Stated:
        return Stated(letters, how, place, self.ends.get(place, 0))

    def _last_answer(self, pattern: re.Pattern[str]) -> Stated | None:
        place = self._last(pattern)
        if place is None or (self.listing and place in self.labels) or patterns.RANGE.match(self.parts, place + 1):
            return None
        further = self._further(place, own_line=self.unmasked[place - 1 : place] == "\n")
        return self._stated(self._within(place) + further, "answer", place)

    def _last_choice(self, pattern: re.Pattern[str]) -> Stated | None:
        place = self._last(pattern)
        return None if place is None else self._stated(self._all(place), "choice", place)

    def _stands_alone(self, stated: Stated | None) -> bool:
        """Whether a lower-case letter is no word: "i think b.", but not "so a cup" or "it is e"."""
        if stated is None or not set("aeiouy").isdisjoint(stated.letters):
            return False
        return stated.how == "choice" and re.match(r"\Z|[.,!\n)bcka]", self.parts[stated.place + 1 :][:1]) is not None

    def _last(self, pattern: re.Pattern[str]) -> int | None:
        """The place of the letters of a pattern's last match that is neither negated nor denied."""
        for match in reversed(list(pattern.finditer(self.parts))):
            place = match.end(match.lastindex or 0) - 1
            unsaid = is_unsaid(self.parts, self.unmasked, match.start(), place + 1)
            if not unsaid and not patterns.NOT_BEHIND.match(self.parts, match.end()):
                return place
        return None

    def _all(self, place: int) -> str:
        return "".join(self.letters[place])

    def _within(self, place: int) -> str:
        """A list's letters, less a last one that begins the next clause."""
        runs = self.letters[place]
        return "".join(runs[:-1] if len(runs) > 1 and patterns.NEW_CLAUSE.match(self.parts, place + 1) else runs)

    def _further(self, place: int, own_line: bool) -> str:
        """Further labels like that of a single letter: "Answer: A. cup, C. plate", or each on its own line."""
        letters = ""
        while len(self.letters[place]) == 1 and (label := re.match(r"[BK]|L[.:]", self.unmasked[place : place + 2])):
            following = patterns.NEXT_LABEL.match(self.unmasked, place + len(label[0]))
            if following is None and own_line:
                following = patterns.LABEL_OF_NEXT_LINE.match(self.unmasked, place + len(label[0]))
            if following is None or following[following.lastindex or 0] != label[0]:
                break
            place = following.start(following.lastindex or 0)
            letters += self._all(place)
        return letters

    def _bare(self, lines: Iterable[tuple[int, int]]) -> Stated | None:
        """Letters of lines that hold nothing else, as far as they go."""
        letters, last, count = "", -1, 0
        for start, end in lines:
            match = patterns.BARE.fullmatch(self.parts, start, end)
            if not match or patterns.OFFERED.match(self.unmasked, match.end(1)):
                break
            stated = "a" in self.parts[start : match.start(1)]  # "Answer: A" is no part of a list
            if stated and letters:
                break
            letters += self._within(match.start(1))
            last, count = max(last, match.start(1)), count + 1
            if stated:
                break
        repeated = count >= _LEAST and len(set(letters)) == self.options
        return self._stated(letters, "answer", last) if letters and not repeated else None

    def _repeats(self, letters: str) -> bool:
        """Whether letters of several lists are those of the question."""
        together = any(set(self._all(place)) == set(letters) for place in self.letters)
        return len(set(letters)) == self.options >= _LEAST and not together

    def _paragraph(self, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Lines up to the first blank one."""
        for line, following in zip(lines, [*lines[1:], None]):
            yield line
            if following and abs(min(line[1], following[1]) - max(line[0], following[0])) > 1:
                return

    def _labelled(self, line: tuple[int, int]) -> str | None:
        """The letters of a line that begins like an option, none where they are turned down; None for another line."""
        start, end = line
        match = patterns.LABEL.match(self.parts, start, end)
        if not match:
            return None
        place = match.start("list")
        pronoun = self._all(place) == "I" and self.unmasked[place + 1 : place + 3] != ",b"
        if match["loose"] and (self.kind == "l" or pronoun):
            return None
        if patterns.DENIED_LABEL.match(self.unmasked, place + 1, end):
            return ""
        if self.unmasked[end - 1] == "?":
            return None
        if self.unmasked[place + 1] == ":" and re.search(rf"[,;]&?{patterns.L}:", self.unmasked[place:end]):
            return None  # "A: 12 cm, B: 15 cm" tells of the options
        another = patterns.ANOTHER_SENTENCE.match(self.unmasked, match.end(), end)
        if another and another[1] == self.unmasked[place : match.end()]:  # all options are repeated
            return None
        return self._within(place) + self._further(place, own_line=False)

    def _line_labels(self) -> dict[int, str]:
        """By the place of the letters of each line that begins like an option, the letters."""
        found = (patterns.LABEL.match(self.unmasked, *line) for line in self.lines)
        places = (match.start("list") for match in found if match and not match["loose"])
        return {place: self._all(place) for place in places}

    def _lists_options(self) -> bool:
        """Whether lines list the options of the question: all of them, or three and more from A on."""
        letters = "".join(dict.fromkeys(self.labels.values())).upper()
        from_a = letters == ascii_uppercase[: len(letters)]
        return len(letters) >= _LEAST and (len(set(letters)) == self.options or from_a)

    def _masked(self) -> str:
        """Parts with the letters in the text behind the label of a line as words."""
        pieces: list[str] = []
        position = 0
        for start, end in self.lines:
            match = patterns.LABEL.match(self.unmasked, start, end)
            text = patterns.LABEL_TEXT.match(self.unmasked, match.end(), end) if match and not match["loose"] else None
            if match and text:
                pieces += self.unmasked[position : match.end()], re.sub(patterns.L, "w", text[0])
                position = text.end()
        return "".join([*pieces, self.unmasked[position:]])

    def _marks(self) -> list[tuple[str, int]]:
        """Ticks, crosses and empty boxes, or words such as "true", each with the place of the letters it belongs to."""
        parts = self.unmasked
        places = [place for place in map(parts.find, "tXu") if place >= 0]
        if places:
            line = parts.rfind("\n", 0, min(places)) + 1
            if any(line <= place < min(places) for place in self.letters):
                return [(match[2], match.start(1)) for match in patterns.MARK_BEHIND.finditer(parts)]
            return [(match[1], match.start(2)) for match in patterns.MARK_BEFORE.finditer(parts)]
        found = {
            match.start(1): match[match.lastindex or 0]
            for pattern in (patterns.WORD_AT_END, patterns.WORD_BEHIND)
            for match in pattern.finditer(parts)
        }
        return [(found[place], place) for place in sorted(found)] if len(found) > 1 else []

    def _turned_down(self) -> set[str]:
        return {letter for mark, place in self.marks if mark not in _AFFIRMED for letter in self._all(place)}


def is_unsaid(parts: str, unmasked: str, start: int, end: int) -> bool:
    """Whether a statement is negated, offered, asked, conditional or what others say, by what stands around it.

    Args:
        parts: of the reply, with letters in the texts of options as words.
        unmasked: with all letters.
        start, end: the places where the statement begins and where the letters in it end.
    """
    return is_negated(parts, start) or _is_taken_back(parts, unmasked, start, end)


def is_denied(parts: str, start: int, end: int) -> bool:
    """Whether a statement is negated, as one kind of what `is_unsaid` tells."""
    return is_negated(parts, start, "nxG~") or patterns.DENIED.match(parts, end) is not None


def is_negated(parts: str, start: int, signs: str = "nxGrvQH~") -> bool:
    """Whether the clause before a place is negated, or its sentence a condition other than "if I had to choose"."""
    but = start - (parts[start] != "U")
    if parts[but : but + 1] == "U" and patterns.ALL_BUT.search(parts[max(0, but - 5) : but]):  # "anything but B"
        return True
    before = parts[start - 1 : start]
    if (before == "Z" and parts[start] != "z") or (before in ("Y", "q", "m") and parts[start] == "h"):
        return True  # "red or blue", "she chose B"
    start += parts[start] in ",!Uz"  # "not sure, B" begins with the comma
    sentence = patterns.SENTENCE_END.split(parts[max(0, start - patterns.LOOK_BACK) : start])[-1]
    if not set(signs).isdisjoint(patterns.CLAUSE_END.split(sentence)[-1]):
        return True
    sentence = sentence.rpartition("U")[2]
    return "Q" in sentence and not re.search("Q[jY]|[hg]", sentence)


def _is_taken_back(parts: str, unmasked: str, start: int, end: int) -> bool:
    """Whether what follows a statement denies it, offers another, or makes its sentence a condition or a question."""
    if patterns.DENIED.match(unmasked, end) or patterns.OFFERED.match(unmasked, end):
        return True
    if patterns.ASKED.match(unmasked, end):
        return patterns.TOLD.search(parts, start, end) is None
    rest = patterns.REST.match(unmasked, end)
    condition = "" if rest is None else rest[0]
    conditional = "Q" in condition or ("S" in condition and "c" in parts[start:end] + condition)
    return conditional and not re.search("[QS][jY]", condition)


def _latest(found: Iterable[Stated | None]) -> Stated | None:
    return max((each for each in found if each and each.letters), key=lambda each: each.place, default=None)
