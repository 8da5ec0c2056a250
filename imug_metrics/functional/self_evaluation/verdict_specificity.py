# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How much a verdict says: a confirmation that names what it saw, or one that would fit any image."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.alignment import check_ends
from imug_metrics.dialogues.arguments import Strings
from imug_metrics.dialogues.columns import Column, flatten_lists
from imug_metrics.dialogues.holders import place_of, shown
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.reading.languages import check_languages, is_written_in
from imug_metrics.reading.specificity_words import ENGLISH, WordLists

Weights = tuple[float, float, float]
EVEN: Weights = (1.0, 1.0, 1.0)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# "right" says where something is in these surroundings only; elsewhere it says that something is correct.
_RIGHT = re.compile(
    r"\b(?:(?:to|on|at|from|in) the|top|bottom|upper|lower|far|left (?:and|or|to)) right\b"
    r"|\bright (?:of|side|corner|half|edge|hand|column|third)\b"
)


class Shares(NamedTuple):
    """Shares of a text's words; `grounded` is NaN without a prompt, all are NaN for a text that cannot be read."""

    content: float
    grounded: float
    details: float


class Specificity(NamedTuple):
    """Scores of verdicts (NaN where undefined or absent), their shares `[cells, 3]`, and which of them were not read.

    Those are there, as are their prompts, but one of the two is in a language that the lists do not cover.
    """

    column: Column
    shares: Tensor
    unread: Tensor


_UNKNOWN = Shares(torch.nan, torch.nan, torch.nan)


