# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Items of checklists, and what they are asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChecklistItem:
    """One yes/no question.

    Attributes:
        id: names it among the items of its dialogue.
        question: what the judge answers.
        expected: whether yes is the answer that meets it.
        weight: how much it weighs, from 0.
        category: or None.
        dialogue: whose outputs it is asked about; None: those of every dialogue.
        turn: at which it is asked for; None: it is asked about at every turn.
        persists: whether it is asked about at the later turns of the dialogue as well.
    """

    id: str
    question: str
    expected: bool = True
    weight: float = 1.0
    category: str | None = None
    dialogue: str | None = None
    turn: int | None = None
    persists: bool = False

    def concerns(self, turn: int) -> bool:
        """Whether it is asked about at a turn.

        Example:
            >>> [ChecklistItem("1", "Is it red?", turn=2, persists=True).concerns(turn) for turn in (1, 2, 3)]
            [False, True, True]
        """
        return self.turn is None or self.turn == turn or (self.persists and self.turn < turn)


@dataclass(frozen=True)
class JudgedOutput:
    """What a judge is shown.

    Attributes:
        model, dialogue, turn: whose output it is.
        prompt: what was asked.
        parts: texts and images of the output, in their order.
        shown: images that the model was shown, such as the one to edit.
        before: what was asked at the earlier turns.
    """

    model: str
    dialogue: str
    turn: int
    prompt: str
    parts: tuple[str | Path | bytes, ...]
    shown: tuple[Path | bytes, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Characters of its texts."""
        return sum(len(part) for part in self.parts if isinstance(part, str))

    @property
    def has_order(self) -> bool:
        """Whether its images can stand before or behind others."""
        return bool(self.shown) and any(not isinstance(part, str) for part in self.parts)


Checklists = Mapping["str | None", Sequence[ChecklistItem]]
"""Items by dialogue; those under None are asked about everywhere."""


def by_dialogue(items: Iterable[ChecklistItem]) -> dict[str | None, list[ChecklistItem]]:
    """Items by the dialogue that they are about."""
    found: dict[str | None, list[ChecklistItem]] = {}
    for item in items:
        found.setdefault(item.dialogue, []).append(item)
    return found


def items_of(output: JudgedOutput, checklists: Checklists) -> list[ChecklistItem]:
    """The items that are asked about an output, in the order of the lists.

    Example:
        >>> lists = by_dialogue([ChecklistItem("1", "Is it red?"), ChecklistItem("2", "A cup?", dialogue="a", turn=2)])
        >>> [item.id for item in items_of(JudgedOutput("m", "a", 1, "Draw.", ("...",)), lists)]
        ['1']
    """
    mine = [*checklists.get(None, ()), *checklists.get(output.dialogue, ())]
    return [item for item in mine if item.concerns(output.turn)]
