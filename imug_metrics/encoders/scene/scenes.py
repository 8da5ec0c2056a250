# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes as data: what is on the canvas, how to draw one at random, and how to change exactly one thing about it."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from imug_metrics.encoders.scene.vocabulary import (
    BACKGROUNDS,
    COLOURS,
    COUNTS,
    HELD_OUT,
    OPPOSITE,
    POSITIONS,
    RELATIONS,
    SHAPES,
    SIZES,
)

PROPERTIES = ("colour", "shape", "count", "size", "position", "relation", "binding", "background")
_MIN_CONTRAST = 9000  # squared RGB distance below which an object melts into its background


_OPTIONS: dict[str, Collection[Any]] = {
    "background": BACKGROUNDS,
    "size": SIZES,
    "position": POSITIONS,
    "count": COUNTS,
    "relation": RELATIONS,
}


def _check_member(name: str, value: object, options: Collection[object]) -> None:
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"Expected argument `{name}` to be one of {listed}, got {value!r}.")


@dataclass(frozen=True, order=True)
class Thing:
    """One kind of object: a colour and a shape.

    Args:
        colour: A key of ``COLOURS``.
        shape: A key of ``SHAPES``.

    Raises:
        ValueError: If either name is unknown.

    Example:
        >>> Thing("red", "circle").colour
        'red'
    """

    colour: str
    shape: str

    def __post_init__(self) -> None:
        _check_member("colour", self.colour, COLOURS)
        _check_member("shape", self.shape, SHAPES)


ALL_THINGS = tuple(Thing(colour, shape) for colour in COLOURS for shape in SHAPES)
HELD_OUT_THINGS = tuple(thing for thing in ALL_THINGS if (thing.colour, thing.shape) in HELD_OUT)
TRAINED_THINGS = tuple(thing for thing in ALL_THINGS if (thing.colour, thing.shape) not in HELD_OUT)


@dataclass(frozen=True)
class Scene:
    """A scene, or what a caption says of one: a field that is None is left open.

    Args:
        subject: The main object.
        background: A key of ``BACKGROUNDS``.
        size: "small" or "large".
        position: A key of ``POSITIONS``; only for a single object.
        count: How many copies of the subject, 1 to 5; None draws one.
        other: A second object, for two-object scenes.
        relation: Where the subject is relative to the other object, a key of ``RELATIONS``.

    Raises:
        ValueError: If a name is unknown or two fields exclude each other.

    Example:
        >>> Scene(Thing("red", "circle"), other=Thing("blue", "star"), relation="left").kind
        'relation'
    """

    subject: Thing
    background: str | None = None
    size: str | None = None
    position: str | None = None
    count: int | None = None
    other: Thing | None = None
    relation: str | None = None

    def __post_init__(self) -> None:
        for field, options in _OPTIONS.items():
            if getattr(self, field) is not None:
                _check_member(field, getattr(self, field), options)
        if self.relation is not None and self.other is None:
            raise ValueError("Expected argument `other` where `relation` is given, got None.")
        if self.other is not None and (self.size or self.position or self.count):
            raise ValueError("Expected no `size`, `position` or `count` where `other` is given.")
        if (self.count or 1) > 1 and self.position is not None:
            raise ValueError(f"Expected no `position` where `count` is above 1, got {self.position!r}.")

    @property
    def kind(self) -> str:
        """One of "relation", "pair" (two objects, no relation), "count" or "single"."""
        if self.other is not None:
            return "pair" if self.relation is None else "relation"
        return "single" if self.count is None else "count"

    @property
    def things(self) -> frozenset[Thing]:
        """The kinds of object in the scene."""
        return frozenset({self.subject} if self.other is None else {self.subject, self.other})

    def is_true_of(self, scene: Scene) -> bool:
        """Whether everything said here holds in ``scene``.

        Args:
            scene: The scene to compare with.

        Returns:
            True where each field that is set agrees; "A left of B" agrees with "B right of A".

        Example:
            >>> red = Thing("red", "circle")
            >>> Scene(red).is_true_of(Scene(red, size="small"))
            True
        """
        if self.things != scene.things or (self.count or 1) != (scene.count or 1):
            return False
        if any(getattr(self, f) not in (None, getattr(scene, f)) for f in ("size", "position", "background")):
            return False
        if self.relation is None:
            return True
        same_order = self.subject == scene.subject
        return scene.relation == (self.relation if same_order else OPPOSITE[self.relation])


