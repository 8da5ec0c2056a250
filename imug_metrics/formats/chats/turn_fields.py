# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a line of a conversation says beside its messages: keys, options, scores, references, masks, subjects, costs.

A message says it of its own turn. The line says it of a dialogue of one turn, or by a list of one entry a turn; subject
and groups of all turns at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imug_metrics.dialogues.record import GROUPS
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import IN_CHATS, USUAL
from imug_metrics.formats.tables.rows import MODALITIES, as_number, cell, shown
from imug_metrics.reading.files import kind

_OF_TURN = [
    name
    for field in ("modality", "target", "options", "reference", "score", "scores", "costs", "objects", "target_objects")
    for name in IN_CHATS[field]
]
_GROUPS = tuple(name for name in GROUPS if name in USUAL)  # a `question` is what was asked
_WHOLE = ("subject", "groups", *_GROUPS)
_LISTS = ("options", "links", "objects", "target_objects")
_TOKENS = ("completion_tokens", "output_tokens")


@dataclass(frozen=True)
class LineFields:
    """What a line says beside its messages.

    Attributes:
        row: the line's object.
        columns: by field, the key that holds it.
        turns: how many turns the line has.
        place: the line.
        keys: all that the line and its messages have.
    """

    row: Mapping[str, Any]
    columns: Mapping[str, str]
    turns: int
    place: Place
    keys: frozenset[str]

    def find(self, name: str, turn: int, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[Any, str]:
        """A field of a turn, and where it stands; None where it is not there.

        Args:
            name: of the field.
            turn: from 1.
            messages: those of the turn, each with its place in the line.
        """
        names = (self.columns[name],) if name in self.columns else IN_CHATS.get(name, (name,))
        if name not in self.columns and self.keys.isdisjoint(names):  # nearly always, and much faster
            return None, name
        for where, message in messages:
            if (key := self._there(message, names, where)) is not None:
                return cell(message, key), f"{where}.{key}"
        key = self._there(self.row, names, "", told=turn > 1)
        if key is None:
            return None, name
        return self._of_turn(name, cell(self.row, key), key, turn), key

    def dialogue(self) -> str | None:
        """The id of the dialogue; None where the line has none."""
        found = self.name("dialogue")
        if found is None and "dialogue" in self.columns:
            self.place.error(self.columns["dialogue"], "expected the id of a dialogue, found none: its line names it")
        return found

    def answer(self, said: str | None, turn: int, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> str | None:
        """What the model answered: a message, or a field beside the messages, which is that of the last turn."""
        value, where = self.find("text", turn, messages)
        if not isinstance(value, str) or value == said:
            return said
        if said is None or "text" in self.columns:
            return value
        if value.strip() != said.strip():
            name = where.rpartition(".")[2]
            cure = f"say by `columns` text={name[:40]} if that is the answer, or leave it out"
            self.place.error(where, f"differs from the answer in the messages, which counts: {cure}")
        return said

    def name(self, field: str) -> str | None:
        """An id or a name that the line has; None where it has none."""
        value, where = self.find(field, 1, [])
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        return self.as_name(value, where)

    def as_name(self, value: Any, where: str) -> str | None:
        """A value as the text of a name, or None, with the reason told."""
        value = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(value, bool) or not isinstance(value, (str, int, type(None))) or value == "":
            got = "an empty text" if value == "" else kind(value)
            self.place.error(where, f"expected a text or a whole number, got {got}")
            return None
        return None if value is None else str(value).encode("utf-8", "replace").decode("utf-8")

    def groups(self, turn: int, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
        """What means are taken by: an object `groups`, what stands under the usual names, and what `columns` names."""
        many, where = self.find("groups", turn, messages)
        if many is not None and not isinstance(many, Mapping):
            self.place.error(where, f"expected names by name, got {kind(many)}")
        given = many if isinstance(many, Mapping) else {}
        every = [(name, *self.find(name, turn, messages)) for name in _GROUPS if name not in given]
        own = (name for name in self.columns if name.startswith("group."))
        every += [(name.removeprefix("group."), *self.find(name, turn, messages)) for name in own]
        every += [(str(name), value, f"{where}.{str(name)[:80]}") for name, value in given.items()]
        found = {name: self.as_name(value, at) for name, value, at in every}
        return {name: value for name, value in found.items() if value is not None}

    def modality(self, turn: int, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> str | None:
        """What a turn asks for, where it is said."""
        value, where = self.find("modality", turn, messages)
        found = MODALITIES.get(value.strip().lower()) if isinstance(value, str) else None
        if value is not None and found is None:
            got = repr(value[:40]) if isinstance(value, str) else kind(value)
            self.place.error(where, f"expected text or image, got {got}: taken from what the model gave")
        return found

    def numbers(self, name: str, turn: int, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, float]:
        """Scores or costs of a turn by name: `score`, an object `scores`, and what `columns` names."""
        single, own = ("score", "score.") if name == "scores" else ("", "cost.")
        found: dict[str, float] = {}
        many, where = self.find(name, turn, messages)
        if isinstance(many, Mapping):
            for key, value in many.items():
                self._add(found, str(key), value, f"{where}.{str(key)[:80]}")
        elif many is not None:
            cure = "; a number alone is a `score`" if name == "scores" else ""
            self.place.error(where, f"expected numbers by name, got {kind(many)}{cure}")
        for column in (single, *(column for column in self.columns if column.startswith(own))):
            if column:
                self._add(found, column.removeprefix(own), *self.find(column, turn, messages))
        return found

    def costs(self, turn: int, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, float]:
        """Costs of a turn: `costs`, what `columns` names, and the tokens of `usage`, summed over messages."""
        found = self.numbers("costs", turn, messages)
        every = [*messages, *([("", self.row)] if self.turns == 1 else [])]
        used = [tokens for _, message in every if (tokens := _tokens(message.get("usage"))) is not None]
        return {"tokens": float(sum(used)), **found} if used else found

    def _add(self, found: dict[str, float], name: str, value: Any, where: str) -> None:
        """Add a number under its name, or tell why it is none."""
        if value is None:
            return
        number = as_number(value)
        if number is None:
            self.place.error(where, f"expected a finite number, got {shown(value)}")
        else:
            found[name] = number

    def _there(self, fields: Mapping[str, Any], names: Sequence[str], where: str, *, told: bool = False) -> str | None:
        """The name under which a value is there; of several that differ none, which is told."""
        there = [name for name in names if cell(fields, name) is not None]
        first = cell(fields, there[0]) if there else None
        if names is not IN_CHATS["dialogue"] and any(cell(fields, name) != first for name in there[1:]):
            named = " and ".join(f"`{name}`" for name in there)
            if not told:
                self.place.error(where or there[0], f"{named} differ: say by `columns` which of them is meant")
            return None
        return there[0] if there else None

    def _of_turn(self, name: str, value: Any, key: str, turn: int) -> Any:
        """What the line's value says of a turn."""
        if (name in _WHOLE or name.startswith("group.")) and not isinstance(value, list):
            return value
        if isinstance(value, list) and len(value) == self.turns and _one_a_turn(name, value):
            return value[turn - 1]
        if self.turns == 1 or name in ("dialogue", "model") or value is None:
            return value
        if name in ("scores", "costs") and isinstance(value, Mapping):
            return {each: self._of_turn("score", part, f"{key}.{str(each)[:80]}", turn) for each, part in value.items()}
        if name == "text" and isinstance(value, str):
            return value if turn == self.turns else None
        if turn == 1:
            got = f"a list of {len(value)}" if isinstance(value, list) else "one value"
            cure = "put it on the messages, or give a list of one entry a turn"
            self.place.error(key, f"expected one entry for each of {self.turns} turns, got {got}: {cure}")
        return None


def is_of_turn(fields: Mapping[str, Any]) -> bool:
    """Whether a message, or a line, holds what is known of one turn under a usual name."""
    return any(fields.get(name) is not None for name in _OF_TURN)


def guessed_dialogue(row: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The field that a line's dialogue is taken from, where it may as well number the lines; else None."""
    if "dialogue" in columns:
        return None
    found = next((name for name in IN_CHATS["dialogue"] if cell(row, name) is not None), None)
    return found if found in USUAL["dialogue"][-1] else None


def _one_a_turn(name: str, values: Sequence[Any]) -> bool:
    """Whether the entries of a list are of one turn each, where a turn's value may be a list itself."""
    return name not in _LISTS or all(value is None or isinstance(value, (list, Mapping)) for value in values)


def _tokens(usage: Any) -> int | None:
    counts: Iterator[Any] = (usage.get(name) for name in _TOKENS) if isinstance(usage, Mapping) else iter(())
    return next((n for n in counts if isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**53), None)
