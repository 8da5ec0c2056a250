# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model left at one turn, and whole dialogues of such records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from imug_metrics.dialogues.record_fields import FIELDS, check_links
from imug_metrics.errors import InputError

FAILED = "ERROR:"
"""How an answer begins that reports a failed turn."""

EMBEDDED = "embedded:"
"""How the name of an image begins that is no file but content."""

GROUPS = ("class", "domain", "subdomain", "difficulty", "question")
"""Usual names of groups that means are taken by; records may name others."""


@dataclass(frozen=True)
class Record:
    """One model output at one turn of one dialogue; checked when it is made.

    Attributes:
        dialogue: id of the dialogue, for example "<domain>/<subdomain>/<sample_id>"; an integer is turned into text.
        turn: position in the dialogue, from 1 to 1024.
        modality: what the model had to answer with, "text" or "image".
        prompt: what was asked at this turn.
        text: the answer at a text turn, or the words at an image turn; None: absent. An answer that begins with
            "ERROR:" reports a failed turn: absent under protocol "strict", an answer like any other under "imug".
        image: the image at an image turn, or one that a text turn did not ask for: a path, or the content of an image
            file; None: absent. A PIL image, or an array or tensor that image encoders take, is turned into the content
            of a PNG file of 8 bits a channel. A path is followed when the image is read: one that leads nowhere is a
            problem then.
        target: the answer key of a text turn; None: there is nothing to score against. A number is turned into text.
        links: earlier turns whose image this turn's image should agree with.
        groups: what means are taken by: "class", "domain", "subdomain", "difficulty", "question" ("static", or
            "dynamic" where its key hangs on the model's own earlier outputs), or any other name of up to 100
            characters.
        attempted: False where the model left nothing at all for this dialogue. Under protocol "imug" such a dialogue is
            left out, while a missing answer in a dialogue that was attempted counts 0.
        options: of the question of a text turn, letters or texts by letter, which its answer and its key are read by
            under protocol "strict"; None: the letters A to G.
        scores: of the record, by name, from wherever they come: finite numbers, or NaN where it could not be scored.
        reference: an image that this turn's image should look like, in the forms of `image`; None: there is none.
        mask: the place of the subject in the image: an image of its size, above half is the subject, in the forms of
            `image` or booleans `[H, W]`; None: not known.
        subject: id of who or what should stay the same over turns; None: the dialogue has one subject.
        costs: of the output, by name, such as "tokens", "seconds", "images": finite numbers from 0, NaN: not known.
        objects: names of the objects that the output shows or mentions, as a detector, a parser or a judge found them;
            an empty list: none; None: not known.
        target_objects: names of the objects that are there or were asked for; None: not known.

    Raises:
        InputError: if a field is not as expected; it names the field.

    Example:
        >>> Record("Cooking/pan/1", turn=1, modality="text", prompt="Which? A or B", text="A", target="A").turn
        1
        >>> Record("Cooking/pan/1", turn=2, modality="image", prompt=None)
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `prompt` to be text, got None.
    """

    dialogue: str
    turn: int
    modality: Literal["text", "image"]
    prompt: str
    text: str | None = None
    image: Path | bytes | None = None
    target: str | None = None
    links: tuple[int, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    attempted: bool = True
    options: Mapping[str, str] | str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    reference: Path | bytes | None = None
    mask: Path | bytes | None = None
    subject: str | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    objects: tuple[str, ...] | None = None
    target_objects: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        given = vars(self)
        for name, check in FIELDS.items():
            value = given[name]
            found = check(name, value)
            if found is not value:
                object.__setattr__(self, name, found)
        if self.links:
            check_links(self.links, self.turn)


def check_record(record: Any, row: int | None = None) -> Record:
    """The record itself.

    Args:
        record: what should be one.
        row: where it stands among others, for the message.

    Raises:
        InputError: if it is anything else; of a dict it says how to make a record of it.

    Example:
        >>> check_record("a", 3)
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `records` to hold `Record`s, got str at row 3.
    """
    if isinstance(record, Record):
        return record
    cure = " (of a dict: `Record(**row)`)" if isinstance(record, Mapping) else ""
    raise InputError("records", f"to hold `Record`s{cure}", type(record).__name__, row)


def as_records(records: Iterable[Record]) -> Iterable[Record]:
    """What is iterated over as records; a single record, text and paths are none of it.

    Raises:
        InputError: if it cannot be iterated over, or is a single record, a mapping, text or a path.
    """
    if isinstance(records, (Record, Mapping, str, bytes, Path)) or not isinstance(records, Iterable):
        file = " (of a file: `imug_metrics.read_records(path)`)" if isinstance(records, (str, Path)) else ""
        raise InputError(
            "records", f"to be `Record`s in a list or another iterable{file}", f"a {type(records).__name__}"
        )
    return records


def image_name(image: Path | bytes | None) -> str | None:
    """What an image is called in tables and problems: its path, or a name made of its content.

    Example:
        >>> image_name(Path("cat.png")), image_name(b"..."), image_name(None)
        ('cat.png', 'embedded:ed8afa03a2db846a', None)
    """
    if isinstance(image, bytes):
        return EMBEDDED + hashlib.blake2b(image, digest_size=8).hexdigest()
    return None if image is None else str(image)


def by_dialogue(records: Iterable[Record]) -> list[list[Record]]:
    """Records of each dialogue, in the order in which the dialogues begin.

    Raises:
        InputError: if one is no record; it names the row.
    """
    dialogues: dict[str, list[Record]] = {}
    for row, record in enumerate(as_records(records)):
        dialogues.setdefault(check_record(record, row).dialogue, []).append(record)
    return list(dialogues.values())


def dialogue_steps(records: Iterable[Record], count: int) -> Iterator[list[list[Record]]]:
    """Whole dialogues, up to `count` at a time.

    Args:
        records: in any order when they are a sequence. An iterator is read as far as it must be: a step ends where one
            dialogue more begins, so a dialogue must not come back after `count` others.
        count: dialogues in a step.

    Raises:
        ValueError: if `count` is below 1.
        InputError: if one is no record; it names the row.

    Example:
        >>> turns = (Record(dialogue, 1, "text", "Which?") for dialogue in "aabc")
        >>> [[len(dialogue) for dialogue in step] for step in dialogue_steps(turns, 2)]
        [[2, 1], [1]]
    """
    if count < 1:
        raise ValueError(f"Expected argument `dialogues_per_step` to be >= 1, got {count}.")
    if isinstance(records, Sequence):
        records = (record for dialogue in by_dialogue(records) for record in dialogue)
    held: dict[str, list[Record]] = {}
    for row, record in enumerate(as_records(records)):
        if check_record(record, row).dialogue not in held and len(held) == count:
            yield list(held.values())
            held = {}
        held.setdefault(record.dialogue, []).append(record)
    if held:
        yield list(held.values())


def places(records: Sequence[Record]) -> dict[str, Any]:
    """Arguments `dialogue` and `turn` of a metric."""
    return {"dialogue": [record.dialogue for record in records], "turn": [record.turn for record in records]}


def valid_places(records: Sequence[Record], valid: list[bool], device: torch.device | None = None) -> dict[str, Any]:
    """Arguments `dialogue`, `turn` and `valid` of a metric."""
    return {**places(records), "valid": torch.tensor(valid, dtype=torch.bool, device=device)}
