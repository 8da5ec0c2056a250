# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Model replies as plain text: Unicode variants, reasoning, HTML, LaTeX and Markdown taken away."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from imug_metrics.reading.reasoning import without_reasoning

# Latin letters and digits, and marks that stick to them ("20°C", "été"). Ideographs and the like are not among them.
GLUE = "0-9A-Za-zªº°À-ÖØ-öø-ʯ\u0300-\u036fͰ-ԯḀ-ỿ"

_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|\\n(?![a-z])|<(?:br|/?p|/?li|/?div|/?tr) ?/?>")
_MAY_BREAK = re.compile(r"[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029<\\]")
_BOXED = re.compile(r"\\f?box(?:ed)?\b")
_LATEX = re.compile(r"\\(?:text|math|bold)[a-z]{0,10}|\\(?:left|right|quad|bf|rm)\b|\\[,;! ()\[\]]")
_ARROW = re.compile(r"\\(?:long)?(?:right|Right)arrow\b|\\to\b|\\implies\b")
_SPECIAL_TOKEN = re.compile(
    r"<[|｜][^|｜<>\n]{0,40}[|｜]>|</?s>|</?bos>|</?eos>|<pad>|<unk>|<(?:start|end)_of_turn>|\[/?INST\]"
)
_RANGE = re.compile(r"([A-Z])(?<![A-Za-z].)(?:[-–—~～]|\.\.\.?|…| through | thru )([A-Z])(?![A-Za-z])")
_STRUCK = re.compile(r"~~[^~\n]{1,400}~~|<(s|del|strike)>[^<\n]{1,400}</\1>")
_CERTAINLY = re.compile(
    r"(?i)\b(?:(?:there(?: is|'s) )?no (?:doubt|question)(?: that)?|without (?:a |any )?doubt|none other than"
    r"|for sure)\b"
)
_LEFT_ARROW = re.compile(r"<-{1,2}(?!!)|[←⇐]")
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[\w+-]*", re.MULTILINE)
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]{0,30})((?:\s[^<>\n]{0,200})?)/?>")
_LIST_MARK = re.compile(r"^[ \t]*(?:[-+•·‣▪◦>#●][ \t]*|\*[ \t]+|\(?\d{1,2}[.)][ \t]+){1,6}", re.MULTILINE)
_ROOT = re.compile(r"√(?=[\d({]|[a-z]\b)")
_BOX = re.compile(
    r"\[ ?[xX] ?\](?=[ \t]?[(*_]{0,3}[A-Za-z](?![A-Za-z]))|(?<=[A-Z] )\[ ?[xX] ?\](?=\s|\Z)"
    r"|\[ ?[✓✔√☑] ?\]|\([ \u3000]?[✓✔√][ \u3000]?\)|\[ ?\]|\[_\]|\([ \u3000]{1,3}\)"
)
_TICKED, _OPEN, _CROSSED = "☑", "☐", "✗"


def _variants() -> dict[int, str | None]:
    """Full-width, circled, bracketed and mathematical letters to ASCII; invisible characters to nothing."""
    ranges = ((0xFF01, 0xFF5E), (0x2100, 0x214F), (0x249C, 0x24E9), (0x1D400, 0x1D7FF), (0x1F110, 0x1F149))
    table: dict[int, str | None] = {
        code: unicodedata.normalize("NFKC", chr(code)) for first, last in ranges for code in range(first, last + 1)
    }
    for first in (0x1F150, 0x1F170, 0x1F1E6):  # on black discs and squares, and flags: no compatibility form
        table.update({first + i: chr(ord("A") + i) for i in range(26)})
    invisible = (0xAD, 0xFEFF, 0xFE0E, 0xFE0F, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A))
    table.update(dict.fromkeys(invisible))
    table.update({ord(dash): " - " for dash in "‐‑‒–—―−"})
    table.update({ord(arrow): ">" for arrow in "→⇒⟶⟹➔➜➞➡▶►☞👉"})
    table.update(
        {ord(mark): ascii_mark for mark, ascii_mark in zip("。।・،؛؟…．：；？！，、", "..,,;?..:;?!,,", strict=True)}
    )
    return table


