# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The closed world of the rendered scenes: its colours, shapes and backgrounds, and the words that name them."""

from __future__ import annotations

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (40, 70, 220),
    "yellow": (240, 210, 40),
    "purple": (130, 40, 160),
    "orange": (245, 140, 20),
    "black": (20, 20, 20),
    "white": (245, 245, 245),
    "pink": (250, 140, 190),
    "brown": (120, 75, 35),
}
SHAPES: dict[str, str] = {
    "circle": "circles",
    "square": "squares",
    "triangle": "triangles",
    "star": "stars",
    "cross": "crosses",
    "ring": "rings",
    "heart": "hearts",
    "diamond": "diamonds",
}
BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "gray": (128, 128, 128),
    "white": (250, 250, 250),
    "black": (10, 10, 10),
    "blue": (150, 190, 240),
    "green": (170, 215, 160),
    "pink": (250, 205, 215),
}
COUNTS: dict[int, str] = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
SIZES: dict[str, tuple[str, ...]] = {"small": ("small", "tiny", "little"), "large": ("large", "big", "huge")}
POSITIONS: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "at the left side"),
    "right": ("on the right", "at the right side"),
    "top": ("at the top", "at the upper side"),
    "bottom": ("at the bottom", "at the lower side"),
    "center": ("in the center", "in the middle"),
}
RELATIONS: dict[str, tuple[str, ...]] = {
    "left": ("left of", "to the left of"),
    "right": ("right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}
OPPOSITE: dict[str, str] = {"left": "right", "right": "left", "above": "below", "below": "above"}
JOINS: tuple[str, ...] = ("and", "with", "next to", "beside")
GROUNDS: tuple[str, ...] = ("on a", "against a")
GROUND_NOUN = "background"
OPENERS: tuple[str, ...] = ("a picture of", "an image of", "a drawing of", "there is")
ARTICLES: tuple[str, ...] = ("a", "an", "the")

HELD_OUT: frozenset[tuple[str, str]] = frozenset(
    {
        ("red", "star"),
        ("blue", "heart"),
        ("green", "ring"),
        ("yellow", "cross"),
        ("purple", "square"),
        ("orange", "circle"),
        ("pink", "triangle"),
        ("brown", "diamond"),
    }
)
"""Colour-shape pairs that training never renders and never names, kept to measure composition."""


def caption_words() -> tuple[str, ...]:
    """Every word that a caption can contain, sorted.

    Example:
        >>> "background" in caption_words()
        True
    """
    phrases: list[str] = [*COLOURS, *SHAPES, *SHAPES.values(), *BACKGROUNDS, *COUNTS.values()]
    for table in (SIZES, POSITIONS, RELATIONS):
        phrases.extend(phrase for wordings in table.values() for phrase in wordings)
    phrases.extend((*JOINS, *GROUNDS, *OPENERS, *ARTICLES, GROUND_NOUN))
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))
