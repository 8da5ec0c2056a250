# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Texts of any length, cut so that many of them fit into a page."""

from __future__ import annotations

from typing import Any


def cut(text: Any, length: int) -> str:
    """The text, or its beginning with an ellipsis; of None nothing.

    Example:
        >>> cut("a red star", 6), cut("red", 6), cut(None, 6)
        ('a red…', 'red', '')
    """
    shown = "" if text is None else str(text)
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"


def length_for(texts: int, budget: int, shortest: int, longest: int) -> int:
    """How long each of so many texts may be.

    Example:
        >>> length_for(10, 1000, 40, 280), length_for(1000, 1000, 40, 280)
        (100, 40)
    """
    return min(longest, max(shortest, budget // max(1, texts)))
