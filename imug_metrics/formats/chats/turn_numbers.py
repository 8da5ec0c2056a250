# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which turns of a dialogue a line's messages are: all of them from 1, those that it numbers, or one that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imug_metrics.formats.chats.parts import Message
from imug_metrics.formats.chats.turn_fields import is_of_turn
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import IN_CHATS
from imug_metrics.formats.tables.rows import cell, read_turn
from imug_metrics.reading.files import MAX_TURN, as_turn


def turn_field(row: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The field by which a line says which turn it is; None where it says none.

    Example:
        >>> turn_field({"turn": 2, "messages": []}, {}), turn_field({"t": 1, "messages": []}, {"turn": "t"})
        ('turn', 't')
        >>> turn_field({"messages": []}, {}) is None
        True
    """
    names = (columns["turn"],) if "turn" in columns else IN_CHATS["turn"]
    return next((name for name in names if isinstance(cell(row, name), (str, int, float))), None)


def turn_numbers(
    row: Mapping[str, Any], turns: Sequence[Sequence[Message]], columns: Mapping[str, str], place: Place
) -> Sequence[int] | None:
    """The numbers of a line's turns, or of its last ones where those before are history; None, with the reason told.

    Args:
        row: the line's object. Where it names its turn, only the last of its messages' turns is meant, unless they are
            as many as it says, and nothing beside them is of one turn: then it says how many they are.
        turns: the messages of each turn.
        columns: what the caller has named.
        place: the line.

    Raises:
        ArgumentError: if turns count from 0; of `columns`, if it names the turn and a line says none.
    """
    given = row.get("turns")
    if isinstance(given, list) and given and all(isinstance(entry, int) for entry in given):
        return _listed(given, len(turns), place)
    name = turn_field(row, columns)
    if name is not None:
        return _of_line(row, name, len(turns), place, named="turn" in columns)
    if "turn" in columns and not any(columns["turn"] in message.fields for turn in turns for message in turn):
        place.error(columns["turn"], f"expected a turn from 1 to {MAX_TURN}, found none")
        return None
    return _of_messages(turns, columns.get("turn", "turn"), place)


def _listed(given: list[int], count: int, place: Place) -> Sequence[int] | None:
    numbers = [as_turn(entry) or 0 for entry in given]
    if 0 in numbers or numbers != sorted(set(numbers)) or len(numbers) != count:
        expected = f"expected the numbers of {count} turns, from 1 to {MAX_TURN}, each above the one before"
        place.error("turns", f"{expected}, got {str(given)[:80]}")
        return None
    return numbers


def _of_line(row: Mapping[str, Any], name: str, count: int, place: Place, *, named: bool) -> Sequence[int] | None:
    turn = read_turn(cell(row, name), name, place)
    if turn is None:
        return None
    if count > turn:
        place.error(name, f"expected the turn of its last message of the user, which is the {count}th, got {turn}")
        return None
    beside = {field: value for field, value in row.items() if not isinstance(value, list)}  # a list: one entry a turn
    one = named or count < turn or is_of_turn(beside) or "usage" in beside
    return (turn,) if one else range(1, count + 1)


def _of_messages(turns: Sequence[Sequence[Message]], name: str, place: Place) -> Sequence[int]:
    """The numbers that messages give their turns, where all of a turn agree; else from 1."""
    counted = range(1, len(turns) + 1)
    said = [{message.fields[name] for message in turn if isinstance(message.fields.get(name), int)} for turn in turns]
    if not any(said):
        return counted
    numbers = [entries.pop() if len(entries) == 1 else -1 for entries in said]
    if numbers[0] == 0 and -1 not in numbers:
        read_turn(0, name, place)  # refuses it
    if numbers == sorted(set(numbers)) and numbers[0] >= 1 and numbers[-1] <= MAX_TURN:
        return numbers
    cure = "give `turns` on the line where some are not there"
    place.warn(f"{turns[0][0].where}.{name}", f"is not read: turns are counted from 1 by messages of the user; {cure}")
    return counted
