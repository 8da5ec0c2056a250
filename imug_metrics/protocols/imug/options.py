# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which options a text turn offers: those that its prompt lists, where its key is one of them."""

from __future__ import annotations

from functools import lru_cache

from imug_metrics.reading.choice import read_choice
from imug_metrics.reading.options import read_options


def question_options(prompt: str, key: str | None) -> dict[str, str] | None:
    """The options of a question by letter; None where its prompt lists none, or its key names one that is not listed.

    Without them a reply is read by the default letters, A to G.

    Args:
        prompt: the turn's.
        key: the letters that are right; None: not known.

    Example:
        >>> question_options("Which? A. a cup B. a plate", "B"), question_options("Which? A. a cup B. a plate", "C")
        ({'A': 'a cup', 'B': 'a plate'}, None)
    """
    listed = _listed(prompt)
    return dict(listed) if listed and not unlisted_letters(prompt, key) else None


def unlisted_letters(prompt: str, key: str | None) -> str:
    """Letters that a key names and that are not among the options of its prompt; none where the prompt lists none.

    Example:
        >>> unlisted_letters("Which? A. a cup B. a plate", "BD"), unlisted_letters("Which letter?", "D")
        ('D', '')
    """
    listed = _listed(prompt)
    if not listed or key is None:
        return ""
    return "".join(letter for letter in _named(key) if letter not in listed)


def unlisted_message(letters: str) -> str:
    """What is said of a key that names letters which its prompt does not list."""
    return f"names {letters}, which is no option that the prompt lists: answers are read by the letters A to G"


@lru_cache(4096)
def _named(key: str) -> str:
    return read_choice(key).letters or read_choice(key, "".join(map(chr, range(65, 91)))).letters


@lru_cache(4096)
def _listed(prompt: str) -> dict[str, str]:
    return read_options(prompt)
