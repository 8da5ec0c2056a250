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

# "A.", "(A)", "A)", "A:", "**A.**", "[A]" at the start of a line or behind white space.
_LABEL = re.compile(
    r"(?:^|(?<=[\s;,.!?。；，]))(?P<open>[(\[*_`]{0,4}) ?(?P<letter>[A-Z])"
    r"(?P<close> ?[.):\]、]|[*_`]{1,3}[.):]?)(?P<rest>[*_`)\]:]{0,4})"
    r"(?=\s|[^\x00-\x7f]|[*_`\"'(\[<$\\]|[^\W_])",
    re.MULTILINE,
)
_LONGEST = 2_000  # characters of an option's text
_MARKUP = re.compile(r"^[\s*_`]+|[\s*_`]+$")


def read_options(prompt: str) -> dict[str, str]:
    r"""The options that a prompt lists, by letter; of several lists the last one.

    A list begins with A, goes through the alphabet without a gap, and has two options or more: "A. a cup", "(A) a cup",
    "A) a cup", "A: a cup", each on its line or one after the other.

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
    prompt = fold_variants(prompt)
    best: list[re.Match[str]] = []
    for labels in _lists(prompt):
        best = labels if len(labels) > 1 else best
    ends = [*(label.start() for label in best[1:]), len(prompt)]
    return {
        label["letter"]: _text(prompt[label.end() : end], last=label is best[-1])
        for label, end in zip(best, ends[: len(best)], strict=True)
    }


def _lists(prompt: str) -> Iterator[list[re.Match[str]]]:
    """Runs of labels A, B, C ... with one way of writing them."""
    labels: list[re.Match[str]] = []
    for match in _LABEL.finditer(prompt):
        if match["letter"] == "A":
            yield labels
            labels = [match]
        elif labels and ord(match["letter"]) == ord(labels[-1]["letter"]) + 1 and _alike(match, labels[0]):
            labels.append(match)
    yield labels


def _alike(label: re.Match[str], first: re.Match[str]) -> bool:
    return label["open"] == first["open"] and label["close"].strip() == first["close"].strip()


def _text(text: str, *, last: bool) -> str:
    """An option's text; the last one ends with its line."""
    text = text[:_LONGEST].strip()
    return _MARKUP.sub("", text.split("\n")[0] if last else " ".join(text.split())).rstrip(";,")