def _ranges(codes: Iterable[int]) -> str:
    """Characters as ranges of a pattern, which is found far faster in them than in a list."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_VARIANTS = {chr(code): form or "" for code, form in _variants().items()}
_VARIANT = re.compile(f"[{_ranges(map(ord, _VARIANTS))}]")


def plain_text(text: str) -> str:
    r"""A reply without what the model thought, with its letters, line breaks, arrows and check boxes in one form each.

    Brackets, quotes and emphasis stay. HTML becomes emphasis, `\\boxed` and `<answer>` become `answer:`; what is struck
    out and list marks are taken away. The time this takes is linear in the length.

    Example:
        >>> from imug_metrics.reading.markup import plain_text
        >>> plain_text("<think>hm</think>- <b>Ｂ</b> in $\\boxed{B}$, ~~not A~~")
        '*B* in $ answer: {B}$,  '
    """
    text = fold_variants(_RANGE.sub(r"\1 or \2", without_reasoning(text)))  # what a range holds is not sure
    if _MAY_BREAK.search(text):
        text = _LINE_BREAK.sub("\n", text)
    if "\\" in text:
        text = _LATEX.sub(" ", _ARROW.sub(">", _BOXED.sub(" answer: ", text)))
    if "<" in text or "~~" in text:
        text = _SPECIAL_TOKEN.sub("\n", _STRUCK.sub(" ", text))
        closed = {match[2] for match in _TAG.finditer(text) if match[1]}
        text = _TAG.sub(lambda match: _tag(match, closed), text)
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("", text)
    if any(mark in text for mark in ("doubt", "question", "other than", "for sure", "as well as", "<-", "←", "⇐")):
        text = _LEFT_ARROW.sub(", ", _CERTAINLY.sub("certainly", text.replace(" as well as ", " and ")))
    return _LIST_MARK.sub("", _boxes(text))


def fold_variants(text: str) -> str:
    r"""A text with variants of letters, dashes, arrows and punctuation in one form, without invisible characters.

    Example:
        >>> fold_variants("（Ａ）\u200b 🅱：—")
        '(A) B: - '
    """
    return text if text.isascii() else _VARIANT.sub(lambda match: _VARIANTS[match[0]], text)


def _boxes(text: str) -> str:
    """Check boxes and radio buttons of all kinds as ☑, ☐ and ✗."""
    if any(mark in text for mark in "○◯〇"):  # a radio button, or in Japan the counterpart of a cross
        crossed = any(mark in text for mark in "×✗✕✖❌")
        text = (
            text.replace("◯", "○").replace("〇", "○").replace("●", _TICKED).replace("○", _TICKED if crossed else _OPEN)
        )
    if "☒" in text:  # ticked beside an empty box, crossed out beside a ticked one, and neither alone
        ticked = any(mark in text for mark in "☑✓✔✅")
        text = text.replace("☒", _CROSSED if ticked else _TICKED if "☐" in text or "[ ]" in text else "�")
    if "(x)" in text and "( )" in text:
        text = text.replace("(x)", _TICKED)
    if "√" in text:  # a tick, or a root
        text = _ROOT.sub(" ", text)
    if "[" in text or "(" in text:
        text = _BOX.sub(lambda match: _OPEN if match[0].strip("[]()_ \u3000") == "" else _TICKED, text)
    return text


def _tag(match: re.Match[str], closed: set[str]) -> str:
    closing, name, attributes = match.groups()
    if "answer" in name.lower():
        return "\n" if closing else " answer: "
    if closing or name in closed or attributes or (name.islower() and len(name) > 1):
        return "*"
    return match[0]  # "<B>" alone is a letter in brackets, "<DYNAMIC>" a word