def verdict_specificity(
    verdicts: Strings,
    texts: Strings | None = None,
    *,
    weights: Weights = EVEN,
    words: WordLists = ENGLISH,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """How specific verdicts are: weighted mean of three shares of their words. Range 0 to 1, higher is more specific.

    - content: words that are neither grammar nor stock approval ("looks", "correct", "image")
    - grounded: content words that the prompt of the turn holds too (plurals are one with their singular)
    - details: numbers, colours and places ("right" counts only where it is a place, as in "to the right")

    Words are runs of letters and digits, without regard to case. Without prompts the weights of the other two shares
    are scaled up, so compare scores with prompts to scores with prompts only. A verdict without words ("" or an emoji)
    says nothing: 0.

    The lists are English. A verdict in another language, or one whose prompt is, is not read: undefined. Where a text
    holds too little to tell ("Ok", a name) it is read. Give lists for another language with `words`.

    Args:
        verdicts: strings, `[N]` in a list or one list a dialogue; None for an absent one.
        texts: the prompts of the turns, in the same form; None: no prompts. A verdict whose prompt alone is None is
            undefined.
        weights: of content, grounded and details; only their proportions matter.
        words: the word lists; their `languages` say which texts are read.
        reduction: `"none"`, or `"mean"` of the verdicts that have a value.

    Returns:
        float64 scalar, or values `[N]` (or `[B, T]`) with NaN where undefined.

    Raises:
        ValueError: if weights are negative or all zero, or a language is unknown.
        InputError: if `texts` differs in shape, or a verdict or prompt is not a string.

    Example:
        >>> verdicts = ["Looks good.", "The red cube is left of the two balls."]
        >>> verdict_specificity(verdicts, ["Put a red cube beside two balls."] * 2, reduction="none")
        tensor([0.0000, 0.4444], dtype=torch.float64)
        >>> verdict_specificity(["Sieht gut aus.", "Looks good."], reduction="none")
        tensor([nan, 0.], dtype=torch.float64)
    """
    column = specificity_column(verdicts, texts, weights, words).column
    return reduce_values(column.values.view(column.shape), reduction)


def specificity_shares(text: str, prompt: str | None = None, words: WordLists = ENGLISH) -> Shares:
    """The three shares of one text.

    See `verdict_specificity`.

    Example:
        >>> specificity_shares("The cube is red.", "Draw a red cube")
        Shares(content=0.5, grounded=0.5, details=0.25)
    """
    plain = " ".join(_WORD.findall(text.lower().replace("’", "'")))
    found = plain.split()
    grounded = torch.nan if prompt is None else 0.0
    if not found:
        return Shares(0.0, grounded, 0.0)
    if not _is_covered((text, prompt), words):
        return _UNKNOWN
    rights = len(_RIGHT.findall(plain))
    details = [word for word in found if _is_detail(word, words)]
    content = [word for word in found if _is_content(word, words)]
    if prompt is not None:
        named = {_singular(word) for word in _WORD.findall(prompt.lower().replace("’", "'"))}
        grounded = sum(_singular(word) in named for word in content) / len(found)
    return Shares((len(content) + rights) / len(found), grounded, (len(details) + rights) / len(found))


def specificity_column(verdicts: Strings, texts: Strings | None, weights: Weights, words: WordLists) -> Specificity:
    """Scores of verdicts as a column, their shares, and which were not read."""
    check_weights(weights)
    check_languages(words.languages)
    cells, shape, present, ends = flatten_lists("verdicts", verdicts)
    prompts: list[str | None] = [None] * len(cells) if texts is None else _prompts(texts, shape, ends)
    _check_strings("verdicts", cells, shape)
    _check_strings("texts", prompts, shape)
    found = [
        None
        if verdict is None or (prompt is None and texts is not None)
        else specificity_shares(verdict, prompt, words)
        for verdict, prompt in zip(cells, prompts)
    ]
    shares = torch.tensor([row or _UNKNOWN for row in found], dtype=torch.float64).view(len(cells), 3)
    unread = torch.tensor([row is _UNKNOWN for row in found], dtype=torch.float64)
    used, weight = (shares[:, ::2], weights[::2]) if texts is None else (shares, weights)
    values = used @ torch.tensor(weight, dtype=torch.float64) / sum(weight)
    return Specificity(Column(values, shape, present, ends), shares, unread)


def check_weights(weights: Weights) -> None:
    """Raise ValueError unless weights are three numbers that are not negative, with a content or detail weight.

    Example:
        >>> check_weights((0.0, 1.0, 0.0))
        Traceback (most recent call last):
        ValueError: Expected argument `weights` to hold three numbers >= 0, not all for `grounded`, got (0.0, 1.0, 0.0).
    """
    if len(weights) != 3 or min(weights) < 0 or weights[0] + weights[2] <= 0:
        raise ValueError(
            f"Expected argument `weights` to hold three numbers >= 0, not all for `grounded`, got {weights}."
        )


def _prompts(texts: Strings, shape: tuple[int, ...], ends: tuple[int, ...] | None) -> list[str | None]:
    prompts, other, _, text_ends = flatten_lists("texts", texts)
    if other != shape:
        raise InputError("texts", f"to have one entry for each of `verdicts`, {list(shape)}", list(other))
    if ends is not None and text_ends is not None:
        check_ends(verdicts=ends, texts=text_ends)
    return prompts


def _check_strings(argument: str, cells: list[str | None], shape: tuple[int, ...]) -> None:
    for row, cell in enumerate(cells):
        if cell is not None and not isinstance(cell, str):
            raise InputError(argument, "to hold strings", shown(cell), place_of(row, shape))


def _is_covered(texts: tuple[str | None, ...], words: WordLists) -> bool:
    """Whether no text is in a language beside those of the lists, as far as can be told."""
    said = [text for text in texts if text is not None] if words.languages else []
    return all(is_written_in(text, words.languages) is not False for text in said)


def _is_detail(word: str, words: WordLists) -> bool:
    return word[0].isdigit() or _is_any(word, words.numbers, words.colours, words.places)


def _is_content(word: str, words: WordLists) -> bool:
    return _is_detail(word, words) or not _is_any(word, words.function, words.stock)


def _is_any(word: str, *lists: frozenset[str]) -> bool:
    return any(form in words for form in (word, _singular(word)) for words in lists)


def _singular(word: str) -> str:
    """A word without the plural's or third person's s: "boxes" and "box" are one, "glass" stays."""
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
