# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues about rendered scenes: one subject is kept, one thing is asked for at each turn, in shuffled order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from imug_metrics.encoders.scene.captions import phrase
from imug_metrics.encoders.scene.scenes import TRAINED_THINGS, Scene, Thing, is_visible
from imug_metrics.encoders.scene.vocabulary import BACKGROUNDS, COLOURS, COUNTS, POSITIONS, RELATIONS, SHAPES, SIZES

LETTERS = "ABCDEFG"

PLACES = (
    ("Color_Reasoning", "rendered_colors"),
    ("Object_Inference", "rendered_shapes"),
    ("Physics", "rendered_positions"),
    ("Weather", "rendered_backgrounds"),
    ("Stack_Simulation", "rendered_piles"),
    ("Everyday_Tasks", "rendered_tables"),
)
"""Domains of the official class map, two a class; the subdomains are the demo's own."""

_ASIDE = {"left": "left of", "right": "right of", "above": "above", "below": "below"}


@dataclass(frozen=True)
class Draw:
    """A turn that asks for an image: the full scene to draw, the words, what a judge would check."""

    turn: int
    scene: Scene
    change: str
    prompt: str
    points: tuple[str, ...]


@dataclass(frozen=True)
class Ask:
    """A turn that asks a question with lettered options about the image asked for last."""

    turn: int
    question: str
    options: tuple[str, ...]
    key: str

    @property
    def prompt(self) -> str:
        """The question and its lettered options, a line each."""
        lines = (f"{letter}. {option}" for letter, option in zip(LETTERS, self.options, strict=False))
        return "\n".join((self.question, *lines))


@dataclass(frozen=True)
class Dialogue:
    """One sample of the benchmark."""

    domain: str
    subdomain: str
    sample_id: str
    turns: tuple[Draw | Ask, ...]

    @property
    def name(self) -> str:
        """``domain/subdomain/sample_id``."""
        return f"{self.domain}/{self.subdomain}/{self.sample_id}"

    @property
    def draws(self) -> tuple[Draw, ...]:
        """The turns that ask for an image."""
        return tuple(turn for turn in self.turns if isinstance(turn, Draw))


def make_dialogues(count: int, seed: int) -> list[Dialogue]:
    """Make dialogues of 4 to 6 turns, 2 to 4 of them images, the first always one.

    The kinds of change are drawn anew and without repetition for each dialogue, so no turn is harder than another
    by construction: a slope over turns is the model's.

    Args:
        count: number of dialogues, >= 1.
        seed: the same seed gives the same dialogues; a longer set begins with the shorter one.

    Example:
        >>> [len(dialogue.turns) for dialogue in make_dialogues(4, seed=0)] == [
        ...     len(dialogue.turns) for dialogue in make_dialogues(9, seed=0)][:4]
        True
    """
    return [_dialogue(i, random.Random(f"dialogue:{seed}:{i}")) for i in range(count)]


