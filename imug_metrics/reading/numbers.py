# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
r"""Numeric answers: the number that a reply states.

Reasoning in thinking blocks is no part of the reply. Then the first of these rules decides:

1. **Marked.** The number in the last `\boxed{72}`, `<answer>72</answer>` or line `#### 72`. Where that holds no single
   number, the reply has none.
2. **Stated.** "The answer is 72. I checked it in 3 ways.", "Answer: 72": the number in the last such sentence.
3. **Last.** The last number of the reply, unless all that is stated of it is negated, conditional or a question ("The
   answer is not 5.").

Within a passage of rules 1 and 2: behind its last `=` or `≈`; else the number at its very beginning; else the last one.
So "72 clips in 2 months" and "5 of 8" are 72 and 5. "3 or 4", "3, 4" and "3 to 5" are no single number there.

How figures are read:

- `9,500`, `9{,}500`, `10\,000`, `10 000`, `1'000` and `1_000` have thousands separators, `1,00,000` has those of India.
  A comma between digits that separates no thousands ("3,14", "1,2") may be a decimal comma: no number is read.
- A dash of any kind is a minus sign where it touches the number and nothing that it could belong to stands before it:
  "–5", "x = −5", "$-5$", "-$5", but not "3–5", "pages 10–12", "5%–10%", or "GPT-4", which is no number. So are a dash
  that stands alone behind `=`, `(`, `: ` or "is ", "negative 5", "负5", "マイナス5" and "마이너스 5".
- `2e5`, `2 × 10^5`, `2×10⁵`, `3/4`, `1 3/4`, `1 and 3/4`, `1½`, `\frac{3}{4}` are calculated. `75%`, "75 percent" (also
  in other languages) and `百分之75` are 0.75, `5‰` is 0.005.
- "1.5 million" is 1500000: thousand, million, billion (1e9), trillion (1e12), 万, 億, 억 and their variants.
- Units may be attached ("5kg", "20°C", "5 m²"); currencies stand before or behind ("US$5", "5 €").
- Dates ("2026/04/19", "2026-04-19", "4月19日"), times ("12:30"), ratios ("3:4"), versions ("1.2.3"), digits of words
  ("H2O"), hexadecimal numbers, addresses and the tolerance of "5 ± 0.2" are no numbers: another one counts.
- Powers ("2^5"), roots ("2√3"), multiples of π and numbers that no float holds ("1e400") are not calculated: where one
  of them counts, the reply has no number.
- Number words ("five", "五") are not read.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from imug_metrics.reading.figures import CURRENCY, MINUS, Decimal, plain_figures
from imug_metrics.reading.latex import plain_latex
from imug_metrics.reading.markup import GLUE
from imug_metrics.reading.reasoning import without_reasoning
from imug_metrics.reading.stated import marked_passage, worded_passages

_LIMIT = 8_192  # characters, from the end of a reply, in which its last number is looked for

_LETTERS = GLUE.removeprefix("0-9")
_SCALES = {
    **dict.fromkeys(("thousand", "천"), 3),
    **dict.fromkeys(("million", "millions", "百万"), 6),
    **dict.fromkeys(("billion", "billions", "十亿", "十億"), 9),
    **dict.fromkeys(("trillion", "trillions", "万亿", "兆", "조"), 12),
    **dict.fromkeys(("万", "萬", "만"), 4),
    **dict.fromkeys(("亿", "億", "억"), 8),
}
_PERCENT = (
    r"%|percent\b|per\ cent\b|prozent\b|pour\ cent\b|por\ ?cient[oa]\b|por\ cento\b|per\ cento\b|procent\b|процент"
    r"|パーセント|퍼센트"
)

_POWER_OF_UNIT = re.compile(rf"(?<=[{_LETTERS}µΩ])\ ?\^\ ?\(?[-−+]?\d{{1,3}}\)?")
_CHINESE_PERCENT = re.compile(r"百分之\s?(\d+(?:[.,]\d+)?)")
_SIGN_WORD = re.compile(
    rf"(?:\bnegative\s|(?<![正±])[负負]|マイナス\s?|마이너스\s?"
    rf"|(?:(?<=\bis )|(?<==)|(?<=[=:] )|(?<!.))(?:minus|moins|menos|meno|минус)\s)(?=[{CURRENCY}]?\.?\d)",
    re.IGNORECASE,
)

# What stands around the numbers of a passage that states an answer.
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|(?<=\d)[.!?](?=\d)|(?<=\b[A-Za-z])\.|(?<=approx)\.|[.!?](?=\S))*")
_CLAUSE = re.compile(r"[\s(\[]*(?:[^,;(\[、，；]|(?<=\d),(?=\d))*")
_FILLER = re.compile(
    r"(?:\W|\b(?:about|approximately|approx|around|roughly|exactly|only|just|equal to|[A-Z]{3}|to be|i)\b)*"
)
_NEXT = re.compile(
    r"\s?(?:[+×*÷/,;、，；–-]|&|\b(?:and|or|to|und|oder|bis|et|ou|à|y|o|a|e|и|или|до)\b|和|与|或|到|至|~|から|—)\s?"
)
_OR = re.compile(r"\b(?:or|oder|ou|или)\b|或|または|또는")


class _Number(NamedTuple):
    """A number and its place; its value is None where it cannot be read."""

    value: float | None
    start: int
    end: int


def parse_number(text: str, *, decimal: Decimal = ".") -> float | None:
    r"""Read the number that a reply states, or else its last one, by the rules of this module.

    Args:
        text: the reply, or a number alone. Nothing in it is trusted; the time taken is linear in its length.
        decimal: the decimal separator, `"."` or `","`.

    Returns:
        The number, or None where there is none, where it cannot be read with certainty, or where it is not finite
        (`1e999`, `1/0`, "inf", "nan").

    Raises:
        ValueError: another decimal separator.

    Example:
        >>> from imug_metrics.reading.numbers import parse_number
        >>> parse_number("3 cups cost $1,234.50"), parse_number("1.234,5 kg", decimal=","), parse_number("about 75 %")
        (1234.5, 1234.5, 0.75)
        >>> parse_number("The answer is –72. I checked it in 3 ways."), parse_number(r"\boxed{$9{,}500} on 2026/04/19")
        (-72.0, 9500.0)
        >>> parse_number("none"), parse_number("2 or 3, so 3,14")
        (None, None)
    """
    text = without_reasoning(text)
    marked = marked_passage(text)
    if marked is not None:
        return _stated_number(_plain("=" + marked, decimal), decimal).value  # a dash behind "=" is a sign
    text = _plain(text[-_LIMIT:], decimal)
    denied: set[float | None] = set()
    for passage in worded_passages(text):
        sentence = _beginning(_SENTENCE, passage.text)
        found = _stated_number(sentence, decimal)
        if not found.end:
            continue
        if not passage.denied and not passage.text.startswith(("?", "？"), len(sentence)):
            return found.value
        numbers = {number.value for number in _numbers(sentence, decimal)}
        denied |= numbers if len(numbers) == 1 else set()  # "not 5, but 7" states 7
    last = deque(_numbers(text, decimal), maxlen=1)
    return last[0].value if last and last[0].value not in denied else None


def _plain(text: str, decimal: Decimal) -> str:
    text = plain_figures(plain_latex(text), decimal=decimal, spaces=True)
    text = _SIGN_WORD.sub(MINUS, _CHINESE_PERCENT.sub(r"\1%", text))
    return _POWER_OF_UNIT.sub("", text)


def _stated_number(sentence: str, decimal: Decimal) -> _Number:
    """The number of a sentence that states an answer; one that ends at 0 where there is none at all."""
    numbers = [*_numbers(sentence, decimal)]
    if not numbers:
        return _Number(None, 0, len(sentence) if any(map(str.isdigit, sentence)) else 0)
    clause = _beginning(_CLAUSE, sentence)
    behind = max(clause.rfind("="), clause.rfind("≈")) + 1
    first, *others = [number for number in numbers if number.start >= behind] or numbers
    within = [number for number in numbers if number.end <= len(clause)]
    if any(_OR.search(clause[one.end : other.start]) for one, other in pairwise(within)):
        return first._replace(value=None)
    if others and _NEXT.fullmatch(sentence[first.end : others[0].start]):
        return first._replace(value=None)
    return first if _FILLER.fullmatch(sentence[behind : first.start]) else [first, *others][-1]


def _beginning(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.match(text)
    return match[0] if match else ""


def _numbers(text: str, decimal: Decimal) -> Iterator[_Number]:
    for match in _number_pattern(decimal).finditer(text):
        if match["code"] is None:
            yield _Number(None if match["unread"] else _value(match, decimal), *match.span())


@lru_cache
def _number_pattern(decimal: Decimal) -> re.Pattern[str]:
    point = re.escape(decimal)
    units = "|".join(
        rf"(?<=\d{space}[{_LETTERS}]{{{n}}}[-–])" for space in ("", r"\ ") for n in (1, 2, 3)
    )  # "5 kg–10 kg"
    start = rf"(?<![\d{GLUE}])(?<!\w_)(?<!\^)(?<!\^[-−+(])(?<!\d[.,:/])(?:(?<![{_LETTERS}][-–])|{units})"
    number = rf"(?:\d+(?:[.,]\d+)*(?:{point}(?=e[-−–+]?\d))?|(?<![.,]){point}\d+)"
    power = r"\ ?(?:\^(?!\ ?(?:th|st|nd|rd)\b)|\*\*\ ?[-−(]?\d)"
    ten_to_the = r"10\ ?(?:\^|\*\*)\ ?\(?"
    scales = "|".join(sorted(_SCALES, key=len, reverse=True))
    return re.compile(
        rf"""
        (?P<code>
            https?://\S{{1,2000}}
          | (?:±|\+/[-−]|\+−)\ ?{number}
          | [{MINUS}+]?[{CURRENCY}]?\ ?{start}(?:0x[0-9a-f]+
            | \d+(?:\.\d+){{2,}} | \d+(?:/\d+){{2,}} | \d+(?:[-–]\d+){{2,}} | \d{{4}}[-–]\d\d(?!\d)
            | \d+(?::\d+)+(?:[.,]\d+)?
            | \d+\ ?[年년]\ ?\d+\ ?[月월](?:\ ?\d+\ ?[日일])? | \d+\ ?[月월]\ ?\d+\ ?[日일]))
        |(?P<sign>[{MINUS}+])?(?:[A-Z]{{0,3}}[{CURRENCY}]\ ?(?P<inner>[{MINUS}+])?)?{start}
         (?:(?P<whole>\d+)\ (?:and\ )?(?P<above>[1-9]\d*)/(?P<below>\d+)
           |{ten_to_the}(?P<exponent>[-−+]?\d{{1,4}})\)?
           |(?P<number>{number})
            (?:e(?P<power>[-−–+]?\d{{1,4}})(?![\d{GLUE}])
              |\ ?[×x*·]\ ?{ten_to_the}(?P<times>[-−+]?\d{{1,4}})\)?
              |\ ?/\ ?(?P<divisor>[-−]?{number}))?)
         (?!\d|{point}\d|[/:]\d|{power}|\ ?[√π])
         (?:\ ?(?P<scale>{scales})(?![{_LETTERS}]))?
         (?P<percent>\ ?(?:{_PERCENT}|‰))?
        |(?P<unread>[{MINUS}+]?(?:{start}{number}\ ?)?[√π](?:\ ?[(\[]?[\d.,]+[)\]]?)?(?:/\d+)?
          |{start}{number}(?:/{number})?{power})
        """,
        re.VERBOSE | re.IGNORECASE,
    )


def _value(match: re.Match[str], decimal: Decimal) -> float | None:
    """What a match is worth, or None where that is not finite, too small for a float, or not certain."""

    def part(name: str, exponent: str = "0") -> float:
        figures = match[name].replace(MINUS, "-")
        if not figures.lstrip("-").replace(decimal, "", 1).isdecimal():
            return math.nan  # a comma that separates no thousands
        return float(f"{figures.replace(',', '.')}e{re.sub('[−–]', '-', exponent)}")

    over, under = 0.0, 1.0
    if match["whole"]:
        under = part("below")
        over = part("whole") * under + part("above")
    elif match["exponent"]:
        over = float(f"1e{match['exponent'].replace(MINUS, '-')}")
    else:
        over = part("number", match["power"] or match["times"] or "0")
        under = part("divisor") if match["divisor"] else 1.0
    if match["scale"]:
        over *= 10.0 ** _SCALES[match["scale"].lower()]
    if match["percent"]:
        under *= 1000 if "‰" in match["percent"] else 100
    value = over / under if under else math.inf
    underflow = not value and any(char in "123456789" for char in match["number"] or match["exponent"] or "")
    if underflow or not math.isfinite(value):
        return None
    return -value if MINUS in (match["sign"], match["inner"]) else value
