# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The options of a multiple-choice question: their letters, and their texts where the prompt lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from imug_metrics.errors import InputError
from imug_metrics.reading.markup import fold_variants

Options: TypeAlias = str | Mapping[str, str]
"""Letters that are options, such as `"ABCD"`, or their texts by letter."""

DEFAULT_OPTIONS = "ABCDEFG"

_MARKS = r"[*_`\"']{0,3}"
_OPTION = r"(?:(?:Option|Choice|Opción|Opzione|Opção|Вариант|选项|選項) ?)?"
# "A.", "(A)", "A)", "A:", "[A]", "A -", "**A** ", "Option A:", a row of a table, at the start of a line.
_LINE = re.compile(
    rf"^[ \t>*+|-]*{_OPTION}{_MARKS}(?P<open>[(\[]?){_MARKS}(?P<letter>[A-Za-z]){_MARKS}"
    rf"(?P<close> ?[.):\]|](?![.)])| ?-(?= )|(?<=\*\*)(?= )|(?= [\u3040-\ud7ff])){_MARKS}",
    re.MULTILINE,
)
# The same one after the other: "Which? A. one B. two".
_INLINE = re.compile(
    rf"(?<![0-9A-Za-z'’-]){_OPTION}{_MARKS}(?P<open>[(\[]?){_MARKS}(?P<letter>[A-Z]){_MARKS}"
    rf"(?P<close> ?[.):\]](?![.)])){_MARKS}"
)
_OPENING = re.compile(r"(?:\A|[.?!:;,{\n]|\bare)\s*[\[({\"'*_]*\Z")  # what stands before the first of them
_LETTERS = re.compile("[A-Z]+")
_IDEOGRAPHIC_COMMA = re.compile(r"(?<=[A-Za-zＡ-Ｚ])、")
_BREAK = re.compile(r"<br ?/?>|</?(?:p|li|div|tr)>")
_MARKUP = re.compile(r"</?\w{1,10}>|\\(?:text|math)\w{0,10}\{([^{}\n]*)\}|\\q?quad\b|\$")
_LONGEST = 2_000  # characters of an option's text
_EDGES = " \t\n\r*_`|;,\"'{}"


def check_options(options: Any, row: int | list[int] | None = None) -> None:
    """Raise unless options are distinct letters, or texts by letter.

    Args:
        options: of one question.
        row: where they stand among others, for the message.

    Raises:
        InputError: options that are neither, letters that are not distinct letters A to Z, or a text that is none.

    Example:
        >>> from imug_metrics.reading.options import check_options
        >>> check_options({"A": "a red cup", "B": "a blue cup"}, 0)
        >>> check_options("ABB", 1)
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `options` to be distinct letters A to Z, got 'ABB' at row 1.
    """
    if not isinstance(options, (str, Mapping)):
        raise InputError("options", "to hold letters or texts by letter", type(options).__name__, row)
    for letter, text in options.items() if isinstance(options, Mapping) else ():
        if not (isinstance(letter, str) and len(letter) == 1 and isinstance(text, str)):
            raise InputError("options", "to hold texts by letter", f"{letter!r}: {text!r}", row)
    letters = "".join(options)
    if not _LETTERS.fullmatch(letters) or len(set(letters)) < len(letters):
        raise InputError("options", "to be distinct letters A to Z", repr(options), row)


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
    prompt = _MARKUP.sub(lambda match: match[1] or " ", _BREAK.sub("\n", prompt))
    labels = _last_list(_LINE.finditer(prompt))
    if not labels:
        inline = _INLINE.finditer(prompt)
        labels = _last_list(each for each in inline if each["letter"] != "A" or _opens(prompt, each))
    ends = [*(label.start() for label in labels[1:]), len(prompt)]
    return {
        label["letter"].upper(): _text(prompt[label.end() : end], last=label is labels[-1])
        for label, end in zip(labels, ends[: len(labels)], strict=True)
    }


def _last_list(labels: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    """The last run of labels A, B, C ... with one way of writing them, of two or more."""
    last: list[re.Match[str]] = []
    run: list[re.Match[str]] = []
    for label in labels:
        if label["letter"] in "Aa":
            run = [label]
        elif run and _style(label) == _style(run[0]) and ord(label["letter"]) == ord(run[-1]["letter"]) + 1:
            run.append(label)
            last = run
    return last


def _style(label: re.Match[str]) -> tuple[str, str]:
    return label["open"], label["close"].strip()


def _opens(prompt: str, label: re.Match[str]) -> bool:
    """Whether a list can begin here: "vitamin A. Then vitamin B." is none."""
    return _OPENING.search(prompt, max(0, label.start() - 8), label.start()) is not None


def _text(text: str, *, last: bool) -> str:
    """An option's text; the last one ends with its line."""
    text = text[:_LONGEST].strip(_EDGES)
    return (text.split("\n")[0] if last else " ".join(text.split())).strip(_EDGES)
