# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Replies without what the model thought aloud.

The marks that are known, in upper or lower case:

- `<think>` to `</think>`, also as `[THINK]`, `◁think▷` or `&lt;think&gt;`, with attributes or a prefix (`<seed:think>`,
  `<longcat_think>`), and the same with thinking, thought, thoughts, reasoning, reflection, scratchpad, analysis,
  rationale, cot, chain_of_thought or inner_monologue;
- tokens: `<|begin_of_thought|>` to `<|end_of_thought|>`, `<|START_THINKING|>` to `<|END_THINKING|>`, `<|think|>` to
  `<|/think|>`, `<|inner_prefix|>` to `<|inner_suffix|>`, `<unused94>thought` to `<unused95>`, `<|channel>thought` to
  `<channel|>`;
- channels: `<|channel|>analysis<|message|>` to `<|end|>`, also commentary; all before `<|channel|>final<|message|>`;
  the same where a decoder left the tokens out, from `analysis` at the very start to `assistantfinal`;
- `<details type="reasoning">` to `</details>`;
- `Here is my thought process:` at the very start to `Here is my response:`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_WORDS = (
    r"think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis|rationale|cot|chain_of_thought|inner_monologue"
)
_MARK = re.compile(
    rf"""
    (?=[<&◁\[])(?:  # looked for first, so that a text without marks takes no time
    (?:<|&lt;|◁)\ ?(?P<tag_end>/?)\ ?(?P<tag>(?:[a-z]\w{{0,15}}[:_])?(?:{_WORDS}))
        (?:\s[^<>&▷]{{0,200}}?)?(?P<alone>/?)(?:>|&gt;|▷)
    | \[(?P<bracket_end>/?)(?P<bracket>{_WORDS})\]
    | <[|｜](?P<token_end>/|end[_▁](?:of[_▁])?)?(?:(?:begin|start)[_▁](?:of[_▁])?)?(?P<token>{_WORDS})
        (?:[_▁](?:start|begin|(?P<token_end_behind>end)))?[|｜]>
    | <\|inner_(?:prefix|(?P<inner_end>suffix))\|>
    | (?P<final>(?:<\|start\|>\s?assistant)?<\|channel\|>\s?final[^<]{{0,80}}
        (?:<\|constrain\|>\w{{1,20}})?<\|message\|>)
    | (?P<channel>(?:<\|start\|>\s?assistant)?<\|channel\|>\s?(?:analysis|commentary)[^<]{{0,80}}
        (?:<\|constrain\|>\w{{1,20}})?<\|message\|>)
    | (?P<channel_end><\|(?:end|call|return)\|>(?:<\|start\|>\s?assistant(?!\w|<\|channel\|>))?)
    | (?P<gemma><\|channel>\s?thought)\b | (?P<gemma_end><channel\|>)
    | <unused94>(?P<unused>thought\b)? | (?P<unused_end><unused95>)
    | (?P<details><details\s[^<>]{{0,200}}\btype=["']?reasoning\b[^<>]{{0,200}}>) | (?P<details_end></details>)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_WITHOUT_TOKENS = re.compile(r"\s*analysis"), re.compile(r"assistantfinal")
_GRANITE = (
    re.compile(r"\s*here(?: i|['’])s my thought process:", re.I),
    re.compile(r"here(?: i|['’])s my response:", re.I),
)
_IN_WORDS = (_WITHOUT_TOKENS, _GRANITE)
_MAY_BE_MARKED = re.compile(r"[<&◁\[]")
_OBJECT = re.compile(r'\{\s*"')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')
_FENCE = re.compile(r"^[ \t>]*(```+|~~~+)[ \t]*([\w+-]*)[^\n`]*$", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)(`{1,3})(?![`\s])[^`\n]{0,500}(?<!\s)\1(?!`)")
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“”", "‘": "’", "«": "»", "「": "」"}
_DECODER = json.JSONDecoder(strict=False)
_FAILED, _TOO_DEEP = 64, 2**15  # what attempts to decode cost, in characters


class _Mark(NamedTuple):
    start: int
    end: int
    family: str
    closes: bool
    alone: bool = False  # closes also where nothing is open, so that all before it is reasoning


def without_reasoning(text: str) -> str:
    """The reply without what the model thought aloud before or between it.

    - A block ends with the end mark of its own name; where there is none, with the last one of any name.
    - An end mark that ends no block drops all before it: many chat templates open the block in the prompt.
    - A block that never ends takes the rest with it: nothing in it is a reply. What stands before it is kept, so that
      what remains may be empty.
    - Where nothing at all stands outside of the blocks the text stays as it is, marks included.
    - Marks in a JSON object, in code, in a fence or alone in quotes are text, where object, code and quotes begin and
      end around them.

    Args:
        text: a reply of a model.

    Returns:
        The text itself where it has no marks. The time this takes is linear in the length.

    Example:
        >>> from imug_metrics.reading.reasoning import without_reasoning
        >>> without_reasoning("<think>A or B? I think A.</think>B"), without_reasoning("A or B?</think>B")
        ('B', 'B')
        >>> without_reasoning("<|channel|>analysis<|message|>A?<|end|><|start|>assistant<|channel|>final<|message|>B")
        'B'
        >>> without_reasoning("B [THINK]or is it"), without_reasoning("<think>It is B</think>")
        ('B ', '<think>It is B</think>')
        >>> without_reasoning('{"reason": "the image shows </think>"}')
        '{"reason": "the image shows </think>"}'
    """
    if not _MAY_BE_MARKED.search(text) and not any(opening.match(text) for opening, _ in _IN_WORDS):
        return text
    marks = _marks(text)
    if not marks:
        return text
    segments, finished = _segments(text, marks)
    if not finished:
        return segments[-1]
    spoken = [segment for segment in segments if segment.strip()]
    return spoken[-1] if spoken else text


def _segments(text: str, marks: Sequence[_Mark]) -> tuple[list[str], bool]:
    """What stands outside of blocks, a segment before each end mark that ends none and one behind; is all finished?"""
    ends: dict[str, list[int]] = {}
    for place, mark in enumerate(marks):
        if mark.closes:
            ends.setdefault(mark.family, []).append(place)
    last = max((places[-1] for places in ends.values()), default=-1)
    segments, pieces, position, place = [], [], 0, 0
    while place < len(marks):
        mark = marks[place]
        if mark.closes and not mark.alone:
            place += 1
            continue
        pieces.append(text[position : mark.start])
        if mark.closes:
            segments.append(_joined(pieces))
            pieces = []
        else:
            place = _end_of_block(ends.get(mark.family, ()), place, last)
            if place < 0:
                return [*segments, _joined(pieces)], False
        position = marks[place].end
        place += 1
    return [*segments, _joined([*pieces, text[position:]])], True


def _joined(pieces: Sequence[str]) -> str:
    return " ".join(filter(None, pieces))  # words on both sides of a block are two words


def _end_of_block(own: Sequence[int], place: int, last: int) -> int:
    found = bisect_right(own, place)
    if found < len(own):
        return own[found]
    return last if last > place else -1


def _marks(text: str) -> list[_Mark]:
    marks = [*_read_marks(text), *_marks_in_words(text)]
    if not marks:
        return marks
    marks.sort()
    quoted = _quoted_spans(text, marks[-1].start)
    starts = [start for start, _ in quoted]
    return [mark for mark in marks if not _is_quoted(text, mark, quoted, starts)]


def _read_marks(text: str) -> Iterator[_Mark]:
    for match in _MARK.finditer(text):
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        name = next((found[word] for word in ("tag", "bracket", "token") if word in found), None)
        span = match.span()
        if found.get("alone"):  # "<think/>" is a block without content
            continue
        if name is not None:
            closes = any(found.get(end) for end in ("tag_end", "bracket_end", "token_end", "token_end_behind"))
            yield _Mark(*span, name.lower(), closes, closes)
        elif "final" in found:
            yield _Mark(*span, "channel", True, True)
        else:
            family = next((name.removesuffix("_end") for name in found), None)
            yield from _other_mark(span, match[0].lower(), family, any(name.endswith("_end") for name in found))


def _other_mark(span: tuple[int, int], mark: str, family: str | None, closes: bool) -> Iterator[_Mark]:
    if family is None:
        family = "inner" if "inner" in mark else "unused"
    alone = closes and family not in ("channel", "details")  # "<|end|>" may as well be the end of the reply
    yield _Mark(*span, family, closes, alone)


def _marks_in_words(text: str) -> Iterator[_Mark]:
    for opening, closing in _IN_WORDS:
        if opening.match(text):
            yield from (_Mark(*match.span(), "words", True, True) for match in closing.finditer(text))


def _is_quoted(text: str, mark: _Mark, quoted: Sequence[tuple[int, int]], starts: Sequence[int]) -> bool:
    before, behind = text[mark.start - 1 : mark.start], text[mark.end : mark.end + 1]
    if behind and behind in _QUOTES.get(before, ""):
        return True
    place = bisect_right(starts, mark.start) - 1
    return place >= 0 and mark.end <= quoted[place][1]


def _quoted_spans(text: str, until: int) -> list[tuple[int, int]]:
    """Objects, fences and inline code that begin before a place; none begins within another."""
    spans = [*_object_spans(text, until), *_fences(text), *(match.span() for match in _INLINE.finditer(text))]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
        elif end > apart[-1][1]:
            apart[-1] = (apart[-1][0], end)
    return apart


def _object_spans(text: str, until: int) -> Iterator[tuple[int, int]]:
    text = _ESCAPE.sub(lambda match: match[0] if len(match[0]) > 1 else "_", text)  # LaTeX in a string is no error here
    budget = 4 * len(text) + 2**16
    match = _OBJECT.search(text)
    while match and match.start() < until and budget > 0:
        start = match.start()
        end = start + 1
        try:
            end = _DECODER.raw_decode(text, start)[1]
            yield start, end
        except json.JSONDecodeError as error:
            budget -= _FAILED + error.pos - start + error.pos // 8  # the error counts the lines before it
        except (ValueError, RecursionError):
            budget -= _TOO_DEEP
        match = _OBJECT.search(text, end)


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """Fenced blocks that are closed; a fence with a language opens one, also where another was open."""
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None or match[2]:
            opened = match
        elif match[1].startswith(opened[1]):
            yield opened.start(), match.end()
            opened = None
