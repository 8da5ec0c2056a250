# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
r"""The passage of a reply that states its answer.

Marked: `\boxed{72}`, `\fbox{72}`, `<answer>72</answer>`, `[ANSWER]72[/ANSWER]`, `<|begin_of_box|>72<|end_of_box|>`, and
a line `#### 72` without letters. In words: "The answer is 72. I checked it in 3 ways.", "Answer: 72", "答案是72", and a
line "Final answer" with what follows it.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from imug_metrics.reading import stated_words as words

_LIMIT = 8_192  # characters, from the end of a reply, in which words are looked for
_LENGTH = 1_000  # characters of a passage
_STATEMENTS = 64  # statements of a kind that are looked at, from the end; no sensible reply holds more

_MARK = re.compile(
    r"\\f?box(?:ed)?\b|<\|begin_of_box\|>|<(?:final[_ ]?)?answer>|\[(?:final[_ ]?)?answer\]|^[ \t]{0,3}####(?!#)",
    re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(r"<\|end_of_box\|>|</(?:final[_ ]?)?answer>|\[/(?:final[_ ]?)?answer\]", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")

_IS = rf"[^.?!;:=\n]{{0,60}}?(?: ?{words.IS}){{1,2}}"
_NUMBER_NEXT = r" ?(?=[−+]?[\d.,]+(?!\s?[:)、\d]))"  # "答案1: ..." counts answers
_ALONE = rf"^[\W_]{{0,8}}(?:[^\W\d]{{1,8}} )?{words.ANSWER}[ \t_#)]{{0,8}}\n"
_WORDED = re.compile(rf"{words.ANSWER_BEFORE_NUMBER}{_NUMBER_NEXT}|{words.ANSWER}{_IS}|{_ALONE}", re.MULTILINE)
_CLAUSE = re.compile(r"[^.,;:!?\n，。；！？]{0,60}\Z")
_NEGATION = re.compile(words.NEGATION)
_TO_NUMBER = re.compile(r"[^\d\n]{0,40}")
_EMPHASIS = re.compile(r"(?<!\d)\*\*|\*\*(?!\s?\d)|(?<!\w)_(?=\d)|`")


def marked_passage(text: str) -> str | None:
    r"""The last marked answer of a reply, or None; marks around nothing do not count.

    Example:
        >>> from imug_metrics.reading.stated import marked_passage
        >>> marked_passage(r"\boxed{x = \frac{1}{2}} in 3 steps"), marked_passage("#### 72"), marked_passage("72")
        ('x = \\frac{1}{2}', ' 72', None)
    """
    for mark in reversed(deque(_MARK.finditer(text), maxlen=_STATEMENTS)):
        passage = _content(text[mark.end() : mark.end() + _LENGTH], mark[0])
        if any(map(str.isalnum, passage)):
            return passage
    return None


class Passage(NamedTuple):
    """What follows "the answer is", and whether its clause is negated or conditional."""

    text: str
    denied: bool


def worded_passages(text: str) -> list[Passage]:
    """What follows "the answer is" in a reply, up to 1,000 characters each, the last statement first.

    Of a longer reply the last 8,192 characters are read.

    Example:
        >>> from imug_metrics.reading.stated import worded_passages
        >>> worded_passages("The answer is not 5. **Answer:** 72, of course.")[0]
        Passage(text='72, of course.', denied=False)
    """
    text = _EMPHASIS.sub("", text[-_LIMIT:])
    passages = []
    for cue in deque(_WORDED.finditer(text), maxlen=_STATEMENTS):
        passage = text[cue.end() : cue.end() + _LENGTH].lstrip()
        before = _CLAUSE.search(text[max(0, cue.start() - 60) : cue.start()])
        around = (before, cue, _TO_NUMBER.match(passage))
        passages.append(Passage(passage, any(part and _NEGATION.search(part[0]) for part in around)))
    return passages[::-1]


def _content(rest: str, mark: str) -> str:
    """What a mark holds, out of the text behind it."""
    if mark.startswith("\\"):
        return _in_braces(rest.lstrip())
    if mark.endswith("#"):
        line = rest.partition("\n")[0]
        return "" if _LETTER.search(line) else line
    end = _END.search(rest)
    return rest[: end.start()] if end else rest


def _in_braces(text: str) -> str:
    if not text.startswith("{"):
        return text.split(maxsplit=1)[0] if text else ""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if not depth:
            return text[1:place]
    return text[1:].partition("\n")[0]
