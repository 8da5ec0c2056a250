# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
r"""Reading the chosen letters of a multiple-choice reply: the corrected rules behind `protocol="strict"`.

A reading is certain, or it is none and says why. A reply is freed of the model's reasoning and of markup; then the
first of these rules that finds letters decides. The page "How answers are read" has examples of each.

1. **text**: the reply, or what follows "the answer is", is exactly the text of one option.
2. **answer**: "the answer is B", "correct: B, D", `\boxed{B}`, `{"answer": "B"}`, "Assistant: B", "no, C", and lines at
   the very beginning or end that hold nothing but letters; **ticked**: "[x] B", "B ✓", "A: true, B: false". The last
   one in the reply counts.
3. **choice**: "I choose B", "I think B", "so B", "B is correct", "not A but B". The last one counts.
4. **label**: lines that begin like options, "B) A red cup", at the beginning or else at the end. The label decides,
   whatever letters the text behind it holds.
5. **mention**: "option B", "(B)", where all mentions name the same letters.
6. **text**: the text of one option alone is named, or "all of the above" where an option says so.

A statement counts neither in a negated clause ("not B", "B is wrong") nor under a condition ("if it is red, B"), nor as
a question, a possibility or what others say. Letters that are offered ("A or B") or are joined to one that is no option
("A, H") are no choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imug_metrics.reading.choice_parts import Reply, read_parts
from imug_metrics.reading.choice_rules import Stated, Statements
from imug_metrics.reading.choice_words import LANGUAGES
from imug_metrics.reading.languages import is_written_in
from imug_metrics.reading.option_texts import OptionTexts, option_texts, says_above
from imug_metrics.reading.options import DEFAULT_OPTIONS, Options, check_options
from imug_metrics.reading.refusals import declines, is_undecided

READ = {
    "answer": "an answer is stated, or lines hold letters alone",
    "ticked": "letters are ticked, or called true, in a list",
    "choice": "a choice is stated",
    "label": "lines begin like options",
    "mention": "one option alone is named",
    "text": "the text of one option is given",
}
"""How letters were read, by the reason's word."""

UNREAD = {
    "empty": "there is no text",
    "failed": 'the text begins with "ERROR:"',
    "declined": "the model says that it cannot answer",
    "above": "all or none of the above is chosen, and no option says so",
    "outside": "the letter stated is none of the options",
    "excluded": "options are turned down, doubted or made conditional, and none is chosen",
    "ambiguous": "several options are named, and none is chosen",
    "language": "the text is in a language that the word lists do not cover",
    "unclear": "no option is named, or not as a choice",
}
"""Why no letters were read, by the reason's word."""

REASONS = READ | UNREAD

_RULES = (Statements.answer, Statements.choice, Statements.label, Statements.mention)
_SEEN = 20_000  # characters in which a refusal is looked for


class ChoiceReading(NamedTuple):
    """What was read in a reply.

    Attributes:
        letters: of the options chosen, sorted, without repeats; empty for none.
        reason: a word of `READ`, how they were read, or of `UNREAD`, why there are none.
    """

    letters: str
    reason: str


def read_choice(text: str, options: Options = DEFAULT_OPTIONS) -> ChoiceReading:
    """Read the letters that a reply chooses, by the rules of this module.

    Args:
        text: the reply. Nothing in it is trusted; the time taken is linear in its length.
        options: the letters that are options, or their texts by letter, which a reply may give instead of the letter.

    Returns:
        The letters, and how they were read or why there are none.

    Raises:
        TypeError: a text that is none, or options that are neither letters nor texts by letter.
        ValueError: options that are not distinct upper-case letters A to Z.

    Example:
        >>> from imug_metrics.reading.choice import read_choice
        >>> read_choice("A cup and a plate. So the answer is **B** and **D**.")
        ChoiceReading(letters='BD', reason='answer')
        >>> read_choice("A cat sits here."), read_choice("It isn't B.")
        (ChoiceReading(letters='', reason='unclear'), ChoiceReading(letters='', reason='excluded'))
        >>> read_choice("It shows a red cup.", {"A": "A blue cup", "B": "A red cup"})
        ChoiceReading(letters='B', reason='text')
    """
    if not isinstance(text, str):
        raise TypeError(f"Expected argument `text` to be text, got {type(text).__name__}.")
    check_options(options)
    letters = "".join(options)
    if not text.strip() or text.lstrip().startswith("ERROR:"):
        return ChoiceReading("", "failed" if text.strip() else "empty")
    reply = read_parts(text, letters)
    texts = option_texts(tuple(options.items())) if isinstance(options, Mapping) else None
    statements = Statements(reply, letters)
    return _read(text, reply, letters, texts, statements) or ChoiceReading("", _why_unread(text, reply, statements))


def _read(
    text: str, reply: Reply, letters: str, texts: OptionTexts | None, statements: Statements
) -> ChoiceReading | None:
    named = texts.stated(reply) if texts else ""
    if named:
        return ChoiceReading(named, "text")
    stated = _stated(reply, statements, letters)
    if stated:
        unsure = stated.how == "mention" and declines(text[:_SEEN])
        if unsure or is_undecided(" ".join(reply.words[stated.words :])[:_SEEN]):
            return ChoiceReading("", "declined")
        return ChoiceReading("".join(sorted(set(stated.letters.upper()))), stated.how)
    named = texts.named(reply) if texts else ""
    return ChoiceReading(named, "text") if named else None


def _stated(reply: Reply, statements: Statements, options: str) -> Stated | None:
    forms = [statements, Statements(reply, options, "l")] if "l" in reply.parts or "E" in reply.parts else [statements]
    for rule in _RULES:
        found = max(filter(None, map(rule, forms)), key=lambda each: each.place, default=None)
        if found:
            return found
    return None


def _why_unread(text: str, reply: Reply, statements: Statements) -> str:
    if declines(text[:_SEEN]):
        return "declined"
    if says_above(text):
        return "above"
    if statements.letters or statements.offers:
        several = statements.offers or len(statements.letters) > 1
        return "excluded" if statements.all_turned_down() else "ambiguous" if several else "unclear"
    others = Statements(reply, "", "j")
    if others.answer() or others.choice():
        return "outside"
    return "language" if is_written_in(text[:_SEEN], LANGUAGES) is False else "unclear"