def is_visible(thing: Thing, background: str) -> bool:
    """Whether an object stands out from a background.

    Args:
        thing: The object.
        background: A key of ``BACKGROUNDS``.

    Example:
        >>> is_visible(Thing("white", "ring"), "white")
        False
    """
    pairs = zip(COLOURS[thing.colour], BACKGROUNDS[background], strict=True)
    return sum((a - b) ** 2 for a, b in pairs) > _MIN_CONTRAST


def sample_scene(
    rng: random.Random,
    subjects: Collection[Thing] = TRAINED_THINGS,
    others: Collection[Thing] = TRAINED_THINGS,
    alike: float = 0.0,
) -> Scene:
    """Draw a scene: one object, several copies, two objects, or two objects in a relation.

    Args:
        rng: Source of randomness; the same state gives the same scene.
        subjects: Objects the main one is drawn from.
        others: Objects the second one is drawn from.
        alike: Share of the two-object scenes in which the objects must have their colour or their shape in common;
            in the rest they may.

    Returns:
        A scene whose objects are visible on its background.

    Example:
        >>> sample_scene(random.Random(0)) == sample_scene(random.Random(0))
        True
    """
    background = rng.choice(list(BACKGROUNDS))
    subject = rng.choice([t for t in subjects if is_visible(t, background)])
    kind = rng.choices(("single", "count", "relation", "pair"), (4, 3, 6, 6))[0]
    if kind == "count":
        return Scene(subject, background, count=rng.choice(list(COUNTS)))
    if kind == "single":
        size = rng.choice(list(SIZES)) if rng.random() < 0.6 else None
        position = rng.choice(list(POSITIONS)) if rng.random() < 0.6 else None
        return Scene(subject, background, size=size, position=position)
    candidates = [t for t in others if t != subject and is_visible(t, background)]
    if alike and rng.random() < alike:
        shared = rng.choice(("colour", "shape"))
        candidates = [t for t in candidates if getattr(t, shared) == getattr(subject, shared)]
    other = rng.choice(candidates)
    relation = rng.choice(list(RELATIONS)) if kind == "relation" else None
    return Scene(subject, background, other=other, relation=relation)


def contradictions(scene: Scene, changed: str, things: Collection[Thing] = ALL_THINGS) -> list[Scene]:
    """Every scene that differs from this one in exactly one property.

    Args:
        scene: The scene, or what a caption says of it.
        changed: One of ``PROPERTIES``. "relation" takes the opposite relation; "binding" swaps the colours of the two
            objects; "colour" and "shape" change the subject.
        things: Objects that may appear in the result.

    Returns:
        The changed scenes; empty where the property is not set or no change is possible.

    Raises:
        ValueError: If ``changed`` is not a property.

    Example:
        >>> red = Scene(Thing("red", "circle"), size="small")
        >>> contradictions(red, "size")[0].size
        'large'
    """
    _check_member("changed", changed, PROPERTIES)
    found = [s for s in _changed(scene, changed) if s.things <= set(things) and s.subject != s.other]
    return [s for s in found if s.background is None or all(is_visible(t, s.background) for t in s.things)]


def _changed(scene: Scene, changed: str) -> list[Scene]:
    a, b = scene.subject, scene.other
    if changed == "colour":
        return [replace(scene, subject=Thing(c, a.shape)) for c in COLOURS if c != a.colour]
    if changed == "shape":
        return [replace(scene, subject=Thing(a.colour, s)) for s in SHAPES if s != a.shape]
    if changed == "binding":
        # With a colour or a shape in common the swap would change nothing, or the order alone.
        if b is None or a.colour == b.colour or a.shape == b.shape:
            return []
        return [replace(scene, subject=Thing(b.colour, a.shape), other=Thing(a.colour, b.shape))]
    value = getattr(scene, changed)
    if value is None:
        return []
    if changed == "relation":
        return [replace(scene, relation=OPPOSITE[value])]
    return [replace(scene, **{changed: option}) for option in _OPTIONS[changed] if option != value]
