# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model left at one turn, and whole dialogues of such records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

FAILED = "ERROR:"
"""How an answer begins that reports a failed turn."""


@dataclass(frozen=True)
class Record:
    """One model output at one turn of one dialogue.

    Attributes:
        dialogue: id of the dialogue, for example "<domain>/<subdomain>/<sample_id>".
        turn: position in the dialogue, from 1.
        modality: what the model had to answer with.
        prompt: what was asked at this turn.
        text: the answer at a text turn; None: absent. An answer that begins with "ERROR:" reports a failed turn: absent
            under protocol "strict", an answer like any other under "imug".
        image: the image at an image turn: a path, or the content of an image file; None: absent.
        target: the answer key of a text turn; None: there is nothing to score against.
        links: earlier turns whose image this turn's image should agree with.
        groups: what means are taken by: "class", "domain", "subdomain".
        attempted: False where the model left nothing at all for this dialogue. Under protocol "imug" such a dialogue is
            left out, while a missing answer in a dialogue that was attempted counts 0.
        options: of the question of a text turn, letters or texts by letter, which its answer and its key are read by
            under protocol "strict"; None: the letters A to G.
        scores: of the record, by name, from wherever they come; NaN: it could not be scored.
        reference: an image that this turn's image should look like; None: there is none.
        mask: the place of the subject in the image: an image of its size, above half is the subject; None: not known.
        subject: id of who or what should stay the same over turns; None: the dialogue has one subject.
        costs: of the output, by name: "tokens", "seconds", "images".

    Example:
        >>> Record("Cooking/pan/1", turn=1, modality="text", prompt="Which? A or B", text="A", target="A").turn
        1
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


def by_dialogue(records: Iterable[Record]) -> list[list[Record]]:
    """Records of each dialogue, in the order in which the dialogues begin."""
    dialogues: dict[str, list[Record]] = {}
    for record in records:
        dialogues.setdefault(record.dialogue, []).append(record)
    return list(dialogues.values())


def dialogue_steps(records: Iterable[Record], count: int) -> Iterator[list[list[Record]]]:
    """Whole dialogues, up to `count` at a time.

    Args:
        records: in any order when they are a sequence. An iterator is read as far as it must be: a step ends where one
            dialogue more begins, so a dialogue must not come back after `count` others.
        count: dialogues in a step.

    Raises:
        ValueError: if `count` is below 1.

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
    for record in records:
        if record.dialogue not in held and len(held) == count:
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
