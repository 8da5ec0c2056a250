# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Replies made of parts: one letter in every decoration, and any text made of the words and marks of replies."""

from __future__ import annotations

import string
from collections.abc import Iterator

from hypothesis import strategies as st

# What a letter from A to Z is written as; "A" of each alphabet.
ALPHABETS = ("A", "\uff21", "\u24b6", "\U0001d400", "\U0001d5d4", "\U0001f130", "\U0001f170")

# A template holds the letter as @. A phrase holds any of the decorations in place of it.
_PHRASES = """
    @ | Answer: @ | ANSWER: @ | Answer : @ | answer: @ | Final answer: @ | The answer is @ | The correct answer is @
    The correct option is @ | So the answer is @ | Therefore, the answer is @ | My answer is @ | Correct answer: @
    **Answer:** @ | ### Answer: @ | I choose @ | 答案：@ | 正确答案：@ | 答案是@ | 我选择@ | 答案為@ | 答えは@です
    答え：@ | 正解：@ | 정답: @ | 정답은 @입니다 | Antwort: @ | Die Antwort ist @ | Die richtige Antwort ist @
    Réponse : @ | La réponse est @ | La bonne réponse est @ | Respuesta: @ | La respuesta es @
    La respuesta correcta es @ | Risposta: @ | La risposta è @ | Resposta: @ | A resposta é @ | Antwoord: @
    Het antwoord is @ | Odpowiedź: @ | Ответ: @ | Правильный ответ: @ | Відповідь: @ | Cevap: @ | الإجابة: @
    תשובה: @ | उत्तर: @ | Đáp án: @ | Đáp án là @ | Jawaban: @ | คำตอบ: @ | Svar: @ | - @ | * @ | • @ | > @
    """
PHRASES = tuple(phrase.strip() for line in _PHRASES.strip().split("\n") for phrase in line.split("|"))

_DECORATIONS = r"""
    **@** *@* __@__ _@_ ***@*** `@` ``@`` "@" '@' “@” ‘@’ „@“ «@» ‹@› »@« ”@” 「@」 『@』 (@) [@] {@} ⟨@⟩ （@） ［@］
    【@】 〔@〕 〈@〉 《@》 **(@)** (**@**) $@$ \(@\) $\text{@}$ $\mathrm{@}$ $\mathbf{@}$ \boxed{@} $\boxed{@}$
    $$\boxed{@}$$ \[\boxed{@}\] $\boxed{\text{@}}$ $\boxed{\mathrm{@}}$ $\boxed{\text{(@)}}$ \textbf{@} \text{@}
    \fbox{@} <b>@</b> <strong>@</strong> <em>@</em> <i>@</i> <u>@</u> <code>@</code> <mark>@</mark> <span>@</span>
    """
DECORATIONS = tuple(_DECORATIONS.split())

# Whole replies: fields, fences and tags, whose own syntax leaves room for the letter alone.
WHOLES = (
    "**@.**",
    '{"answer": "@"}',
    '{"Answer":"@"}',
    '{"answer": ["@"]}',
    '{"choice": "@"}',
    '{"reasoning": "The cup is blue.", "answer": "@"}',
    "{'answer': '@'}",
    '["@"]',
    '```json\n{"answer": "@"}\n```',
    "```\n@\n```",
    "```text\n@\n```",
    "<answer>@</answer>",
    "<answer>\n@\n</answer>",
    "<option>@</option>",
    "<p>@</p>",
    "<answer>(@)</answer>",
    "answer: @",
    "# @",
    "## Answer\n\n@",
    "**Answer**\n\n@",
    "Answer\n@",
    "Answer:\n@",
    "Option @",
    "option @",
    "Option (@)",
    "1. @",
    "[@].",
    "The cup is blue.\n\nFinal answer: **@**",
    "It shows a street in the rain.\n\n@",
    "@\n\nThe cup is blue.",
)

LEADS = (
    "",
    " ",
    "\n\n",
    "\ufeff",
    "\u200f",
    "\u200b",
    "\r\n",
    "<bos>",
    "<|assistant|>",
    "<think>Is it red? Then the others fall away.</think>",
    "<think>\nOption B? Or (C)? The answer may be D, or not.\n</think>\n\n",
    "<thinking>A cup, a plate.</thinking>\n",
    "Is it A? Or C?</think>\n",
    "◁think▷Perhaps D.◁/think▷",
)
ENDS = (
    "",
    ".",
    "。",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\x00",
    "\ufeff",
    "\u200b",
    "\u200f",
    ".\n",
    "</s>",
    " </s>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<eos>",
    "<|end|>",
)


def decorated(letter: str) -> Iterator[str]:
    """Every reply that is exactly this letter: in every alphabet in every template, and in every phrase decorated."""
    for written in alphabets(letter):
        for template in (*DECORATIONS, *PHRASES, *WHOLES):
            yield template.replace("@", written)
    for phrase in PHRASES:
        for decoration in DECORATIONS:
            yield phrase.replace("@", decoration.replace("@", letter))


def alphabets(letter: str) -> list[str]:
    """The letter, plain, full-width, circled, bold, bold without serifs, in a square and in a black square."""
    return [chr(ord(first) + ord(letter) - ord("A")) for first in ALPHABETS]


# Words and marks that readings look at, to be put together at random.
_PIECES = r"""
    A B C D E I Z a b i 1 2 13 √ ∅ ! ? . , ; : ( ) [ ] { } * ** ` ``` ~~ | / & + - – — → => ✓ ✗ ☑ ☐ ☒ ✅ ❌ ○ ●
    [x] (x) <b> </b> <think> </think> <answer> </answer> <|im_end|> </s> \boxed{ \text{ $ &nbsp; &amp; {"answer":"B"}
    and or not no yes true false the answer is correct option I think choose both none all above Answer: ERROR: red
    und et y и 和 か nicht pas non не 不 答案 是 정답 Antwort réponse Ответ الإجابة तो vitamin °C Q: A: User: 🅱
    """
PIECES = (
    *_PIECES.split(),
    *("\n", " ", "\t", "\r", "\x00", "\ufeff", "\u200f", "\u0301", "\u2028", "\ud83d"),
    *("[ ] ", "A. red cup\n", "not B, ", "A/B", "rules out C"),
)


@st.composite
def options_of(draw: st.DrawFn) -> str | dict[str, str]:
    """Some letters that can be chosen, alone or with the texts of the options."""
    letters = draw(st.lists(st.sampled_from(string.ascii_uppercase), min_size=1, unique=True))
    if not draw(st.booleans()):
        return "".join(letters)
    words = st.lists(st.sampled_from(PIECES), max_size=4).map(" ".join)
    return {letter: draw(words) for letter in letters}


TEXTS = st.one_of(st.text(max_size=60).map(lambda text: [text]), st.lists(st.sampled_from(PIECES), max_size=12))
"""A text as a list of parts, which are read joined in many ways: any characters, or words and marks of replies."""


def joined(parts: list[str]) -> Iterator[str]:
    """Every beginning of the parts, and all of them the other way round, without anything between them and with."""
    beginnings = [parts[:end] for end in range(len(parts) + 1)]
    for chosen in [*beginnings, parts[::-1]]:
        for joiner in ("", " ", "\n"):
            yield joiner.join(chosen)
