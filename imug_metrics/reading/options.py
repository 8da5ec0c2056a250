# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The options of a multiple-choice question: their letters, and their texts where the prompt lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from imug_metrics.reading.markup import fold_variants

Options: TypeAlias = str | Mapping[str, str]
"""Letters that are options, such as `"ABCD"`, or their texts by letter."""

DEFAULT_OPTIONS = "ABCDEFG"

# "A.", "(A)", "A)", "A:", "**A.**", "[A]", "Option A:", at the start of a line or behind white space or punctuation.
_LABEL = re.compile(
    r"(?:^[ \t>*+-]*|(?<=[\s;,.!?:])|(?<![0-9A-Za-z])(?=[(\[][A-Za-z][)\]]))"
    r"(?:(?:Option|Choice|Opción|Opzione|Opção|Вариант|选项|選項)\s?)?[*_`]{0,3}(?P<open>[(\[]?)[*_`]{0,3}(?P<letter>[A-Za-z])"
    r"[*_`]{0,3} ?(?P<close>[.):\]])[*_`]{0,3}(?![.):\]])",
    re.MULTILINE,
)
_IDEOGRAPHIC_COMMA = re.compile(r"(?<=[A-Za-zＡ-Ｚ])、")
_LONGEST = 2_000  # characters of an option's text
_MARKUP = re.compile(r"^[\s*_`]+|[\s*_`]+$")


def read_options(prompt: str) -> dict[str, str]:
    r"""The options that a prompt lists, by letter; of several lists the last one.

    A list begins with A, goes through the alphabet without a gap, and has two options or more: "A. a cup", "(A) a cup",
    "A) a cup", "A: a cup", "a) a cup", each on its line or one after the other.

    Args:
        prompt: the question as the model was asked it.

    Returns:
        The text of each option, empty where nothing follows the letter; no options where the prompt lists none.

    Example:
        >>> prompt = "What is on the table?\n(A) a red cup\n(B) a plate\nAnswer with the letter."
        >>> read_options(prompt)
        {'A': 'a red cup', 'B': 'a plate'}
        >>> read_options("Which? A. one B. two C. three"), read_options("Is it A or B?")
        ({'A': 'one', 'B': 'two', 'C': 'three'}, {})
    """
    prompt = fold_variants(_IDEOGRAPHIC_COMMA.sub(". ", prompt))
    best: list[re.Match[str]] = []
    for labels in _lists(prompt):
        best = labels if len(labels) > 1 else best
    ends = [*(label.start() for label in best[1:]), len(prompt)]
    return {
        label["letter"].upper(): _text(prompt[label.end() : end], last=label is best[-1])
        for label, end in zip(best, ends[: len(best)], strict=True)
    }


def _lists(prompt: str) -> Iterator[list[re.Match[str]]]:
    """Runs of labels A, B, C ... with one way of writing them."""
    labels: list[re.Match[str]] = []
    for match in _LABEL.finditer(prompt):
        if match["letter"] in "Aa" and not _is_prose(match):
            yield labels
            labels = [match]
        elif labels and _style(match) == _style(labels[0]) and ord(match["letter"]) == ord(labels[-1]["letter"]) + 1:
            labels.append(match)
    yield labels


def _style(label: re.Match[str]) -> tuple[str, str]:
    return label["open"], label["close"]


def _is_prose(label: re.Match[str]) -> bool:
    """Whether a lower-case letter ends a sentence: "a." labels nothing, "a)" does."""
    return label["letter"] == "a" and label["close"] != ")"


def _text(text: str, *, last: bool) -> str:
    """An option's text; the last one ends with its line."""
    text = text[:_LONGEST].strip()
    return _MARKUP.sub("", text.split("\n")[0] if last else " ".join(text.split())).rstrip(";,")
