# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Text inputs, checked, and long ones cut into pieces that a model can take."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` as a list after checking that it is one of strings.

    Half of a surrogate pair, which models do write and no tokenizer takes, becomes a question mark.

    Raises:
        TypeError: If ``texts`` is a single string or an item is not a string.

    Example:
        >>> check_texts(("a red star", "a blue ring"))
        ['a red star', 'a blue ring']
    """
    if isinstance(texts, str):
        raise TypeError("Expected argument `texts` to be a sequence of strings, got a single string. Put it in a list.")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Expected argument `texts` to hold strings, got {type(text).__name__} at row {row}.")
    return [text if text.isascii() else text.encode("utf-8", "replace").decode() for text in texts]


def fitting_pieces(
    texts: Sequence[str], too_long: Sequence[bool], measure: Callable[[list[str]], Sequence[bool]]
) -> tuple[list[str], list[int]]:
    """Halve texts, at the space nearest to the middle, until every piece fits.

    Args:
        texts: N strings.
        too_long: Which of them do not fit.
        measure: Says which of some texts do not fit.

    Returns:
        The pieces in the order of the texts, and the row of the text that each belongs to.

    Example:
        >>> fitting_pieces(["a b c d e", "f g"], [True, False], lambda texts: [len(text) > 5 for text in texts])
        (['a b', 'c d e', 'f g'], [0, 0, 1])
    """
    pieces = [(row, text, long and len(text) > 1) for row, (text, long) in enumerate(zip(texts, too_long))]
    while any(long for _, _, long in pieces):
        halved = [(row, half) for row, text, long in pieces for half in (_halves(text) if long else (text,))]
        pieces = [
            (row, half, long and len(half) > 1)
            for (row, half), long in zip(halved, measure([half for _, half in halved]))
        ]
    return [text for _, text, _ in pieces], [row for row, _, _ in pieces]


def _halves(text: str) -> tuple[str, str]:
    middle = len(text) // 2
    left, right = text.rfind(" ", 1, middle + 1), text.find(" ", middle, -1)
    spaces = [place for place in (left, right) if place > 0]
    cut = min(spaces, key=lambda place: abs(place - middle), default=middle)  # no space: Chinese, or one long word
    first, second = text[:cut].strip(), text[cut:].strip()
    return (first, second) if first and second else (text[:middle], text[middle:])
