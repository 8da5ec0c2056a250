# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes in words: which fields a caption mentions, and how it words them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from imug_metrics.encoders.scene.scenes import Scene, Thing
from imug_metrics.encoders.scene.vocabulary import (
    COUNTS,
    GROUND_NOUN,
    GROUNDS,
    JOINS,
    OPENERS,
    OPPOSITE,
    POSITIONS,
    RELATIONS,
    SHAPES,
    SIZES,
)

_UNSAID = {"background": 0.6, "size": 0.2, "position": 0.2}


def caption(scene: Scene, rng: random.Random) -> str:
    """Describe a scene in a few words, some details left out.

    Args:
        scene: The scene.
        rng: Source of randomness for what is said and how.

    Returns:
        Lower-case words without punctuation; true of the scene.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> caption(Scene(Thing("orange", "star")), random.Random(1))
        'an orange star'
    """
    return phrase(mention(scene, unsaid(scene, rng)), rng)


def unsaid(scene: Scene, rng: random.Random) -> frozenset[str]:
    """Choose the fields of a scene that a caption leaves out.

    Args:
        scene: The scene.
        rng: Source of randomness.

    Returns:
        Field names out of background, size, position and, for a count of one, count.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> unsaid(Scene(Thing("red", "star"), size="small"), random.Random(0)) <= {"background", "size", "position"}
        True
    """
    fields = {field for field, probability in _UNSAID.items() if rng.random() < probability}
    if scene.count == 1 and rng.random() < 0.4:
        fields.add("count")
    return frozenset(fields)


def mention(scene: Scene, fields_unsaid: frozenset[str]) -> Scene:
    """Keep of a scene what a caption says.

    Args:
        scene: The scene.
        fields_unsaid: Names of fields to leave open.

    Returns:
        The scene with those fields set to None.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> mention(Scene(Thing("red", "star"), size="small"), frozenset({"size"})).size is None
        True
    """
    nothing: dict[str, Any] = dict.fromkeys(fields_unsaid)
    return replace(scene, **nothing)


def phrase(said: Scene, rng: random.Random | None = None) -> str:
    """Word everything that is set in a scene.

    Args:
        said: What to say.
        rng: Source of randomness for synonyms, order and openers; None gives the plain wording.

    Returns:
        Lower-case words without punctuation.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> phrase(Scene(Thing("red", "cross"), "gray", count=2))
        'two red crosses on a gray background'
    """
    words = _one_object(said, rng) if said.other is None else _two_objects(said, said.other, rng)
    if said.background is not None:
        words = f"{words} {_pick(GROUNDS, rng)} {said.background} {GROUND_NOUN}"
    if rng is not None and rng.random() < 0.25:
        words = f"{rng.choice(OPENERS)} {words}"
    return words


def _one_object(said: Scene, rng: random.Random | None) -> str:
    size = "" if said.size is None else f"{_pick(SIZES[said.size], rng)} "
    shape = said.subject.shape if said.count in (None, 1) else SHAPES[said.subject.shape]
    noun = f"{size}{said.subject.colour} {shape}"
    words = _with_article(noun) if said.count is None else f"{COUNTS[said.count]} {noun}"
    return words if said.position is None else f"{words} {_pick(POSITIONS[said.position], rng)}"


def _two_objects(said: Scene, second: Thing, rng: random.Random | None) -> str:
    first, relation = said.subject, said.relation
    if rng is not None and rng.random() < (0.5 if relation is None else 0.2):
        first, second = second, first
        relation = None if relation is None else OPPOSITE[relation]
    join = _pick(JOINS if relation is None else RELATIONS[relation], rng)
    return f"{_noun(first)} {join} {_noun(second)}"


def _noun(thing: Thing) -> str:
    return _with_article(f"{thing.colour} {thing.shape}")


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _pick(options: tuple[str, ...], rng: random.Random | None) -> str:
    return options[0] if rng is None else rng.choice(options)
