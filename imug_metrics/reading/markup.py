# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Model replies as plain lines of text: Unicode variants, reasoning blocks, HTML, LaTeX and Markdown taken away."""

from __future__ import annotations

import re
import unicodedata

# Latin letters and digits, and marks that stick to them ("20°C", "été"). Ideographs and the like are not among them.
GLUE = "0-9A-Za-zªº°À-ʯ\u0300-\u036fͰ-ԯ"

_LIMIT = 8_192
_END_OF_REASONING = ("</think>", "</thinking>")

_CUT_WORD = re.compile(r"\A\S{0,64}")
_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|\\n(?![a-z])|<(?:br|/?p) ?/?>")
_BOXED = re.compile(r"\\f?box(?:ed)?\b")
_LATEX = re.compile(r"\\(?:text|math|bold)[a-z]{0,10}|\\(?:left|right|quad|bf|rm)\b|\\[,;! ]")
_SPECIAL_TOKEN = re.compile(r"<\|[^|<>\n]{0,40}\|>")
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]{0,30})((?:\s[^<>\n]{0,200})?)/?>")
_LIST_MARK = re.compile(r"^[ \t]*(?:[-+*•·‣▪●○◦>#][ \t]*|\d{1,2}[.)][ \t]+){1,6}", re.MULTILINE)
_MARKS = re.compile(rf"[*_~`\"“”„«»{{}}\[\]<>|#\\$…「」『』【】《》〈〉]|(?<![{GLUE}])['‘’]|['‘’](?![{GLUE}])")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r" ?\n\s*")


def _variants() -> dict[int, str | None]:
    """Full-width, circled, bracketed and mathematical letters to ASCII; invisible characters to nothing."""
    ranges = ((0xFF01, 0xFF5E), (0x2100, 0x214F), (0x249C, 0x24E9), (0x1D400, 0x1D7FF), (0x1F110, 0x1F149))
    table: dict[int, str | None] = {
        code: unicodedata.normalize("NFKC", chr(code)) for first, last in ranges for code in range(first, last + 1)
    }
    for first in (0x1F150, 0x1F170):  # white letters on black discs and squares, which have no compatibility form
        table.update({first + i: chr(ord("A") + i) for i in range(26)})
    invisible = (0xAD, 0xFEFF, 0xFE0F, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A))
    table.update(dict.fromkeys(invisible))
    table.update({ord(dash): " - " for dash in "‒–—―−"})
    table.update({ord(mark): ascii_mark for mark, ascii_mark in zip("。।・،؛؟", "..,,;?", strict=True)})
    return table


_VARIANTS = _variants()


def unmark(text: str) -> str:
    r"""Fold variants of letters, line breaks, HTML and LaTeX, but keep brackets, quotes and Markdown emphasis.

    Text up to `</think>` is dropped unless nothing follows it; of text longer than 8,192 characters the first quarter
    and the last three quarters of that length are kept. `\boxed` and `<answer>` become `answer:`, paired tags `*`.

    Example:
        >>> from imug_metrics.reading.markup import unmark
        >>> unmark("<think>hm</think><b>Ｂ</b> in $\\boxed{B}$")
        '*B* in $ answer: {B}$'
    """
    text = _read_part(text)
    text = text if text.isascii() else text.translate(_VARIANTS)
    text = _LINE_BREAK.sub("\n", text)
    text = _LATEX.sub(" ", _BOXED.sub(" answer: ", text))
    closed = {match[2] for match in _TAG.finditer(text) if match[1]}
    return _TAG.sub(lambda match: _tag(match, closed), _SPECIAL_TOKEN.sub("\n", text))


def plain_lines(text: str) -> str:
    r"""Take away quotes, emphasis, brackets other than round ones, list marks and superfluous white space.

    Example:
        >>> from imug_metrics.reading.markup import plain_lines
        >>> plain_lines('- **Answer:**  "red"' + chr(10) * 2 + "1. [cup]")
        'Answer: red\ncup'
    """
    text = _MARKS.sub(" ", _LIST_MARK.sub("", text))
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _read_part(text: str) -> str:
    for end in _END_OF_REASONING:
        reply = text.rpartition(end)[2]
        text = reply if reply.strip() else text
    if len(text) <= _LIMIT:
        return text
    head, tail = text[: _LIMIT // 4], text[-_LIMIT * 3 // 4 :]
    return head + _CUT_WORD.sub("", tail, count=1)


def _tag(match: re.Match[str], closed: set[str]) -> str:
    closing, name, attributes = match.groups()
    if "answer" in name.lower():
        return "\n" if closing else " answer: "
    if closing or name in closed or attributes or (name.islower() and len(name) > 1):
        return "*"
    return match[0]  # "<B>" alone is a letter in brackets, "<DYNAMIC>" a word