def _dialogue(index: int, rng: random.Random) -> Dialogue:
    domain, subdomain = PLACES[index % len(PLACES)]
    length, questions = rng.choice(((4, 2), (5, 2), (5, 3), (6, 3), (6, 3)))
    asked_at = set(rng.sample(range(2, length + 1), questions))
    background = rng.choice(list(BACKGROUNDS))
    subject = rng.choice([thing for thing in TRAINED_THINGS if is_visible(thing, background)])
    changes = iter(rng.sample(list(_CHANGES), length - questions))
    turns: list[Draw | Ask] = []
    for turn in range(1, length + 1):
        if turn not in asked_at:
            scene = _CHANGES[change := next(changes)](subject, background, rng)
            turns.append(_draw(turn, scene, change))
        else:
            last = next(t for t in reversed(turns) if isinstance(t, Draw))
            asked = {t.question for t in turns if isinstance(t, Ask)}
            turns.append(_ask(turn, last, asked, rng))
    return Dialogue(domain, subdomain, str(index // len(PLACES) + 1), tuple(turns))


def _resized(subject: Thing, background: str, rng: random.Random) -> Scene:
    return Scene(subject, background, size=rng.choice(list(SIZES)))


def _moved(subject: Thing, background: str, rng: random.Random) -> Scene:
    return Scene(subject, background, position=rng.choice(list(POSITIONS)))


def _multiplied(subject: Thing, background: str, rng: random.Random) -> Scene:
    return Scene(subject, background, count=rng.choice([count for count in COUNTS if count > 1]))


def _regrounded(subject: Thing, background: str, rng: random.Random) -> Scene:
    return Scene(subject, rng.choice([b for b in BACKGROUNDS if b != background and is_visible(subject, b)]))


def _joined(subject: Thing, background: str, rng: random.Random) -> Scene:
    return Scene(subject, background, other=_companion(subject, background, rng))


def _related(subject: Thing, background: str, rng: random.Random) -> Scene:
    other = _companion(subject, background, rng)
    return Scene(subject, background, other=other, relation=rng.choice(list(RELATIONS)))


def _companion(subject: Thing, background: str, rng: random.Random) -> Thing:
    """A second object with another shape and colour, so that "the star" names one thing."""
    return rng.choice(
        [
            thing
            for thing in TRAINED_THINGS
            if thing.shape != subject.shape and thing.colour != subject.colour and is_visible(thing, background)
        ]
    )


_CHANGES: dict[str, Callable[[Thing, str, random.Random], Scene]] = {
    "size": _resized,
    "position": _moved,
    "count": _multiplied,
    "background": _regrounded,
    "pair": _joined,
    "relation": _related,
}


def _draw(turn: int, scene: Scene, change: str) -> Draw:
    said = Scene(
        scene.subject,
        scene.background if change == "background" else None,
        scene.size,
        scene.position,
        scene.count,
        scene.other,
        scene.relation,
    )
    return Draw(turn, scene, change, f"a picture of {phrase(said)}", _points(scene, change))


def _points(scene: Scene, change: str) -> tuple[str, ...]:
    """What a judge would check: the subject, what this turn asked for, and nothing besides."""
    thing = f"{scene.subject.colour} {scene.subject.shape}"
    asked = {
        "size": f"The {thing} is {scene.size}.",
        "position": f"The {thing} is {POSITIONS[scene.position][0] if scene.position else ''}.",
        "count": f"There are exactly {COUNTS[scene.count or 1]} {scene.subject.colour} {SHAPES[scene.subject.shape]}.",
        "background": f"The background is {scene.background}.",
    }
    if scene.other is not None:
        other = f"{scene.other.colour} {scene.other.shape}"
        where = f"The {thing} is {_ASIDE[scene.relation]} the {other}." if scene.relation else f"There is a {other}."
        return f"The picture shows a {thing}.", where, "Nothing else is drawn."
    return f"The picture shows a {thing}.", asked[change], "Nothing else is drawn."


def _ask(turn: int, about: Draw, asked: set[str], rng: random.Random) -> Ask:
    questions = _questions(about)
    # A question is asked again only once every other has been: the same words may have another answer by then.
    question, right, wrong = rng.choice([q for q in questions if q[0] not in asked] or questions)
    options = [right, *rng.sample(wrong, min(len(wrong), len(LETTERS) - 1))]
    rng.shuffle(options)
    return Ask(turn, question, tuple(options), LETTERS[options.index(right)])


def _questions(about: Draw) -> list[tuple[str, str, list[str]]]:
    """Question, right option, wrong options: everything that can be asked about one image."""
    scene, subject = about.scene, about.scene.subject
    noun = SHAPES[subject.shape] if (scene.count or 1) > 1 else subject.shape
    verb = "are" if (scene.count or 1) > 1 else "is"
    count = COUNTS[scene.count or 1]
    asked = [
        (f"What color {verb} the {noun}?", subject.colour, _without(COLOURS, subject.colour)),
        (f"Which shape is {subject.colour}?", subject.shape, _without(SHAPES, subject.shape)),
        (f"How many {SHAPES[subject.shape]} are there?", count, _without(COUNTS.values(), count)),
    ]
    if scene.position is not None:
        places = {name: wordings[0] for name, wordings in POSITIONS.items()}
        right = places[scene.position]
        asked.append((f"Where is the {noun}?", right, _without(places.values(), right)))
    if scene.relation is not None and scene.other is not None:
        sides = {name: f"{words} the {scene.other.shape}" for name, words in _ASIDE.items()}
        right = sides[scene.relation]
        asked.append((f"Where is the {noun}?", right, _without(sides.values(), right)))
    if about.change == "background" and scene.background is not None:
        asked.append(("What color is the background?", scene.background, _without(BACKGROUNDS, scene.background)))
    return asked


def _without(options: Iterable[str], right: str) -> list[str]:
    return [option for option in options if option != right]
